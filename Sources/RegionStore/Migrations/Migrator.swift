import Logging
package import Postgres

/// Brings a database to the newest schema, under a lock, so that any number of coordinators may start at once.
package struct Migrator: Sendable {
  let migrations: [Migration]
  /// Of the advisory lock. One for each kind of database.
  let lock: Int64

  package static let region = Migrator(migrations: Migration.region, lock: 0x646f_6d69_0001)
  package static let keys = Migrator(migrations: Migration.keys, lock: 0x646f_6d69_0002)

  /// Applies what has not been applied yet, each step in a transaction of its own together with the note that it ran.
  /// - Throws: `StoreError.schemaTooNew` where the database was made by a newer Domicile, or what PostgreSQL says.
  package func run(on connection: PostgresConnection) async throws {
    _ = try await connection.execute(Self.takeLock, [.int64(lock)])
    do {
      try await applyMissing(on: connection)
    } catch {
      _ = try? await connection.execute(Self.releaseLock, [.int64(lock)])
      throw error
    }
    _ = try await connection.execute(Self.releaseLock, [.int64(lock)])
  }

  private func applyMissing(on connection: PostgresConnection) async throws {
    try await connection.script(
      """
      CREATE TABLE IF NOT EXISTS schema_migration (
        version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
      """)
    let result = try await connection.execute(Self.newest, [])
    let newest = Int(try result.rows.first?.int32(0) ?? 0)
    guard newest <= migrations.count else {
      throw StoreError.schemaTooNew(found: newest, known: migrations.count)
    }
    for migration in migrations where migration.version > newest {
      try await connection.script(
        """
        BEGIN;
        \(migration.sql)
        INSERT INTO schema_migration (version, name) VALUES (\(migration.version), '\(migration.name)');
        COMMIT;
        """)
    }
  }

  private static let takeLock = Statement("migrate_lock", "SELECT pg_advisory_lock($1::bigint)")
  private static let releaseLock = Statement("migrate_unlock", "SELECT pg_advisory_unlock($1::bigint)")
  private static let newest = Statement("migrate_newest", "SELECT coalesce(max(version), 0)::integer FROM schema_migration")
}
