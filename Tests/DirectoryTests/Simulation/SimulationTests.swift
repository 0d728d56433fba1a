import Foundation
import Testing

@testable import Directory

/// Other tests, which wait for servers, get their turn between two seeds.
private func run(_ seed: UInt64, _ options: SimulatedWorld.Options = .init()) async throws -> SimulatedWorld {
  await Task.yield()
  var world = try SimulatedWorld(seed: seed, options: options)
  try world.run()
  return world
}

/// One after the other: tests that wait for servers run beside them, on as few threads as there are cores.
@Suite(.serialized) struct SimulationTests {
  static let chunk: UInt64 = 20
  /// 80 seeds, or as many as the environment asks for.
  static let chunkCount = (ProcessInfo.processInfo.environment["DOMICILE_TEST_SEEDS"].flatMap { UInt64($0) } ?? 80) / chunk

  @Test(arguments: [UInt64](0..<SimulationTests.chunkCount))
  func `regions converge after every storm, lose nothing acknowledged, and never pick a winner`(chunk: UInt64) async throws {
    var contested = 0
    var occurrences = 0
    for seed in (chunk * Self.chunk)..<((chunk + 1) * Self.chunk) {
      let world = try await run(seed)
      #expect(world.checker.violations.isEmpty, "seed \(seed): \(world.checker.violations.prefix(2))")
      contested += world.checker.contestedAtEnd
      occurrences += world.occurrences
      #expect(world.checker.committedCount >= 5, "seed \(seed): the clients must get something done")
    }
    #expect(contested > 5, "tags must have been registered twice: \(contested) in \(occurrences) occurrences")
  }

  @Test func `two regions that never reach each other converge through a third`() async throws {
    for seed in UInt64(9_000)..<9_010 {
      let world = try await run(seed, .init(cutForGood: [[0, 1], [1, 0]]))
      #expect(world.checker.violations.isEmpty, "seed \(seed): \(world.checker.violations.prefix(2))")
    }
  }

  @Test func `a run repeats exactly from its seed`() async throws {
    let (first, second) = (try await run(7), try await run(7))
    #expect(first.occurrences == second.occurrences)
    #expect(first.regions.map(\.store.rows) == second.regions.map(\.store.rows))
  }

  @Test func `a region that was set back without notice takes back what it lost and writes anew what it wrote since`()
    async throws
  {
    var (reissued, undecided) = (0, 0)
    for seed in UInt64(5_000)..<5_040 {
      let world = try await run(seed, .init(restoresUnnoticed: true))
      #expect(world.checker.violations.isEmpty, "seed \(seed): \(world.checker.violations.prefix(2))")
      reissued += world.checker.reissuedCount
      undecided += world.checker.needsOperator.isEmpty ? 0 : 1
    }
    #expect(undecided < 10, "nobody could say what is right in \(undecided) of 40")
    #expect(reissued > 5, "histories must have forked for this to say anything: \(reissued)")
  }

  @Test(arguments: PlantedFault.allCases)
  func `the checker finds a planted fault`(fault: PlantedFault) async throws {
    let seeds = UInt64(0)..<400
    let options = SimulatedWorld.Options(
      fault: fault, restoresUnnoticed: [.skipChainCheck, .dropOrphans, .snapshotMergesOnly].contains(fault))
    var found: UInt64?
    for seed in seeds where found == nil {
      if try await !run(seed, options).checker.violations.isEmpty { found = seed }
    }
    #expect(found != nil, "no seed of \(seeds) shows \(fault.rawValue)")
  }
}
