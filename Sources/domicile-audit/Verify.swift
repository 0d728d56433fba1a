import ArgumentParser
import AuditTrail
import Residency

struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Recompute every leaf, tile and the root, and check signatures and witnesses.")

  @OptionGroup var options: LogOptions

  @Flag(help: "Read everything. The default.")
  var full = false

  @Flag(help: "Read only what is new since the last verification that --remember keeps, and that it has grown from that.")
  var sinceLast = false

  @Option(
    help: ArgumentHelp(
      "What a witness saw last of the log: its checkpoint as a file, or where it publishes such ones, a folder or an https URL. Repeatable.",
      valueName: "file|dir|url"))
  var witness: [String] = []

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws {
    if full, sinceLast { throw ValidationError("--full and --since-last exclude each other.") }
    if sinceLast, !witness.isEmpty {
      throw ValidationError("--witness compares with all that was logged: leave --since-last out.")
    }
    if sinceLast, options.remember == nil {
      throw ValidationError("--since-last needs --remember DIR, where the last verification is kept.")
    }
  }

  func run() async throws {
    let logs = try await options.withClient { client in
      var logs: [ReadLog] = []
      for target in try options.targets(client) {
        // Before the log's own checkpoint, which then may not be the older one.
        let seen = try await WitnessedCheckpoints(from: witness, trust: target.trust) { try options.source($0, client) }
        logs.append(try await verify(target, seen))
      }
      return logs.reconciled()
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

  private func verify(_ target: LogTarget, _ witnessed: WitnessedCheckpoints) async throws -> ReadLog {
    guard sinceLast, let folder = options.remember else {
      return try await target.read(remembered: options.remember, witnessed: witnessed, completeness: true)
    }
    let checkpoint = await target.fetchCheckpoint()
    guard let origin = checkpoint.origin else { return try await target.read(remembered: folder, completeness: true) }
    let report = try await target.follow(checkpoint, try AuditMemory(folder: folder, trust: target.trust.policy), origin)
    return ReadLog(target: target, report: report, leaves: [])
  }
}
