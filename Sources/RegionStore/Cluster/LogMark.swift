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
  /// The token of a session that has seen this, as text; made once for all operations of a batch.
  package let tokenText: String
  /// The mark's position as text.
  package let positionText: String

  package init(mark: LogMark, concern: WriteConcern, confirmations: Int) {
    self.mark = mark
    self.concern = concern
    self.confirmations = confirmations
    tokenText = SessionToken(mark: mark, isDurable: concern >= .quorum).text
    positionText = mark.position.description
  }
}
