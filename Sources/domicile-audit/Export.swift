import ArgumentParser
import AuditTrail
import Foundation
import Residency

struct Export: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copy a log into a folder that verifies without server, database and network.")

  @OptionGroup var options: LogOptions

  @Option(help: ArgumentHelp("A new or empty folder.", valueName: "dir"))
  var out: String

  @Option(
    help: ArgumentHelp(
      "A subject whose pseudonyms go along, so that who and query --subject work offline. Repeatable.", valueName: "id"))
  var subject: [String] = []

  @Option(help: "tiles: the log as it is. ocsf: its events, one JSON document a line, as events.jsonl.")
  var format: ExportFormat = .tiles

  enum ExportFormat: String, ExpressibleByArgument, CaseIterable { case tiles, ocsf }

  func validate() throws {
    for id in subject { _ = try subjectID(id) }
    guard FileManager.default.fileExists(atPath: out) else { return }
    guard try FileManager.default.contentsOfDirectory(atPath: out).isEmpty else { throw ValidationError("\(out) is not empty.") }
  }

  func run() async throws {
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
    case .ocsf:
      let log = try await target.read(keeping: { _ in true })
      try writeFile(log.leaves.flatMap { $0.event.canonicalBytes + [0x0a] }, "\(folder)/events.jsonl")
      return log
    }
  }
}
