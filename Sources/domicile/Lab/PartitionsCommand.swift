import ArgumentParser
import ConfigurationFiles
import FaultLab
import Foundation
import Residency
import UnixSignals

/// `domicile lab partitions`
struct PartitionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "partitions", abstract: "Cut regions off from each other, and check what the directory promises.",
    discussion: """
      Starts regions of its own (for each a private PostgreSQL and a coordinator) that reach each other through links which are late, \
      lose some, and can be cut, either way or one way only. Under each partition apps register and look up people at every region, \
      write a document that all regions hold, and go on with their sessions at others.

      Checked: every region reads and writes its own copy on every side; nothing acknowledged is lost; a session is shown no less than \
      it has seen, or told that it cannot be; most regions confirm a registration exactly where most are together; who is registered on \
      two sides is contested; of a document all is left that nobody had read who wrote later, and nothing else; version vectors never go back; and all copies are the same once the links are whole.

      Exit code 1 where anything else happens.

      Partitions: \(Partition.allCases.map(\.rawValue).joined(separator: ", ")).
      """)

  @Option(help: "How many regions.")
  var regions = 5

  @Option(help: "For how many seconds each partition is held.")
  var seconds = 5

  @Option(parsing: .upToNextOption, help: "Only these partitions.")
  var only: [Partition] = []

  @Option(help: "Milliseconds that a byte is under way from one region to another.")
  var delay = 10

  @Option(help: "Of 1000 pieces sent, how many are lost and have to be sent again.")
  var loss = 5

  @Option(help: "Of what is lost and whom the apps look up.")
  var seed: UInt64 = 1

  @Option(help: "The folder of policy files.", completion: .directory)
  var policies = PolicyFolder.defaultFolder

  @Option(
    name: .customLong("dir"), help: "Keep everything in this folder. By default a temporary one, removed at the end.",
    completion: .directory)
  var folder: String?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    for (name, number, range) in [
      ("regions", regions, 3...9), ("seconds", seconds, 1...600), ("delay", delay, 0...10_000), ("loss", loss, 0...500),
    ] where !range.contains(number) {
      throw ValidationError("--\(name) is \(range.lowerBound) to \(range.upperBound), not \(number).")
    }
  }

  func run() async throws {
    let work = try BenchFolder(folder)
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    let running = Task { try await report(in: work.path) }
    let watching = Task {
      for await _ in signals {
        printError("Stopping …")
        running.cancel()
      }
    }
    let result = await running.result
    watching.cancel()
    switch result {
    case .success(let report):
      if report.succeeded { work.removeUnlessKept() } else { printError("The logs are kept in \(work.path).") }
      print(json ? report.json.canonicalText : report.table)
      guard report.succeeded else { throw ExitCode(1) }
    case .failure(let error):
      work.removeUnlessKept()
      printError("domicile lab partitions: \(error is CancellationError ? "interrupted" : "\(error)")")
      throw ExitCode(1)
    }
  }

  /// Interrupted, it still stops what it started before it returns.
  private func report(in folder: String) async throws -> PartitionReport {
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    let link = LinkCondition(delay: .milliseconds(delay), lossPerMille: loss)
    let laboratory = try await LabRegions(
      count: regions, folder: folder, program: program, policies: policies, link: link, seed: seed,
      report: { printError("· \($0)") })
    do {
      try await laboratory.deployment.start()
      let plan = PartitionPlan(
        partitions: only.isEmpty ? Partition.allCases : only, held: .seconds(seconds), link: link, seed: seed)
      let report = try await PartitionLaboratory(plan, on: laboratory, report: { printError("· \($0)") }).run()
      await laboratory.stop()
      return report
    } catch {
      await laboratory.stop()
      throw error
    }
  }
}

extension Partition: ExpressibleByArgument {}
