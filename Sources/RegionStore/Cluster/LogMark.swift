/// A position in the log of one history: stands for everything that was committed before it.
package struct LogMark: Hashable, Sendable {
  package let history: ClusterHistory
  package let position: LogSequenceNumber

  package init(history: ClusterHistory, position: LogSequenceNumber) {
    self.history = history
    self.position = position
  }
}

/// How an operation was committed.
package struct CommitStanding: Hashable, Sendable {
  /// Everything that the operation saw and wrote lies before it.
  package let mark: LogMark
  /// What is known of the commit: `local`, `quorum` or `applied`.
  package let concern: WriteConcern
  /// How many standbys have it, at least.
  package let confirmations: Int

  package init(mark: LogMark, concern: WriteConcern, confirmations: Int) {
    self.mark = mark
    self.concern = concern
    self.confirmations = confirmations
  }
}
