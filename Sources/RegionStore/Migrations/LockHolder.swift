import Postgres

/// Who holds a lock that a migration waits for. For the operator: it names programs and tables, no values.
package struct LockHolder: Sendable, Equatable {
  /// Of the server process; `nil` for a prepared transaction, which has none.
  package let process: Int32?
  /// As the session calls itself: `pg_dump`, `psql`…; empty where it does not, or this session may not know.
  package let program: String
  /// `active`, `idle in transaction`…; empty where this session may not know.
  package let state: String
  /// Since its transaction began; `nil` where this session may not know, or there is none.
  package let seconds: Int64?
  /// With the kind of lock, in PostgreSQL's words: `record (AccessShareLock)`.
  package let locks: String

  /// What ends it, in SQL.
  package var remedy: String {
    process.map { "SELECT pg_terminate_backend(\($0))" } ?? "ROLLBACK PREPARED, see pg_prepared_xacts"
  }
}

extension LockHolder: CustomStringConvertible {
  package var description: String {
    let name = process.map { "process \($0)" } ?? "a prepared transaction"
    let time = seconds.map { "for \($0) s" }
    let details = [program.isEmpty ? nil : program, state.isEmpty ? nil : state, time].compactMap(\.self)
    return "\(name)\(details.isEmpty ? "" : " (\(details.joined(separator: ", ")))") holds \(locks)"
  }
}

extension LockHolder {
  /// Of the database's own tables, by transactions at least as old as the attempt that waited: one of them is who was waited for. Those
  /// of which this session may not know the age are among them.
  static func ofTables(heldFor wait: Duration, on connection: PostgresConnection) async throws -> [LockHolder] {
    try await connection.execute(ofTables, [.int64(wait.wholeMilliseconds)]).rows.map(Self.init)
  }

  static func ofAdvisoryLock(_ key: Int64, on connection: PostgresConnection) async throws -> LockHolder? {
    try await connection.execute(ofAdvisoryLock, [.int64(key)]).rows.first.map(Self.init)
  }

  private init(_ row: PostgresRow) throws {
    self.init(
      process: try row.isNull(0) ? nil : row.int32(0), program: try row.text(1), state: try row.text(2),
      seconds: try row.optionalInt64(3), locks: try row.text(4))
  }

  private static let ofTables = Statement(
    "lock_holders",
    """
    SELECT l.pid, coalesce(nullif(a.application_name, ''), a.backend_type, ''), coalesce(a.state, ''),
           extract(epoch FROM clock_timestamp() - a.xact_start)::bigint,
           string_agg(DISTINCT c.relname || ' (' || l.mode || ')', ', ')
      FROM pg_locks l JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND c.relkind IN ('r', 'p') AND c.relnamespace <> 'pg_catalog'::regnamespace
       AND coalesce(clock_timestamp() - a.xact_start >= $1::bigint * interval '1 millisecond', a.state IS NULL)
     GROUP BY l.pid, l.virtualtransaction, a.application_name, a.backend_type, a.state, a.xact_start
     ORDER BY a.xact_start NULLS LAST LIMIT 3
    """)
  private static let ofAdvisoryLock = Statement(
    "migration_lock_holder",
    """
    SELECT l.pid, coalesce(a.application_name, ''), coalesce(a.state, ''),
           extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change))::bigint, 'the migration lock'
      FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND l.classid::bigint << 32 | l.objid::bigint = $1::bigint
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """)
}
