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

  package let mark: LogMark
  package let confirmations: Int
  /// Whether the standbys must show it to their readers, too.
  package let isApplied: Bool

  /// - Parameters:
  ///   - state: Read after the commit on the connection that made it.
  ///   - confirmations: How many standbys must have it.
  /// - Returns: `nil` for a standby, which has committed nothing.
  package init?(after state: ClusterState, confirmations: Int, isApplied: Bool = false) {
    guard let history = state.history, case .primary(_, _, let flushed) = state.role else { return nil }
    mark = LogMark(history: history, position: flushed)
    self.confirmations = confirmations
    self.isApplied = isApplied
  }

  /// - Parameter state: The one that the proof began with, or a later one.
  package func verdict(on state: ClusterState) -> Verdict {
    guard state.history == mark.history else { return .lost }
    let isThere =
      isApplied
      ? state.proves(appliedUpTo: mark.position, confirmations: confirmations)
      : state.proves(flushedUpTo: mark.position, confirmations: confirmations)
    return isThere ? .proved : .pending
  }
}
