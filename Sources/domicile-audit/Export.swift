import ArgumentParser
import AuditTrail
import Foundation
import Residency

struct Export: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copy a log into a folder that verifies without server, database and network.")

  @OptionGroup var options: LogOptions

  @Option(
    help: ArgumentHelp(
      "A new or empty folder. For jsonl a file that is appended to, - for standard output, unix:PATH, or tcp:HOST:PORT.",
      valueName: "place"))
  var out: String

  @Option(
    help: ArgumentHelp(
      "A subject whose pseudonyms go along, so that who and query --subject work offline. Repeatable.", valueName: "id"))
  var subject: [String] = []

  @Option(
    help: """
      tiles: the log as it is. ocsf: its events, one JSON document a line, as events.jsonl. jsonl: the same with the log's name and the \
      leaf's index, for another program.
      """)
  var format: ExportFormat = .tiles

  @Option(
    help: ArgumentHelp(
      "For jsonl: where it is kept how far the events were written, so that the next run goes on there. After a stop some may come twice, "
        + "none is left out.", valueName: "file"))
  var cursor: String?

  @Flag(help: "For jsonl: go on with what comes, until it is stopped.")
  var follow = false

  @Option(help: ArgumentHelp("How often --follow looks: 5s, 1m.", valueName: "time"))
  var interval: Interval?

  enum ExportFormat: String, ExpressibleByArgument, CaseIterable { case tiles, ocsf, jsonl }

  func validate() throws {
    if format != .jsonl, cursor != nil || follow || interval != nil {
      throw ValidationError("--cursor, --follow and --interval are for --format jsonl.")
    }
    if format == .jsonl { return }
    for id in subject { _ = try subjectID(id) }
    guard FileManager.default.fileExists(atPath: out) else { return }
    guard try FileManager.default.contentsOfDirectory(atPath: out).isEmpty else { throw ValidationError("\(out) is not empty.") }
  }

  func run() async throws {
    if format == .jsonl { throw try await stream() }
    let logs = try await options.withClient { client in
      let targets = try options.targets(client)
      var logs: [ReadLog] = []
      for target in targets {
        let folder = targets.count == 1 ? out : "\(out)/\(target.name)"
        logs.append(try await export(target, folder))
      }
      return logs
    }
    print(logs.map(\.text).joined(separator: "\n\n"))
    print("\nwritten to \(out); the trust file is not in it: whoever verifies brings their own")
    throw ExitCode(logs.exit.rawValue)
  }

  private func export(_ target: LogTarget, _ folder: String) async throws -> ReadLog {
    for id in subject {
      guard let id = try subjectID(id) else { continue }
      if case .bytes(let bytes) = await target.source.fetchPseudonyms(of: id) {
        _ = try SubjectFile(parsing: bytes, source: target.name)
        try writeFile(bytes, "\(folder)/\(SubjectFile.path(of: id))")
      }
    }
    switch format {
    case .tiles:
      return try await target.read(tap: { path, bytes in try writeFile(bytes, "\(folder)/\(path)") })
    case .jsonl, .ocsf:
      let log = try await target.read(keeping: { _ in true })
      try writeFile(log.leaves.flatMap { try $0.event.leafBytes() + [0x0a] }, "\(folder)/events.jsonl")
      return log
    }
  }
  /// - Returns: the status to end with.
  private func stream() async throws -> ExitCode {
    let status = try await options.withClient { client in
      let targets = try options.targets(client)
      guard let target = targets.first, targets.count == 1 else {
        throw AuditFailure(.usage, "a cursor is one log's: say which with --region or --log")
      }
      var stream = try EventStream(target, cursor: cursor)
      let sink = try await EventSink.open(out)
      while true {
        let report = try await stream.round(sink)
        for finding in report.findings { Terminal.error(Terminal.harmless("\(target.name): \(finding)")) }
        if report.exit == .tampered || !follow { return report.exit }
        try await Task.sleep(for: interval?.duration ?? .seconds(5))
      }
    }
    return ExitCode(status.rawValue)
  }
}
