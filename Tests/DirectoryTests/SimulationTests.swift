import Foundation
import Testing

@testable import DirectorySimulation

struct SimulationTests {
  private func run(_ seeds: Range<UInt64>, _ scenario: SimulationScenario = .init(seed: 0)) throws -> SimulationResult {
    var sum = SimulationResult()
    for seed in seeds {
      var scenario = scenario
      scenario.seed = seed
      let result = try SimulationResult(of: scenario)
      #expect(result.violations.isEmpty, "seed \(seed): \(result.violations.prefix(2))")
      #expect(result.acknowledged >= 5, "seed \(seed): the clients must get something done")
      sum += result
    }
    return sum
  }

  /// Thousands more are run by `domicile lab simulate`.
  @Test(arguments: [UInt64](0..<5))
  func `regions converge after every storm, lose nothing acknowledged, and never pick a winner`(chunk: UInt64) throws {
    let sum = try run(chunk * 20..<(chunk + 1) * 20, .init(seed: 0, writesDocuments: true))
    #expect(sum.contested > 5, "tags must have been registered twice: \(sum.contested) in \(sum.occurrences) occurrences")
  }

  @Test func `two regions that never reach each other converge through a third`() throws {
    _ = try run(9_000..<9_010, .init(seed: 0, cutForGood: [[1, 2], [2, 1]]))
  }

  @Test func `a run repeats exactly from its seed`() throws {
    var (first, second) = (try SimulatedWorld(.init(seed: 7)), try SimulatedWorld(.init(seed: 7)))
    try first.run()
    try second.run()
    #expect(first.occurrences == second.occurrences)
    #expect(first.regions.map(\.store.rows) == second.regions.map(\.store.rows))
  }

  @Test func `a region that was set back without notice takes back what it lost and writes anew what it wrote since`() throws {
    let sum = try run(5_000..<5_040, .init(seed: 0, restoresUnnoticed: true))
    #expect(sum.undecided < 10, "nobody could say what is right in \(sum.undecided) of 40")
    #expect(sum.reissued > 5, "histories must have forked for this to say anything: \(sum.reissued)")
  }

  @Test(arguments: PlantedFault.allCases)
  func `the checker finds a planted fault`(fault: PlantedFault) throws {
    let seeds = UInt64(0)..<600
    let isUnnoticed = [.skipChainCheck, .dropOrphans, .snapshotMergesOnly].contains(fault)
    let isOfDocuments = [.documentsOverwritten, .documentsNotInSnapshot].contains(fault)
    let found = try seeds.first { seed in
      let scenario = SimulationScenario(
        seed: seed, restoresUnnoticed: isUnnoticed, writesDocuments: isOfDocuments, fault: fault)
      return try !SimulationResult(of: scenario).violations.isEmpty
    }
    #expect(found != nil, "no seed of \(seeds) shows \(fault.rawValue)")
  }

  /// What once went wrong, one file each. A change of the simulation changes what their seeds stand for; they stay, since each of
  /// them costs little.
  @Test func `what once went wrong does not happen again`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }.sorted()
    #expect(!files.isEmpty)
    for file in files {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      let result = try SimulationResult(of: try SimulationScenario(yaml: text))
      #expect(result.violations.isEmpty, "\(file): \(result.violations.prefix(2))")
    }
  }

  @Test(arguments: ["seed: x", "seed: 1\nfault: none-such", "seed: 1\ncut_for_good: [[0, 1]]", "restores_unnoticed: true"])
  func `a scenario that is none is refused`(text: String) {
    #expect(throws: DecodingError.self) { try SimulationScenario(yaml: text) }
  }

  @Test func `a scenario survives being written down`() throws {
    let scenario = SimulationScenario(
      seed: .max, restoresUnnoticed: true, writesDocuments: true, cutForGood: [[1, 3]], fault: .ignoreEpoch)
    #expect(try SimulationScenario(yaml: scenario.yaml(about: ["two\nlines"])) == scenario)
  }
}
