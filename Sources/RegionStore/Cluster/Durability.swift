/// What an acknowledged commit of a cluster survives, by its settings and by who is attached.
package enum Durability: Hashable, Sendable {
  /// It takes no writes.
  case notPrimary
  /// Not the loss of this server: nobody else need have it.
  case local
  /// Commits wait for this many standbys, and fewer are attached: nothing is acknowledged until more come.
  case stalled(confirmations: Int, attached: Int)
  /// The loss of this server: so many standbys have it on disk.
  case quorum(confirmations: Int)
}

/// Why a cluster does not keep what a region requires of it.
package enum DurabilityGap: Error, Hashable, Sendable {
  case notPrimary
  /// The session's role may not see the standbys, so that nothing can be proved.
  case standbysHidden
  case promised(confirmations: Int, required: Int)
  case stalled(confirmations: Int, attached: Int)
  /// Sessions that do not set `synchronous_commit` themselves acknowledge what only this server has.
  case weakDefault(ClusterState.CommitWait)
}

extension ClusterState {
  /// A setting that cannot be read promises nothing.
  package var durability: Durability {
    guard isPrimary else { return .notPrimary }
    let rule: SynchronousStandbyRule?
    do throws(SynchronousStandbyRule.SyntaxError) {
      rule = try SynchronousStandbyRule.parse(synchronousStandbyNames)
    } catch {
      return .local
    }
    guard let rule else { return .local }
    let attached = standbys.count { $0.standing.isSynchronous }
    guard attached >= rule.confirmations else { return .stalled(confirmations: rule.confirmations, attached: attached) }
    return .quorum(confirmations: rule.confirmations)
  }

  /// What is missing for acknowledged commits to be on the disks of `required` standbys. Empty: nothing.
  ///
  /// - Parameter required: 0 where a region does without.
  package func gaps(requiring required: Int) -> [DurabilityGap] {
    guard isPrimary else { return [.notPrimary] }
    guard required > 0 else { return [] }
    var gaps: [DurabilityGap] = []
    if hiddenStandbys > 0 { gaps.append(.standbysHidden) }
    switch durability {
    case .notPrimary: gaps.append(.notPrimary)
    case .local: gaps.append(.promised(confirmations: 0, required: required))
    case .stalled(let confirmations, let attached):
      if confirmations < required { gaps.append(.promised(confirmations: confirmations, required: required)) }
      gaps.append(.stalled(confirmations: confirmations, attached: attached))
    case .quorum(let confirmations):
      if confirmations < required { gaps.append(.promised(confirmations: confirmations, required: required)) }
    }
    if !commitWait.isDurable { gaps.append(.weakDefault(commitWait)) }
    return gaps
  }
}

extension DurabilityGap: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notPrimary: "the server is a standby"
    case .standbysHidden: "the role may not see the standbys (GRANT pg_monitor)"
    case .promised(let confirmations, let required):
      "synchronous_standby_names makes commits wait for \(confirmations) standbys, the region requires \(required)"
    case .stalled(let confirmations, let attached):
      "commits wait for \(confirmations) standbys and \(attached) are attached"
    case .weakDefault(let wait): "synchronous_commit is '\(wait.rawValue)' by default"
    }
  }
}
