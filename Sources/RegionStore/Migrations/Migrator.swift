package import Logging
package import Postgres

/// Brings a database to the newest schema, under a lock, so that any number of coordinators may start at once; and without keeping the
/// readers of those that already run waiting for longer than ``MigrationLimits/lockWait`` at a time.
package struct Migrator: Sendable {
  let migrations: [Migration]
  /// Of the advisory lock. One for each kind of database.
  let lock: Int64
  var limits = MigrationLimits()

  package static let region = Migrator(migrations: Migration.region, lock: 0x646f_6d69_0001)
  package static let keys = Migrator(migrations: Migration.keys, lock: 0x646f_6d69_0002)

  /// Applies what has not been applied yet, each step in a transaction of its own together with the note that it ran.
  /// - Throws: `StoreError.schemaTooNew` where the database was made by a newer Domicile, `StoreError.migration`, or what PostgreSQL
  ///   says. Of the step that failed nothing is left; the ones before it stay.
  package func run(on connection: PostgresConnection, logger: Logger) async throws {
    do {
      let ledger = try await MigrationLedger(on: connection)
      if try ledger.missing(of: migrations).isEmpty, ledger.isCurrent { return }
      try await MigrationLock(key: lock, limits: limits, logger: logger).hold(on: connection) {
        try await applyMissing(on: connection, logger: logger)
      }
    } catch let error as MigrationError {
      throw StoreError.migration(error)
    }
  }

  private func applyMissing(on connection: PostgresConnection, logger: Logger) async throws {
    // Another coordinator may have been first.
    let ledger = try await MigrationLedger(on: connection)
    let missing = try ledger.missing(of: migrations)
    let attempts = MigrationAttempts(connection: connection, limits: limits, logger: logger)
    if !ledger.isCurrent { try await attempts.transact(MigrationLedger.completing(with: migrations), version: 0) }
    for migration in missing {
      let began = ContinuousClock.now
      if !migration.online.isEmpty { try await attempts.runOnline(migration.online, version: migration.version) }
      try await attempts.transact("\(migration.sql)\n\(MigrationLedger.noting(migration))", version: migration.version)
      logger.info(
        "the schema has a new version",
        metadata: ["version": "\(migration.version)", "name": "\(migration.name)", "took": "\(ContinuousClock.now - began)"])
    }
  }
}
