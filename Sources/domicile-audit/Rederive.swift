import ArgumentParser
import AuditTrail
import ConfigurationFiles
import DecisionRecords
import Foundation
import PolicyEngine
import Residency

struct Rederive: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Decide every recorded request again, from its recorded facts and by the policies of its revision.",
    discussion: """
      You bring the policies: a folder of policy files as it was, or a folder of such folders, one for each revision that was in force (a \
      leaf names it: the hash over the files). A decision that comes out otherwise is a violation (exit status 5); one whose policies were \
      not given, or which does not say on what it rests, cannot be made again (3).

        domicile-audit rederive --region eu-west --policies policies --catalog regions --since 2026-11-01
      """)

  @OptionGroup var options: LogOptions

  @Option(help: ArgumentHelp("Policy files, or a folder of several such folders. Repeatable.", valueName: "dir"))
  var policies: [String]

  @Option(help: ArgumentHelp("The deployment's region files. Otherwise regions are where the log says.", valueName: "dir"))
  var catalog: String?

  @Option(
    help: ArgumentHelp("Decisions since then: 2026-11-22, or 2026-11-22T13:00Z. UTC.", valueName: "time"),
    transform: UTCTime.option)
  var since: UTCTime?

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws {
    guard !policies.isEmpty else { throw ValidationError("--policies DIR: say by which policies.") }
  }

  func run() async throws {
    let tally: RederivationTally
    do {
      tally = RederivationTally(
        policies: try policies.flatMap(Self.folders).map { try PolicyFolder.readForRecords($0) },
        catalog: try catalog.map { try RegionFiles.catalog($0, stores: .none) })
    } catch let error as ConfigurationError {
      throw AuditFailure(.usage, "the policies or the catalog are not valid\n\(error)")
    }
    let logs = try await options.withClient { client in
      var logs: [ReadLog] = []
      for target in try options.targets(client) { logs.append(try await rederive(target, tally, since: since)) }
      return logs
    }
    if json {
      let reports: [JSONValue] = logs.map {
        ["log": .string($0.target.name), "trust": .string($0.target.trust.file), "verification": $0.report.json]
      }
      let all: JSONValue = ["exit_status": .integer(logs.exit.rawValue), "logs": .array(reports)]
      print(all.canonicalText)
    } else {
      print(logs.map(\.text).joined(separator: "\n\n"))
    }
    throw ExitCode(logs.exit.rawValue)
  }

  private func rederive(_ target: LogTarget, _ empty: RederivationTally, since start: UTCTime?) async throws -> ReadLog {
    var tally = empty
    let log = try await target.read(
      remembered: options.remember, keeping: { leaf in start.map { leaf.time >= $0 } ?? true }, visiting: { tally.add($0) })
    return ReadLog(
      target: target,
      report: log.report.adding(tally.findings, observations: tally.observations, notChecked: tally.notChecked), leaves: [])
  }

  /// A folder of policies, or those in it.
  private static func folders(in folder: String) throws -> [String] {
    func holdsPolicies(_ folder: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/vocabulary.yaml") }
    guard !holdsPolicies(folder) else { return [folder] }
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
      throw AuditFailure(.usage, "\(folder): this folder of policies cannot be read: \(error.localizedDescription)")
    }
    let found = names.sorted().map { "\(folder)/\($0)" }.filter(holdsPolicies)
    guard !found.isEmpty else {
      throw AuditFailure(.usage, "\(folder): there are no policies here (no vocabulary.yaml, nor folders with one)")
    }
    return found
  }
}
