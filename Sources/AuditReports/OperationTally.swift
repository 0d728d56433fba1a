import AuditTrail
import Residency

/// What operators and auditors did that no policy decides: comparing and repairing directories, counting, naming people in logs.
struct OperationTally: Sendable {
  private struct Key: Hashable {
    let log: String
    let principal: String
    let what: String
  }

  private struct Count {
    var done = 0
    var refused = 0
    let firstLeaf: Int
    let first: UTCTime
    var last: UTCTime
  }

  private var counts: [Key: Count] = [:]

  mutating func add(_ leaf: LogLeaf, _ log: String) {
    let event = leaf.event
    guard event.activity == .operate || event.activity == .resolveContest, let principal = event.principal else { return }
    let what =
      event.operation ?? (event.activity == .resolveContest ? "resolve a contest" : "ask for a person's pseudonyms in the log")
    let key = Key(log: log, principal: principal, what: what)
    var count = counts[key] ?? Count(firstLeaf: leaf.index, first: event.time, last: event.time)
    if event.effect == .allowed { count.done += 1 } else { count.refused += 1 }
    count.last = max(count.last, event.time)
    counts[key] = count
  }

  var section: ReportDocument.Section {
    let rows = counts.map { key, count in
      [
        key.log, key.principal, key.what, String(count.done), String(count.refused), String(count.firstLeaf),
        count.first.description, count.last.description,
      ]
    }.sorted { $0.lexicographicallyPrecedes($1) }
    return .init(
      "What operators and auditors did", source: "GDPR Art. 5(2), 32(4)",
      [
        .table(
          .init(
            "operations", ["log", "who", "what", "done", "refused", "first leaf", "first (UTC)", "last (UTC)"],
            numeric: [3, 4, 5],
            empty: "Nothing beside what policies decide.", rows: rows))
      ])
  }
}
