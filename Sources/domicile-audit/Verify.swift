import ArgumentParser
import AuditTrail
import Residency

struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Recompute every leaf, tile and the root, and check signatures and witnesses.")

  @OptionGroup var options: LogOptions

  @Option(
    help: ArgumentHelp(
      "A folder of your own for checkpoints seen: a later run then notices a log that was cut off or rewritten.",
      valueName: "dir"))
  var remember: String?

  @Flag(help: "Print the report as JSON.")
  var json = false

  func run() async throws {
    let logs = try await options.withClient { client in
      var logs: [ReadLog] = []
      for target in try options.targets(client) { logs.append(try await target.read(remembered: remember)) }
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
}
