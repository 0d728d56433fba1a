package import Residency

/// What one partition came to.
package struct PartitionOutcome: Sendable {
  package let partition: Partition
  package internal(set) var registrations = 0
  package internal(set) var lookUps = 0
  package internal(set) var documentWrites = 0
  package internal(set) var sessionsServed = 0
  package internal(set) var sessionsStale = 0
  package internal(set) var sessionsUnanswered = 0
  package internal(set) var quorumConfirmed = 0
  package internal(set) var quorumUnconfirmed = 0
  package internal(set) var contested = 0
  /// From the last link's healing until all copies were the same.
  package internal(set) var converged: Duration?
  package internal(set) var violations: [String] = []

  init(_ partition: Partition) { self.partition = partition }
}

/// What a run of partitions came to.
package struct PartitionReport: Sendable {
  package let regions: Int
  package let link: LinkCondition
  package internal(set) var outcomes: [PartitionOutcome] = []

  /// Every partition happened, and nothing was found.
  package var succeeded: Bool {
    !outcomes.isEmpty
      && outcomes.allSatisfy { $0.violations.isEmpty && $0.converged != nil && $0.registrations > 0 && $0.documentWrites > 0 }
  }

  package var table: String {
    let head = [
      "partition", "registered", "looked up", "documents", "violations", "sessions shown", "stale", "unanswered", "quorum",
      "unconfirmed",
      "contested",
      "converged ms",
    ]
    let lines = [head] + outcomes.map(Self.row)
    let total = outcomes.reduce(0) { $0 + $1.registrations + $1.lookUps + $1.documentWrites }
    let summary =
      "\(regions) regions, links of \(Int(link.delay / .milliseconds(1))) ms that lose \(link.lossPerMille) in 1000: \(total) reads and writes of "
      + "local copies, \(outcomes.reduce(0) { $0 + $1.violations.count }) violations"
    let found = outcomes.flatMap { outcome in
      outcome.violations.prefix(10).map { "FAILED \(outcome.partition.rawValue): \($0)" }
    }
    return (AlignedTable.lines(lines) + ["", summary] + found).joined(separator: "\n")
  }

  private static func row(_ outcome: PartitionOutcome) -> [String] {
    [
      outcome.partition.rawValue, String(outcome.registrations), String(outcome.lookUps), String(outcome.documentWrites),
      String(outcome.violations.count),
      String(outcome.sessionsServed), String(outcome.sessionsStale), String(outcome.sessionsUnanswered),
      String(outcome.quorumConfirmed), String(outcome.quorumUnconfirmed), String(outcome.contested),
      outcome.converged.map { String(Int($0 / .milliseconds(1))) } ?? "never",
    ]
  }

  package var json: JSONValue {
    .object([
      "regions": .integer(regions), "delay_ms": .number(link.delay / .milliseconds(1)),
      "loss_per_mille": .integer(link.lossPerMille), "succeeded": .bool(succeeded),
      "partitions": .array(
        outcomes.map { outcome in
          .object([
            "partition": .string(outcome.partition.rawValue), "registrations": .integer(outcome.registrations),
            "look_ups": .integer(outcome.lookUps), "document_writes": .integer(outcome.documentWrites),
            "sessions_served": .integer(outcome.sessionsServed),
            "sessions_stale": .integer(outcome.sessionsStale),
            "sessions_unanswered": .integer(outcome.sessionsUnanswered),
            "quorum_confirmed": .integer(outcome.quorumConfirmed),
            "quorum_unconfirmed": .integer(outcome.quorumUnconfirmed), "contested": .integer(outcome.contested),
            "converged_ms": outcome.converged.map { .number(($0 / .milliseconds(1)).rounded()) } ?? .null,
            "violations": .array(outcome.violations.map { .string($0) }),
          ])
        }),
    ])
  }
}
