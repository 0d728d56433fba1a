package import Postgres

/// How far a standby has come.
package struct StandbyState: Hashable, Sendable {
  /// What it follows. After a promotion elsewhere it may say the old timeline for a while: that makes it look less far than it is.
  package let history: ClusterHistory
  /// What it shows to its readers, at least.
  package let replayed: LogSequenceNumber

  package init(history: ClusterHistory, replayed: LogSequenceNumber) {
    self.history = history
    self.replayed = replayed
  }

  /// Whether it shows everything that was durably committed before `mark`.
  ///
  /// A newer timeline than that of `mark` will do: it holds all that was durable when it began.
  package func covers(_ mark: LogMark) -> Bool {
    history.systemIdentifier == mark.history.systemIdentifier && history.timeline >= mark.history.timeline
      && replayed >= mark.position
  }

  var mark: LogMark { LogMark(history: history, position: replayed) }
}

extension StandbyState {
  /// Answers one row for ``init(_:)``.
  package static let read = Statement(
    "read_standby_state",
    """
    SELECT c.system_identifier, pg_is_in_recovery(), pg_last_wal_replay_lsn()::text,
           coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT timeline_id FROM pg_control_checkpoint()))
      FROM pg_control_system() AS c
    """)

  /// - Parameter row: The answer to ``read``.
  /// - Returns: `nil` for a server that is no standby, or has replayed nothing yet.
  /// - Throws: `StoreError.corrupt`, or `PostgresError` of kind `.decoding`.
  package init?(_ row: PostgresRow) throws {
    guard try row.bool(1), let text = try row.optionalText(2) else { return nil }
    guard let replayed = LogSequenceNumber(text), let timeline = UInt32(exactly: try row.int32(3)) else {
      throw StoreError.corrupt(what: "a position in the log")
    }
    self.init(
      history: ClusterHistory(systemIdentifier: UInt64(bitPattern: try row.int64(0)), timeline: timeline), replayed: replayed)
  }
}
