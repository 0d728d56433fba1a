/// What is left to learn about a commit that the server has acknowledged: that its standbys have it.
///
/// The acknowledgement alone does not say so, since clearing `synchronous_standby_names` acknowledges whoever waits. The
/// commit's own position need not be known: what the server has flushed right after the commit covers it.
package struct CommitProof: Hashable, Sendable {
  package enum Verdict: Hashable, Sendable {
    case proved
    /// Ask again.
    case pending
    /// Another server or another history answers: this commit may have been lost.
    case lost
  }

  package let history: ClusterHistory
  package let position: LogSequenceNumber
  package let confirmations: Int

  /// - Parameters:
  ///   - state: Read after the commit on the connection that made it.
  ///   - confirmations: How many standbys must have it.
  /// - Returns: `nil` for a standby, which has committed nothing.
  package init?(after state: ClusterState, confirmations: Int) {
    guard let history = state.history, case .primary(_, _, let flushed) = state.role else { return nil }
    self.history = history
    self.confirmations = confirmations
    position = flushed
  }

  /// - Parameter state: The one that the proof began with, or a later one.
  package func verdict(on state: ClusterState) -> Verdict {
    guard state.history == history else { return .lost }
    return state.proves(flushedUpTo: position, confirmations: confirmations) ? .proved : .pending
  }
}
