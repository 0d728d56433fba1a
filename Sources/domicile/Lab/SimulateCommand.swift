import ArgumentParser
import DirectorySimulation
import Foundation
import Residency

/// `domicile lab simulate`
struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Live through thousands of disasters of the directory, without a network, a disk or a clock.",
    discussion: """
      Regions that register, move, freeze, erase and resolve subjects, and write global documents, joined by a network that loses, delays, doubles, reorders and \
      damages messages and falls apart in every way; regions crash, are restored from old backups, join, leave, and burn down. Then \
      everything heals, and what was promised is checked by rules that know nothing of the code that merges. The code under test is \
      the one that coordinators run; the rest is simulated.

      Everything follows from the seed: one that fails fails again. A failing one is kept as a scenario file with --keep, and replayed \
      with --scenario.

      Exit code 1 where a promise was not kept.

      Mistakes that can be planted, to see that they are found: \(PlantedFault.allCases.map(\.rawValue).joined(separator: ", ")).
      """)

  @Option(help: "How many seeds.")
  var seeds = 2_000

  @Option(help: "The first of them.")
  var from: UInt64 = 0

  @Flag(help: "In each simulation a region is restored from an old backup, and nobody tells it.")
  var restoresUnnoticed = false

  @Option(help: "Plant this mistake.")
  var fault: PlantedFault?

  @Option(help: "Replay this file instead.", completion: .file(extensions: ["yaml"]))
  var scenario: String?

  @Option(help: "Write a scenario file for each failing seed into this folder.", completion: .directory)
  var keep: String?

  @Option(help: "Stop after so many failing seeds.")
  var failures = 10

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard (1...100_000_000).contains(seeds) else { throw ValidationError("--seeds is 1 to 100000000, not \(seeds).") }
    guard from <= UInt64.max - UInt64(seeds) else { throw ValidationError("--from leaves no room for \(seeds) seeds.") }
    guard failures > 0 else { throw ValidationError("--failures is at least 1, not \(failures).") }
  }

  func run() async throws {
    let campaign = try campaign()
    let progress = ProgressLine(total: campaign.seeds.count, of: "seeds")
    let began = ContinuousClock.now
    let outcome = try await campaign.run(
      workers: ProcessInfo.processInfo.activeProcessorCount, failuresMax: failures
    ) { done in
      if done.isMultiple(of: 20) { progress.show(done) }
    }
    progress.clear()
    let files = try keepFailures(outcome.failures)
    let report = SimulationReport(
      sum: outcome.sum, failures: outcome.failures, files: files, took: began.duration(to: .now))
    print(json ? report.json.canonicalText : report.text)
    if !outcome.failures.isEmpty { throw ExitCode(1) }
  }

  private func campaign() throws -> SimulationCampaign {
    guard let scenario else {
      let template = SimulationScenario(seed: from, restoresUnnoticed: restoresUnnoticed, writesDocuments: true, fault: fault)
      return SimulationCampaign(template, seeds: from..<from + UInt64(seeds))
    }
    let text: String
    do { text = try String(contentsOfFile: scenario, encoding: .utf8) } catch {
      throw ValidationError("\(scenario) cannot be read: \(error.localizedDescription)")
    }
    do {
      let read = try SimulationScenario(yaml: text)
      guard read.seed < .max else { throw ValidationError("\(scenario): seed is less than \(UInt64.max).") }
      return SimulationCampaign(read, seeds: read.seed..<read.seed + 1)
    } catch let error as DecodingError {
      throw ValidationError("\(scenario) is no scenario: \(error.explanation)")
    }
  }

  private func keepFailures(_ failures: [SimulationCampaign.Failure]) throws -> [String] {
    guard let keep, !failures.isEmpty else { return [] }
    try FileManager.default.createDirectory(atPath: keep, withIntermediateDirectories: true)
    return try failures.map { failure in
      let path = URL(filePath: keep).appending(path: "seed-\(failure.scenario.seed).yaml").path
      try failure.scenario.yaml(about: failure.violations).write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }
  }
}

extension PlantedFault: ExpressibleByArgument {}

extension DecodingError {
  fileprivate var explanation: String {
    switch self {
    case .keyNotFound(let key, _): "it has no \(key.stringValue)."
    case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context):
      (context.codingPath.map(\.stringValue).joined(separator: ".") + ": " + context.debugDescription)
    @unknown default: "\(self)"
    }
  }
}
