import DomicileTestKit
import Postgres
import Synchronization
import Testing

@testable import RegionStore

/// A step that needs a table for itself meets a transaction that does not end.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct MigrationBlockingTests {
  private let steps = [MigrationScene.first, MigrationScene.second]

  @Test func `readers do not wait long for a step that waits for its lock`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([steps[0]])
    var limits = MigrationLimits()
    limits.patience = .seconds(6)
    let (longest, attempts) = try await scene.whileReaderIsOpen { _ in
      try await scene.probing("SELECT count(*) FROM thing") {
        await #expect { try await scene.migrate(steps, limits: limits) } throws: { error in
          guard case .migration(.blocked(2, let holders)) = error as? StoreError, let holder = holders.first else { return false }
          return holders.count == 1 && holder.program == "long reader" && holder.state == "idle in transaction"
            && holder.locks == "thing (AccessShareLock)" && "\(error)".contains("SELECT pg_terminate_backend(")
        }
      }
    }
    print("a reader's longest wait while a step tried for 6 s to get its lock: \(longest) of \(attempts) reads")
    #expect(longest > limits.lockWait / 2, "the step stood in line, and readers behind it")
    #expect(longest < limits.lockWait + .seconds(1))
    #expect(try await scene.value("SELECT count(*) FROM schema_migration") == 1)
  }

  @Test func `a step that was blocked goes on when the way is free, and says meanwhile what holds it up`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([steps[0]])
    let log = try await scene.whileReaderIsOpen { reader in
      let migration = Task { try await scene.migrate(steps) }
      try await scene.awaitBlockedMigration()
      try await scene.awaitUnblockedReaders()
      try await scene.awaitBlockedMigration()
      try await reader.script("COMMIT")
      return try await migration.value
    }
    #expect(try await scene.value("SELECT count(*) FROM schema_migration") == 2)
    let waits = log.filter { $0.contains("waits for its lock") }
    #expect(!waits.isEmpty)
    #expect(waits.allSatisfy { $0.contains("long reader, idle in transaction") && $0.contains("thing (AccessShareLock)") })
  }

  @Test func `a prepared transaction that nobody ends is named too`() async throws {
    try await withThrowawayPostgres(settings: ["max_prepared_transactions": "2"]) { server in
      let scene = try await MigrationScene(on: server)
      try await scene.migrate([steps[0]])
      let connection = try await scene.connect()
      try await connection.script("BEGIN; SELECT count(*) FROM thing; PREPARE TRANSACTION 'forgotten'")
      var limits = MigrationScene.limits
      limits.patience = .seconds(1)
      await #expect { try await scene.migrate(steps, limits: limits) } throws: { error in
        guard case .migration(.blocked(2, let holders)) = error as? StoreError else { return false }
        return holders.map(\.process) == [nil] && "\(error)".contains("pg_prepared_xacts")
      }
      try await connection.script("ROLLBACK PREPARED 'forgotten'")
      await connection.close()
    }
  }

  @Test func `kept answers get their new key without keeping anyone waiting, also while a writer does not end`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([Migration.region[0]])
    let insert = """
      INSERT INTO idempotency (key, tag, sealed, leaf_index, leaf_hash, expires_at)
      SELECT sha256(n::text::bytea), substring(sha256((n % 10000)::text::bytea) FOR 16), 'sealed', n, 'hash',
             now() + interval '1 hour' FROM
      """
    let writer = try await scene.connect(as: "long writer")
    try await writer.script("CREATE SEQUENCE numbers START 300000; \(insert) generate_series(1, 100000) AS n")
    try await writer.script("BEGIN; \(insert) generate_series(100001, 200000) AS n")

    var limits = MigrationScene.limits
    limits.lockWait = .seconds(6)
    // As the program before this step looks for an answer.
    let search = "SELECT count(*) FROM idempotency WHERE key = sha256('7') AND expires_at > now()"
    let (reading, reads) = try await scene.probing(search) {
      let (writing, writes) = try await scene.probing("\(insert) nextval('numbers') AS n") {
        let migration = Task { [limits] in try await scene.migrate(Migration.region, limits: limits) }
        try await scene.awaitSession("application_name = 'migrating' AND wait_event_type = 'Lock'")
        try await scene.awaitSession("application_name = 'long writer' AND clock_timestamp() - xact_start > interval '8 s'")
        try await writer.script("COMMIT")
        try await migration.value
      }
      print("a writer's longest wait while 200,000 answers got a new key: \(writing) of \(writes) writes")
      #expect(writing < limits.lockWait - .seconds(2))
    }
    print("a reader's longest wait: \(reading) of \(reads) reads")
    #expect(reading < limits.lockWait - .seconds(2))
    await writer.close()
    let key = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'idempotency_pkey'"
    #expect(try await scene.text(key) == "PRIMARY KEY (tag, key)")
    #expect(try await scene.value("SELECT count(*) FROM idempotency WHERE leaf_index <= 200000") == 200_000)
  }
}

extension MigrationScene {
  static let locksHeld = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = \(lock >> 32) AND objid = \(lock & 0xffff_ffff)
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
  private static let waitsForTable = """
    SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """

  func awaitBlockedMigration() async throws {
    let inspection = try await connect()
    try await inspection.awaitTrue("SELECT (\(Self.waitsForTable)) = 1")
    await inspection.close()
  }

  /// Returns once one of the database's sessions is like that, in terms of `pg_stat_activity`.
  func awaitSession(_ condition: String) async throws {
    let inspection = try await connect()
    try await inspection.awaitTrue(
      "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND \(condition)")
    await inspection.close()
  }

  func awaitUnblockedReaders() async throws {
    let inspection = try await connect()
    try await inspection.awaitTrue("SELECT (\(Self.waitsForTable)) = 0")
    await inspection.close()
  }

  /// Runs `statement` over and over while `body` runs.
  /// - Returns: How long the slowest took, and how many there were.
  func probing(_ statement: String, _ body: () async throws -> Void) async throws -> (longest: Duration, count: Int) {
    let connection = try await connect(as: "prober")
    let isOver = Atomic(false)
    let prober = Task {
      var (longest, count) = (Duration.zero, 0)
      while !isOver.load(ordering: .relaxed) {
        let began = ContinuousClock.now
        _ = try await connection.execute(Statement("probe", statement), deadline: began + .seconds(20))
        longest = max(longest, ContinuousClock.now - began)
        count += 1
      }
      return (longest, count)
    }
    do { try await body() } catch {
      isOver.store(true, ordering: .relaxed)
      _ = try? await prober.value
      throw error
    }
    isOver.store(true, ordering: .relaxed)
    let seen = try await prober.value
    await connection.close()
    return seen
  }
}
