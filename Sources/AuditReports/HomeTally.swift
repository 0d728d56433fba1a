import AuditTrail
import Residency

/// Where the data of the people stands whom a log speaks of.
struct HomeTally: Sendable {
  private var homes: [String: [String: (events: Int, first: Int)]] = [:]
  private var moves: [[String]] = []

  mutating func add(_ leaf: LogLeaf, _ log: String) {
    let event = leaf.event
    guard event.isAtHome, event.subject != nil, let home = event.home else { return }
    let before = homes[log]?[home.text] ?? (0, leaf.index)
    homes[log, default: [:]][home.text] = (before.events + 1, before.first)
    if event.activity == .move {
      moves.append([
        event.time.description, log, String(leaf.index), event.subject?.description ?? "", event.requester.text, home.text,
      ])
    }
  }

  func attest(_ document: inout ReportDocument, _ scans: [ScanResult]) {
    let rows = homes.flatMap { log, homes in homes.map { [log, $0.key, String($0.value.events), String($0.value.first)] } }
      .sorted { $0.lexicographicallyPrecedes($1) }
    let skipped = scans.flatMap { scan in scan.notLookedInto.map { [scan.region, $0.path, $0.reason.rawValue] } }
    let incomplete = scans.filter(\.isIncomplete).map { scan in
      "\(scan.region): \(scan.path) was not looked through whole: files in it could not be read"
    }
    document.violations = scans.flatMap(\.violations)
    document.sections = [
      .init(
        "Where the log has people at home",
        [
          .table(
            .init(
              "homes", ["log", "home", "events", "first leaf"], numeric: [2, 3], empty: "Nobody is at home here.", rows: rows)),
          .table(
            .init(
              "moves", ["time (UTC)", "log", "leaf", "pseudonym", "from", "to"], numeric: [2], empty: "Nobody was moved.",
              rows: moves)),
        ]),
      .init(
        "What stores and backups hold",
        [
          .table(
            .init(
              "scans", ["region", "what was looked at", "files", "bytes", "people looked for", "not looked into", "found"],
              numeric: [2, 3, 4, 5, 6],
              empty: "No store was looked at: give the results of 'domicile-audit scan' with --scan FILE.", rows: scans.map(\.row)
            ))
        ]
          + (skipped.isEmpty ? [] : [.table(.init("not-looked-into", ["region", "file", "why not"], empty: "", rows: skipped))])
          + incomplete.map { .alert($0) } + document.violations.map { .alert($0) }),
    ]
  }
}
