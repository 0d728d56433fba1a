import AuditTrail
import Cryptography
import Residency

/// A log's events as rows.
enum EventTable {
  private static let headings = [
    "time (UTC)", "log", "leaf", "activity", "effect", "from", "to", "principal", "purpose", "data", "why",
  ]

  static func table(_ logs: [ReadLog]) -> TextTable {
    var table = TextTable(headings)
    let rows = logs.flatMap { log in log.leaves.map { (log, $0) } }.sorted { $0.1.event.time < $1.1.event.time }
    for (log, leaf) in rows { table.add(cells(log, leaf)) }
    return table
  }

  private static func cells(_ log: ReadLog, _ leaf: LogLeaf) -> [String] {
    let event = leaf.event
    return [
      event.time.description, log.target.name, String(leaf.index), event.activity.rawValue, event.effect.rawValue,
      event.home.map(place) ?? "", place(event.requester), event.principal ?? "", event.purpose?.rawValue ?? "",
      data(event), why(event),
    ]
  }

  private static func place(_ place: AuditEvent.Place) -> String {
    let jurisdiction = place.jurisdiction?.rawValue
    guard let region = place.region?.rawValue else { return jurisdiction ?? "" }
    return jurisdiction.map { "\(region) (\($0))" } ?? region
  }

  private static func data(_ event: AuditEvent) -> String {
    var parts: [String] = []
    if let operation = event.operation { parts.append(operation) }
    if let collection = event.collection { parts.append(collection.rawValue) }
    if !event.classes.isEmpty { parts.append("[\(event.classes.map(\.rawValue).joined(separator: " "))]") }
    parts += event.redactions.map { "\($0.field)=\($0.view.name)" }
    return parts.joined(separator: " ")
  }

  private static func why(_ event: AuditEvent) -> String {
    var parts: [String] = []
    if let reason = event.reason { parts.append(reason) }
    parts += event.rules.map { "\($0.id) \($0.location)" }
    if let basis = event.legalBasis ?? event.safeguard?.rawValue { parts.append(basis) }
    if let monitored = event.monitored {
      let what = monitored.effect == event.effect ? [] : [monitored.effect.rawValue]
      let shown = monitored.redactions.map { "\($0.field)=\($0.view.name)" }
      parts.append("monitored: \((what + shown + monitored.rules.map { "\($0.id) \($0.location)" }).joined(separator: " "))")
    }
    return parts.joined(separator: "; ")
  }

  /// The events and, for each log, what its verification found.
  static func json(_ logs: [ReadLog]) throws -> JSONValue {
    [
      "exit_status": .integer(logs.exit.rawValue),
      "logs": .array(
        try logs.map { log in
          [
            "log": .string(log.target.name), "trust": .string(log.target.trust.file), "verification": log.report.json,
            "events": .array(
              try log.leaves.map { leaf in
                var members: [String: JSONValue] = [
                  "index": .integer(leaf.index), "leaf_hash": .string(leaf.hash.description),
                  "event": try JSONValue(parsing: leaf.event.leafBytes()),
                ]
                if log.proven.contains(leaf.index) {
                  members["proof"] = .string("\(EventProofs.name(of: leaf, in: log)).tlog-proof")
                }
                return .object(members)
              }),
          ]
        }),
    ]
  }

  /// Prints events and, beside them, how far they can be believed.
  /// - Parameter isAboutSubject: whether the events were found by pseudonyms that the log's own region told.
  static func show(_ logs: [ReadLog], _ format: OutputFormat, nobody: String, isAboutSubject: Bool, _ proofs: EventProofs) throws
  {
    switch format {
    case .json: print(try json(logs).canonicalText)
    case .csv: print(table(logs).csv, terminator: "")
    case .table: print(logs.allSatisfy(\.leaves.isEmpty) ? nobody : table(logs).text)
    }
    guard format != .json else { return }
    let verdicts = logs.map { log in
      let trust = log.target.trust.isOperators ? "; trust from the operator's set-up, which no audit may rely on" : ""
      let size = log.report.checkpoint.map { ", \($0.checkpoint.size) leaves" } ?? ""
      return "\(Terminal.harmless(log.target.name)): \(log.report.exit.word)\(size)\(trust)"
    }
    let findings = logs.flatMap { log in log.report.findings.map { "\(log.target.name): \($0)" } }
    var notChecked = logs.flatMap(\.report.notChecked).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    if isAboutSubject {
      notChecked.append("pseudonyms: which are the subject's is the region's word; one that it withholds hides its events")
    }
    var lines = verdicts + findings.map { Terminal.harmless("finding: \($0)") } + notChecked.map { "not checked: \($0)" }
    if let folder = proofs.folder, !logs.allSatisfy(\.proven.isEmpty) {
      lines.append(
        "leaves and proofs in \(folder): anybody can check one, with 'domicile-audit check PROOF --leaf LEAF --trust FILE'")
    }
    if format == .table { print("\n" + lines.joined(separator: "\n")) } else { Terminal.error(lines.joined(separator: "\n")) }
  }
}
