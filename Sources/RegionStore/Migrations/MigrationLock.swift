import Logging
import Postgres

/// An advisory lock of the session: one coordinator migrates, whatever transactions it takes.
///
/// It is asked for again and again rather than waited for in line: a session that waits has a snapshot open, and
/// `CREATE INDEX CONCURRENTLY` waits for old snapshots, so that the two would wait for each other.
struct MigrationLock {
  let key: Int64
  let limits: MigrationLimits
  let logger: Logger

  private static let interval = Duration.milliseconds(100)
  private static let reportInterval = Duration.seconds(10)

  /// Runs `body` under the lock. Afterwards the lock is free, or the connection closed, which frees it.
  /// - Throws: `MigrationError.underWay`; whatever `body` throws.
  func hold(on connection: PostgresConnection, _ body: () async throws -> Void) async throws {
    do {
      try await take(on: connection)
    } catch let error as MigrationError {
      throw error
    } catch {
      // The server may have given the lock all the same.
      await connection.close()
      throw error
    }
    do {
      try await body()
    } catch {
      await release(on: connection)
      throw error
    }
    await release(on: connection)
  }

  private func take(on connection: PostgresConnection) async throws {
    let limit = ContinuousClock.now + limits.patience
    var nextReport = ContinuousClock.now
    while try await connection.execute(Self.tryLock, [.int64(key)]).rows.first?.bool(0) != true {
      let now = ContinuousClock.now
      guard now < limit else {
        throw MigrationError.underWay(holder: try await LockHolder.ofAdvisoryLock(key, on: connection))
      }
      if now >= nextReport {
        let holder = try await LockHolder.ofAdvisoryLock(key, on: connection)
        logger.info("another coordinator is migrating: waiting", metadata: ["holder": "\(holder.map { "\($0)" } ?? "-")"])
        nextReport = now + Self.reportInterval
      }
      try await Task.sleep(for: Self.interval)
    }
  }

  private func release(on connection: PostgresConnection) async {
    do {
      try await connection.rollback()
      guard try await connection.execute(Self.unlock, [.int64(key)]).rows.first?.bool(0) == true else {
        throw StoreError.corrupt(what: "the migration lock")
      }
    } catch {
      logger.notice("the migration lock is freed by closing its connection", metadata: ["error": "\(error)"])
      await connection.close()
    }
  }

  private static let tryLock = Statement("migration_try_lock", "SELECT pg_try_advisory_lock($1::bigint)")
  private static let unlock = Statement("migration_unlock", "SELECT pg_advisory_unlock($1::bigint)")
}
