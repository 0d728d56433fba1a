import ArgumentParser
import AuditTrail
import ConfigurationFiles
import Foundation
import PolicyEngine
import Residency

/// `domicile policy simulate [DIR] --events FILE`
struct PolicySimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Make recorded decisions again by other policies, and say what would change.",
    discussion: """
      The events are those of a region's log, one a line:

        domicile-audit export --region eu-west --format ocsf --out events
        domicile policy simulate policies --events events/events.jsonl

      Each is decided for its own day, or with --at for another. A log does not tell consents and people's own facts: where a decision \
      turns on them, it says so.

      Exits 0 where nothing changes for certain, 1 where something does or a file has an error, 2 on wrong usage.
      """)

  @OptionGroup var folder: PolicyFolderInput

  @Option(help: "A file of events, one a line; - for standard input.", completion: .file())
  var events: String

  @Option(help: "Decide as on this day, as 2026-11-22. Default: each event's own.")
  var at: CalendarDate?

  @Option(help: "How many changes to show.")
  var show = 20

  @OptionGroup var modes: PolicyModeInput

  @OptionGroup var inputs: PolicyInputs

  func validate() throws {
    guard (0...100_000).contains(show) else { throw ValidationError("--show is 0 to 100000.") }
  }

  func run() async throws {
    let replays = try PolicyReport.withDiagnostics(json: inputs.json) {
      let events = try read()
      let files = try PolicyFolder.read(folder.folder)
      let policies = try PolicyFolder.load(files, regions: try places(events), today: at ?? PolicyInputs.today())
      return (replays: events.compactMap { Replay($0, by: modes.applied(to: policies), on: at) }, total: events.count)
    }
    inputs.json ? print(json(replays.replays, replays.total).canonicalText) : printText(replays.replays, replays.total)
    guard replays.replays.allSatisfy({ $0.outcome == .same || $0.outcome == .depends }) else { throw ExitCode(1) }
  }

  /// The catalog's, and those that the events name.
  private func places(_ events: [AuditEvent]) throws -> [Place] {
    let named = events.flatMap { event in [event.home].compactMap(\.self) + event.hops.map(\.to) }.compactMap(Replay.place)
    return try inputs.places() + Set(named).filter { $0.region != nil }
  }

  private func read() throws -> [AuditEvent] {
    let data = events == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: events)
    guard let data else {
      throw ConfigurationError([
        Diagnostic(
          at: SourceLocation(file: events, line: 1, column: 1), "the events cannot be read", help: "check the file's name")
      ])
    }
    var found: [AuditEvent] = []
    for (number, line) in data.split(separator: 0x0a).enumerated() {
      do {
        found.append(try AuditEvent(leaf: [UInt8](line)))
      } catch {
        throw ConfigurationError([
          Diagnostic(
            at: SourceLocation(file: events, line: number + 1, column: 1), "this is no event: \(error)",
            help: "write them with 'domicile-audit export --format ocsf'")
        ])
      }
    }
    return found
  }

  private func printText(_ replays: [Replay], _ total: Int) {
    let style = TerminalStyle.standardOutput
    let changes = replays.filter { $0.outcome != .same }
    for replay in changes.prefix(show) {
      let mark =
        switch replay.outcome {
        case .opens, .showsMore: style.bad(replay.outcome.rawValue)
        case .closes, .showsLess: style.good(replay.outcome.rawValue)
        case .same, .depends: style.doubtful(replay.outcome.rawValue)
        }
      print("\(mark)  \(replay.text)")
      let then = replay.event.rules.first.map { "\($0.id) \($0.location)" } ?? "no rule"
      let now = replay.decision.rule.map { "\($0.id) \($0.location.fileAndLine)" } ?? "no rule"
      print("        then \(replay.event.effect.rawValue) by \(then), now \(replay.decision.effect.rawValue) by \(now)")
      if !replay.fields.isEmpty { print("        shown otherwise: \(replay.fields.joined(separator: ", "))") }
    }
    let counts = Replay.Outcome.allCases.compactMap { outcome -> String? in
      let count = replays.count { $0.outcome == outcome }
      return count == 0 ? nil : "\(PolicyReport.grouped(count)) \(outcome.rawValue)"
    }
    print(
      "of \(counted(total, "event", "events")) \(PolicyReport.grouped(replays.count)) were decided by policy: "
        + (counts.isEmpty ? "none" : counts.joined(separator: ", ")))
  }

  private func json(_ replays: [Replay], _ total: Int) -> JSONValue {
    let counts = Dictionary(
      uniqueKeysWithValues: Replay.Outcome.allCases.map { outcome in
        (outcome.rawValue, JSONValue.integer(replays.count { $0.outcome == outcome }))
      })
    return [
      "ok": .bool(replays.allSatisfy { $0.outcome == .same || $0.outcome == .depends }), "events": .integer(total),
      "decided": .integer(replays.count), "counts": .object(counts),
      "changes": .array(
        replays.filter { $0.outcome != .same }.prefix(show).map { replay in
          [
            "event": .string(replay.event.id), "outcome": .string(replay.outcome.rawValue), "text": .string(replay.text),
            "then": .string(replay.event.effect.rawValue), "now": replay.decision.json,
            "fields": .array(replay.fields.map(JSONValue.string)),
          ]
        }),
    ]
  }
}

extension Replay {
  /// `2026-11-27T01:15:04Z read profile from eu-west to us-east for support by desk`
  fileprivate var text: String {
    func name(_ place: AuditEvent.Place) -> String { place.region?.rawValue ?? place.jurisdiction?.rawValue ?? "?" }
    let way = ([event.home].compactMap(\.self).map(name) + event.hops.map { name($0.to) }).joined(separator: " to ")
    return [
      "\(event.time)", event.activity.rawValue, event.collection?.rawValue ?? "", "from \(way)",
      event.purpose.map { "for \($0)" } ?? "", event.principal.map { "by \($0)" } ?? "",
    ].filter { !$0.isEmpty }.joined(separator: " ")
  }
}
