package import Postgres

extension ClusterState {
  /// Answers one row for ``init(_:)``. It reads shared memory and the control file, no table, and takes no lock that a commit
  /// waits for; so it may follow a `COMMIT` in the same round trip. Its answer is then of a time after the commit.
  package static let read = Statement(
    "read_cluster_state",
    """
    SELECT c.system_identifier, pg_is_in_recovery(),
           CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END,
           CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()::text END,
           CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn()::text END,
           pg_last_wal_replay_lsn()::text,
           current_setting('synchronous_standby_names'), current_setting('synchronous_commit'),
           s.hidden, s.standings, s.flushed, s.replayed
      FROM pg_control_system() AS c,
           (SELECT count(*) FILTER (WHERE state IS NULL) AS hidden,
                   coalesce(array_agg(sync_state) FILTER (WHERE state = 'streaming'), '{}') AS standings,
                   coalesce(array_agg(coalesce(flush_lsn, '0/0')::text) FILTER (WHERE state = 'streaming'), '{}') AS flushed,
                   coalesce(array_agg(coalesce(replay_lsn, '0/0')::text) FILTER (WHERE state = 'streaming'), '{}') AS replayed
              FROM pg_stat_get_wal_senders()) AS s
    """)

  /// - Parameter row: The answer to ``read``.
  /// - Throws: `StoreError.corrupt`, or `PostgresError` of kind `.decoding`.
  package init(_ row: PostgresRow) throws {
    let role: Role
    if try row.bool(1) {
      role = .standby(replayed: try row.optionalText(5).map(Self.position))
    } else {
      // 24 hexadecimal digits, of which the first eight are the timeline.
      let logFile = try row.text(2)
      guard logFile.utf8.count == 24, let timeline = UInt32(logFile.prefix(8), radix: 16) else {
        throw StoreError.corrupt(what: "the name of a log file")
      }
      role = .primary(
        timeline: timeline, written: try Self.position(row.text(3)), flushed: try Self.position(row.text(4)))
    }
    let (standings, flushed, replayed) = (try row.textArray(9), try row.textArray(10), try row.textArray(11))
    guard standings.count == flushed.count, standings.count == replayed.count else {
      throw StoreError.corrupt(what: "the list of standbys")
    }
    self.init(
      systemIdentifier: UInt64(bitPattern: try row.int64(0)), role: role, synchronousStandbyNames: try row.text(6),
      // One that is not known yet promises nothing.
      commitWait: CommitWait(rawValue: try row.text(7)) ?? .off,
      standbys: try standings.indices.map { index in
        Standby(
          standing: Standing(rawValue: standings[index]) ?? .async, flushed: try Self.position(flushed[index]),
          replayed: try Self.position(replayed[index]))
      },
      hiddenStandbys: Int(try row.int64(8)))
  }

  private static func position(_ text: String) throws(StoreError) -> LogSequenceNumber {
    guard let position = LogSequenceNumber(text) else { throw .corrupt(what: "a position in the log") }
    return position
  }
}
