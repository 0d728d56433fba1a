import Testing

@testable import FaultLab

@Suite struct LinearizabilityCheckerTests {
  private func isLinearizable(_ history: History, _ reductions: SearchReductions) -> Bool {
    LinearizabilityChecker(statesMax: 1_000_000, reductions: reductions).check(history).isLinearizable
  }

  static let shapes: [RandomHistory] = [
    RandomHistory(), RandomHistory(processCount: 5, valueCount: 2), RandomHistory(keys: ["x", "y"]),
    RandomHistory(processCount: 4, valueCount: 2, unknownPercent: 50, liePercent: 70),
    RandomHistory(operationsMax: 6, processCount: 6, valueCount: 4, unknownPercent: 10),
  ]

  @Test(arguments: shapes.indices)
  func `the checker agrees with the definition on small histories`(shape: Int) throws {
    var counts = [true: 0, false: 0]
    for number in UInt64(0)..<2_000 {
      let seed = UInt64(shape) << 32 + number
      var random = SeededRandom(seed: seed)
      let history = try Self.shapes[shape].make(&random)
      let expected = ReferenceChecker(history).isLinearizable
      counts[expected, default: 0] += 1
      let some = SearchReductions(rawValue: random.below(16))
      for reductions in [SearchReductions.all, [], some] {
        #expect(
          isLinearizable(history, reductions) == expected,
          "seed \(seed), shape \(shape), reductions \(reductions.rawValue):\n\(history.jsonLines)")
      }
    }
    #expect(counts.values.allSatisfy { $0 > 200 }, "both verdicts must be reached: \(counts)")
  }

  @Test func `every combination of reductions gives the answer of the plain algorithm on larger histories`() throws {
    var counts = [true: 0, false: 0]
    for seed in UInt64(0)..<250 {
      var random = SeededRandom(seed: seed)
      let shape = RandomHistory(
        operationsMax: 28, processCount: 5, valueCount: 2 + random.below(3), unknownPercent: 20, liePercent: 12)
      let history = try shape.make(&random)
      let expected = isLinearizable(history, [])
      counts[expected, default: 0] += 1
      for rawValue in 1..<16 {
        #expect(
          isLinearizable(history, SearchReductions(rawValue: rawValue)) == expected,
          "seed \(seed), reductions \(rawValue):\n\(history.jsonLines)")
      }
    }
    #expect(counts.values.allSatisfy { $0 > 40 }, "both verdicts must be reached: \(counts)")
  }

  @Test func `a violation's order can be replayed, and what is blocked needs another value`() throws {
    var count = 0
    for seed in UInt64(0)..<600 {
      var random = SeededRandom(seed: seed)
      let history = try RandomHistory(operationsMax: 14, processCount: 4, liePercent: 25).make(&random)
      guard case .violation(let violation) = LinearizabilityChecker().check(history).failures.first?.answer else { continue }
      count += 1
      var value: Int?
      for operation in violation.order {
        let after = try #require(operation.action.applied(to: value), "seed \(seed)")
        value = after
      }
      #expect(value == violation.value, "seed \(seed)")
      #expect(!violation.blocked.isEmpty && violation.blocked.allSatisfy { $0.needs != value }, "seed \(seed)")
      let order = violation.order.map(\.invocation.index)
      #expect(violation.blocked.allSatisfy { !order.contains($0.operation.invocation.index) }, "seed \(seed)")
    }
    #expect(count > 100, "violations must be reached: \(count)")
  }

  @Test func `the answer is undecided where the search exceeds its bound, and that is a failure`() throws {
    let history = try SimulatedRegisters(operationCount: 200).history(seed: 1)
    let verdict = LinearizabilityChecker(statesMax: 20).check(history)
    #expect(verdict.keys.map(\.answer) == [.undecided(.statesExceeded(limit: 20))])
    #expect(!verdict.isLinearizable && verdict.failures.count == 1)
    #expect(verdict.description.hasSuffix("key k0: undecided. More than 20 configurations would have to be searched."))
    #expect(LinearizabilityChecker().check(history).isLinearizable)
  }

  @Test func `a bound that is just enough is enough`() throws {
    let history = try story("a write 1, a ok, b read, b got 1")
    #expect(LinearizabilityChecker(statesMax: 3).check(history).isLinearizable)
    #expect(!LinearizabilityChecker(statesMax: 2).check(history).isLinearizable)
  }
}
