import Testing

@testable import Directory

private func run(_ seed: UInt64, _ options: SimulatedWorld.Options = .init()) throws -> SimulatedWorld {
  var world = try SimulatedWorld(seed: seed, options: options)
  try world.run()
  return world
}

@Suite struct SimulationTests {
  static let chunk: UInt64 = 40

  @Test(arguments: [UInt64](0..<8))
  func `regions converge after every storm, lose nothing acknowledged, and never pick a winner`(chunk: UInt64) throws {
    var contested = 0
    var occurrences = 0
    for seed in (chunk * Self.chunk)..<((chunk + 1) * Self.chunk) {
      let world = try run(seed)
      #expect(world.checker.violations.isEmpty, "seed \(seed): \(world.checker.violations.prefix(3))")
      contested += world.checker.contestedAtEnd
      occurrences += world.occurrences
      #expect(world.checker.committedCount > 10, "seed \(seed): the clients must get something done")
    }
    #expect(contested > 20, "tags must have been registered twice: \(contested) in \(occurrences) occurrences")
  }

  @Test func `two regions that never reach each other converge through a third`() throws {
    for seed in UInt64(9_000)..<9_020 {
      let world = try run(seed, .init(cutForGood: [[0, 1], [1, 0]]))
      #expect(world.checker.violations.isEmpty, "seed \(seed): \(world.checker.violations.prefix(3))")
    }
  }

  @Test func `a run repeats exactly from its seed`() throws {
    let (first, second) = (try run(7), try run(7))
    #expect(first.occurrences == second.occurrences)
    #expect(first.regions.map(\.store.rows) == second.regions.map(\.store.rows))
  }

  @Test func `a region that was set back without notice is always found out, and its two histories never mix`() throws {
    var forks = 0
    for seed in UInt64(5_000)..<5_060 {
      let world = try run(seed, .init(restoresUnnoticed: true))
      #expect(world.checker.violations.isEmpty, "seed \(seed): \(world.checker.violations.prefix(3))")
      let histories = world.regions.map { region in
        world.regions.map { other in zip(region.store.logs[other.store.own] ?? [], other.store.logs[other.store.own] ?? []) }
          .contains { pairs in pairs.contains { $0.bytes != $1.bytes } }
      }
      forks += histories.contains(true) ? 1 : 0
    }
    #expect(forks > 10, "histories must have forked for this to say anything: \(forks)")
  }

  @Test(arguments: PlantedFault.allCases)
  func `the checker finds a planted fault`(fault: PlantedFault) throws {
    let seeds = UInt64(0)..<60
    let options = SimulatedWorld.Options(fault: fault, restoresUnnoticed: fault == .skipChainCheck)
    let found = try seeds.first { seed in try !run(seed, options).checker.violations.isEmpty }
    #expect(found != nil, "no seed of \(seeds) shows \(fault.rawValue)")
  }
}
