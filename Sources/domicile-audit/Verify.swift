import ArgumentParser
import AuditTrail
import Residency

struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Recompute every leaf, tile and the root, and check signatures and witnesses.",
    discussion: """
      With --rows the rows that the region stores are held against its log, too: of a record that was written, removed or set back past the \
      log, in the database itself, one side is missing, and is named. So is somebody whom the region's directory has at home elsewhere.
      """)

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

  @Flag(
    help:
      "Ask the region at which versions its records are, and hold each write and deletion in the log against them, and them against it."
  )
  var rows = false

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws {
    if full, sinceLast { throw ValidationError("--full and --since-last exclude each other.") }
    if sinceLast, !witness.isEmpty {
      throw ValidationError("--witness compares with all that was logged: leave --since-last out.")
    }
    if rows, sinceLast || options.checkpoint != nil {
      throw ValidationError(
        "--rows compares what is stored now with all that was logged: leave --since-last and --checkpoint out.")
    }
    if rows, let log = options.log, !log.hasPrefix("https://") {
      throw ValidationError("--rows asks the region, and a folder is none: give --region, or the region's https URL with --log.")
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
        let stored = rows ? await target.readStoredRows() : nil
        let seen = try await WitnessedCheckpoints(from: witness, trust: target.trust) { try options.source($0, client) }
        logs.append(try await verify(target, seen, stored))
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

  private func verify(_ target: LogTarget, _ witnessed: WitnessedCheckpoints, _ stored: StoredRows?) async throws -> ReadLog {
    guard sinceLast, let folder = options.remember else {
      if let stored { await target.waitForCheckpoint(covering: stored.auditSize) }
      return try await target.read(remembered: options.remember, witnessed: witnessed, completeness: true, rows: stored)
    }
    let checkpoint = await target.fetchCheckpoint()
    guard let origin = checkpoint.origin else { return try await target.read(remembered: folder, completeness: true) }
    let report = try await target.follow(checkpoint, try AuditMemory(folder: folder, trust: target.trust.policy), origin)
    return ReadLog(target: target, report: report, leaves: [])
  }
}
