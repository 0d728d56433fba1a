import Testing

@testable import FaultLab

@Suite struct LargeHistoryTests {
  static let shapes: [SimulatedRegisters] = [
    SimulatedRegisters(operationCount: 5_000, keyCount: 10, clientCount: 16, unknownCount: 40),
    SimulatedRegisters(operationCount: 1_500, clientCount: 6, unknownCount: 40),
    SimulatedRegisters(operationCount: 1_000, clientCount: 6, unknownCount: 40, valueCount: 5),
    SimulatedRegisters(operationCount: 1_000, clientCount: 3, valueCount: 3, failPercent: 20),
    SimulatedRegisters(operationCount: 600, clientCount: 12, unknownCount: 12),
  ]

  @Test(arguments: shapes.indices)
  func `every history of a correct register is accepted`(shape: Int) throws {
    for seed in UInt64(0)..<4 {
      let history = try Self.shapes[shape].history(seed: seed)
      let verdict = LinearizabilityChecker().check(history)
      #expect(verdict.isLinearizable, "seed \(seed), shape \(shape): \(verdict)")
      #expect(verdict.count(of: .ok) > history.operations.count / 2, "seed \(seed)")
    }
  }

  @Test func `a read of another value is nearly always found`() throws {
    var found = 0
    for seed in UInt64(0)..<60 {
      var random = SeededRandom(seed: seed)
      let registers = SimulatedRegisters(operationCount: 400, keyCount: 2, clientCount: 5, unknownCount: 10)
      let changed = try #require(try registers.history(seed: seed).withOneReadChanged(&random), "seed \(seed)")
      let verdict = LinearizabilityChecker().check(changed)
      found += verdict.isLinearizable ? 0 : 1
      let decided = verdict.keys.allSatisfy { if case .undecided = $0.answer { false } else { true } }
      #expect(decided, "seed \(seed): \(verdict)")
    }
    #expect(found >= 54, "\(found) of 60")
  }

  @Test func `on small histories a changed read is judged as the definition judges it`() throws {
    var counts = [true: 0, false: 0]
    for seed in UInt64(0)..<1_500 {
      var random = SeededRandom(seed: seed)
      let registers = SimulatedRegisters(
        operationCount: 7, clientCount: 4, unknownCount: random.below(3), valueCount: random.chance(50) ? 2 : nil)
      let history = try registers.history(seed: seed)
      #expect(ReferenceChecker(history).isLinearizable, "seed \(seed)")
      guard let changed = try history.withOneReadChanged(&random) else { continue }
      let expected = ReferenceChecker(changed).isLinearizable
      counts[expected, default: 0] += 1
      #expect(
        LinearizabilityChecker().check(changed).isLinearizable == expected, "seed \(seed):\n\(changed.jsonLines)")
    }
    #expect(counts.values.allSatisfy { $0 > 100 }, "both verdicts must be reached: \(counts)")
  }

  @Test func `twenty thousand operations need little more than one configuration each`() throws {
    let registers = SimulatedRegisters(operationCount: 20_000, keyCount: 50, clientCount: 16, unknownCount: 40)
    let history = try registers.history(seed: 1)
    let clock = ContinuousClock()
    var verdict: LinearizabilityVerdict?
    let duration = clock.measure { verdict = LinearizabilityChecker().check(history) }
    let stateCount = verdict?.keys.reduce(0) { $0 + $1.stateCount } ?? 0
    print("20,000 operations, 50 keys, 16 clients, 40 of unknown outcome: \(duration), \(stateCount) configurations")
    #expect(verdict?.isLinearizable == true && stateCount < 30_000, "\(stateCount)")
  }
}
