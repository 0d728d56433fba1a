package import Postgres

/// When an operation counts as done. Each keeps what the weaker ones promise.
package enum WriteConcern: Int, Comparable, Hashable, Sendable, CaseIterable {
  /// The primary has it on disk: losing the primary may undo it.
  case local
  /// As many standbys as the region requires have it on disk: none, in a region without.
  case standard
  /// The same, and at least one does.
  case quorum
  /// And these show it to their readers.
  case applied

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// Makes the commit of the transaction that it runs in wait for that. Any role may have chosen less for its session or database,
  /// so it is set in every transaction.
  package var statement: Statement {
    switch self {
    case .local: Self.waitForNobody
    case .standard, .quorum: .waitForQuorum
    case .applied: Self.waitForReaders
    }
  }

  private static let waitForNobody = Statement("wait_for_nobody", "SET LOCAL synchronous_commit = local")
  private static let waitForReaders = Statement("wait_for_readers", "SET LOCAL synchronous_commit = remote_apply")
}
