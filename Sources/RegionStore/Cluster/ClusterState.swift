/// Which history of which cluster a server writes: a promotion begins a new one, and so does `initdb`.
package struct ClusterHistory: Hashable, Sendable {
  package let systemIdentifier: UInt64
  package let timeline: UInt32
}

/// What a PostgreSQL server says of itself and its standbys at one moment.
///
/// It is a hint of what the server will do, and a proof of what its standbys have: the settings may change before the next
/// commit, but what a standby has flushed it keeps.
package struct ClusterState: Hashable, Sendable {
  package enum Role: Hashable, Sendable {
    /// - Parameters:
    ///   - timeline: Of the log that is being written. `pg_control_checkpoint()` would give that of the last checkpoint, which
    ///     after a promotion is the old one.
    ///   - flushed: Everything that was committed with `synchronous_commit` other than `off` lies before it.
    case primary(timeline: UInt32, written: LogSequenceNumber, flushed: LogSequenceNumber)
    /// In recovery. What it shows is the state at `replayed`; `nil` where nothing was replayed since its start.
    case standby(replayed: LogSequenceNumber?)
  }

  /// How a standby stands to `synchronous_standby_names`: `sync_state` in `pg_stat_replication`.
  package enum Standing: String, Hashable, Sendable {
    case async
    /// Would become `sync` if one before it in the list were lost.
    case potential
    case sync, quorum

    /// Whether commits wait for it, or for others in its stead.
    package var isSynchronous: Bool { self == .sync || self == .quorum }
  }

  package struct Standby: Hashable, Sendable {
    package let standing: Standing
    /// On its disk, as it last said.
    package let flushed: LogSequenceNumber
    /// Visible to its readers, as it last said.
    package let replayed: LogSequenceNumber

    package init(standing: Standing, flushed: LogSequenceNumber, replayed: LogSequenceNumber) {
      self.standing = standing
      self.flushed = flushed
      self.replayed = replayed
    }
  }

  /// `synchronous_commit`: what a commit waits for where its transaction does not say.
  package enum CommitWait: String, Hashable, Sendable {
    case off, local
    /// The standby's memory.
    case remoteWrite = "remote_write"
    /// The standby's disk.
    case on
    case remoteApply = "remote_apply"

    /// Whether an acknowledged commit is on the disks that the cluster promises.
    package var isDurable: Bool { self == .on || self == .remoteApply }
  }

  package let systemIdentifier: UInt64
  package let role: Role
  /// As the server has it.
  package let synchronousStandbyNames: String
  package let commitWait: CommitWait
  /// That stream. Those still catching up confirm nothing.
  package let standbys: [Standby]
  /// That are attached, but of which this session's role may not know more: it lacks `pg_monitor`.
  package let hiddenStandbys: Int

  package init(
    systemIdentifier: UInt64, role: Role, synchronousStandbyNames: String, commitWait: CommitWait, standbys: [Standby],
    hiddenStandbys: Int = 0
  ) {
    self.systemIdentifier = systemIdentifier
    self.role = role
    self.synchronousStandbyNames = synchronousStandbyNames
    self.commitWait = commitWait
    self.standbys = standbys
    self.hiddenStandbys = hiddenStandbys
  }

  package var isPrimary: Bool {
    if case .primary = role { true } else { false }
  }

  /// `nil` for a standby.
  package var history: ClusterHistory? {
    guard case .primary(let timeline, _, _) = role else { return nil }
    return ClusterHistory(systemIdentifier: systemIdentifier, timeline: timeline)
  }

  /// Whether the log up to `position` is on the disks of at least `confirmations` synchronous standbys.
  ///
  /// Never for a standby, nor for one asked about what it has not flushed itself: that is another history's position.
  package func proves(flushedUpTo position: LogSequenceNumber, confirmations: Int) -> Bool {
    guard case .primary(_, _, let flushed) = role, position <= flushed else { return false }
    return standbys.count { $0.standing.isSynchronous && $0.flushed >= position } >= confirmations
  }

  /// Whether at least `confirmations` synchronous standbys show everything up to `position` to their readers.
  package func proves(appliedUpTo position: LogSequenceNumber, confirmations: Int) -> Bool {
    proves(flushedUpTo: position, confirmations: confirmations)
      && standbys.count { $0.standing.isSynchronous && $0.replayed >= position } >= confirmations
  }
}
