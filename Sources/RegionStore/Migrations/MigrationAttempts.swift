import Logging
import Postgres

/// Runs a step's statements so that nobody waits long for them.
///
/// A transaction that waits for an ACCESS EXCLUSIVE lock keeps all readers waiting that come behind it. So it waits briefly, gives up,
/// lets them through, and tries again.
struct MigrationAttempts {
  let connection: PostgresConnection
  let limits: MigrationLimits
  let logger: Logger

  /// Runs `sql` in one transaction, again until it gets its locks.
  /// - Throws: `MigrationError`, or what PostgreSQL says. Nothing of `sql` has happened, unless the error is `.indeterminate`.
  func transact(_ sql: String, version: Int) async throws {
    let script = """
      \(Statement.begin.sql);
      \(Statement.waitForQuorum.sql);
      SET LOCAL lock_timeout = \(limits.lockWait.setting);
      SET LOCAL statement_timeout = \(limits.statementMax.setting);
      \(sql)
      \(Statement.commit.sql);
      """
    try await untilUnblocked(version: version) {
      // Beyond the patience only the wait for a standby goes on, which no server-side limit ends.
      try await connection.script(script, deadline: .now + limits.patience)
    }
  }

  /// Runs each statement outside of a transaction. It may wait for other transactions, for nobody waits behind it.
  /// - Throws: `MigrationError`, or what PostgreSQL says. What some of the statements did stays.
  func runOnline(_ statements: [String], version: Int) async throws {
    try await connection.script(
      """
      SET synchronous_commit = on; SET lock_timeout = 0; SET statement_timeout = \(limits.onlineStatementMax.setting)
      """)
    let outcome: Result<Void, any Error>
    do {
      try await untilUnblocked(version: version) {
        for statement in statements {
          // Alone in its script: with others it would be in a transaction.
          try await connection.script(statement, deadline: .now + limits.onlineStatementMax + limits.patience)
        }
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    do {
      try await connection.script("RESET synchronous_commit; RESET lock_timeout; RESET statement_timeout")
    } catch {
      // The settings end with the session.
      await connection.close()
    }
    try outcome.get()
  }

  private func untilUnblocked(version: Int, _ attempt: () async throws -> Void) async throws {
    let limit = ContinuousClock.now + limits.patience
    var pause = limits.pause
    while true {
      let began = ContinuousClock.now
      do {
        return try await attempt()
      } catch let error as PostgresError where error.sqlState == .lockNotAvailable || error.isSerializationFailure {
        try await connection.rollback()
        let holders = try await LockHolder.ofTables(heldFor: ContinuousClock.now - began, on: connection)
        guard ContinuousClock.now + pause < limit else { throw MigrationError.blocked(version: version, holders: holders) }
        logger.notice(
          "a step of the schema waits for its lock; trying again",
          metadata: [
            "version": "\(version)", "pause": "\(pause)", "holders": "\(holders.map { "\($0)" }.joined(separator: "; "))",
          ])
      } catch let error as PostgresError where error.sqlState == .queryCanceled {
        throw MigrationError.tooSlow(version: version)
      }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, limits.pauseMax)
    }
  }
}
