import AuditTrail
import Cryptography
import Residency

/// Which policies were in force, from when to when, and how much they decided.
struct PolicyTally: Sendable {
  private struct Revision {
    var first: UTCTime
    var last: UTCTime
    var loaded: [String] = []
    var permitted = 0
    var refused = 0
  }

  private var revisions: [String: [String: Revision]] = [:]
  private var starts: [[String]] = []

  mutating func add(_ leaf: LogLeaf, _ log: String) {
    let event = leaf.event
    if let setup = event.setup {
      starts.append([
        event.time.description, log, String(leaf.index), event.request?.coordinator ?? "", setup.catalogHash.description,
        setup.logKey,
        setup.witnessKey,
      ])
    }
    guard let name = event.policyRevision else { return }
    var revision = revisions[log]?[name] ?? Revision(first: event.time, last: event.time)
    revision.first = min(revision.first, event.time)
    revision.last = max(revision.last, event.time)
    switch event.activity {
    case .start, .loadPolicy: revision.loaded.append("\(event.activity.rawValue) at leaf \(leaf.index)")
    default: if event.effect == .allowed { revision.permitted += 1 } else { revision.refused += 1 }
    }
    revisions[log, default: [:]][name] = revision
  }

  var sections: [ReportDocument.Section] {
    let rows = revisions.flatMap { log, revisions in
      revisions.map { name, revision in
        [
          log, revision.first.description, revision.last.description, name,
          revision.loaded.count > 3
            ? "\(revision.loaded.prefix(3).joined(separator: ", ")) and \(revision.loaded.count - 3) more"
            : revision.loaded.isEmpty ? "before this period" : revision.loaded.joined(separator: ", "),
          String(revision.permitted), String(revision.refused), "not in the log",
        ]
      }
    }.sorted { $0.lexicographicallyPrecedes($1) }
    return [
      .init(
        "Revisions in force", source: "GDPR Art. 5(2), 24(1)",
        [
          .table(
            .init(
              "revisions",
              ["log", "first seen (UTC)", "last seen (UTC)", "revision", "put in force", "permitted", "refused", "approved by"],
              numeric: [5, 6], empty: "No policy was in force.", rows: rows)),
          .text(
            "A revision is the SHA-256 hash of the policy files in canonical form: who has the files can compute it. Who approved them stands "
              + "where they are kept under version control."),
        ]),
      .init(
        "Configuration and keys", source: "GDPR Art. 32(1)",
        [
          .table(
            .init(
              "starts", ["time (UTC)", "log", "leaf", "coordinator", "catalog of regions", "log key", "witness key"],
              numeric: [2],
              empty: "No coordinator was started.", rows: starts)),
          .text(
            "A row that differs from the one before shows a change of the regions' catalog, or of a key, that took effect with that start."
          ),
        ]),
    ]
  }
}
