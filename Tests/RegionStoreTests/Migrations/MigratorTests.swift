import DomicileTestKit
import Postgres
import Residency
import Testing

@testable import RegionStore

/// On a real PostgreSQL cluster.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct MigratorTests {
  private let first = MigrationScene.first
  private let second = MigrationScene.second

  @Test func `a step that has run is never edited: the program with other SQL for it is refused, and changes nothing`()
    async throws
  {
    let scene = try await MigrationScene()
    try await scene.migrate([first])
    #expect(try await scene.text("SELECT encode(checksum, 'hex') FROM schema_migration") == first.checksum.hex)
    for edited in [
      Migration(version: 1, name: "first", sql: first.sql + " "),
      Migration(version: 1, name: "first", online: ["SELECT 1"], sql: first.sql),
    ] {
      await #expect(throws: StoreError.migration(.edited(version: 1))) { try await scene.migrate([edited, second]) }
    }
    #expect(try await scene.value("SELECT count(*) FROM schema_migration") == 1)
    try await scene.migrate([first, second])
    #expect(try await scene.value("SELECT count(*) FROM schema_migration") == 2)
  }

  @Test func `a history that was begun without checksums is completed, and holds from then on`() async throws {
    let scene = try await MigrationScene()
    let connection = try await scene.connect()
    try await connection.script(
      """
      CREATE TABLE schema_migration (
        version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
      \(first.sql)
      INSERT INTO schema_migration (version, name) VALUES (1, 'first');
      """)
    await connection.close()
    try await scene.migrate([first])
    #expect(try await scene.text("SELECT encode(checksum, 'hex') FROM schema_migration") == first.checksum.hex)
    let edited = Migration(version: 1, name: "first", sql: "CREATE TABLE thing (b int)")
    await #expect(throws: StoreError.migration(.edited(version: 1))) { try await scene.migrate([edited]) }
    try await scene.migrate([first, second])
    #expect(try await scene.value("SELECT count(*) FROM schema_migration WHERE checksum IS NOT NULL") == 2)
  }

  @Test func `a history with a gap is refused`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([first, second])
    let connection = try await scene.connect()
    try await connection.script("DELETE FROM schema_migration WHERE version = 1")
    await connection.close()
    await #expect(throws: StoreError.corrupt(what: "the schema's history")) { try await scene.migrate([first, second]) }
  }

  @Test func `a step that fails half-way leaves nothing, not even the lock`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([first])
    let connection = try await scene.connect(as: "migrating")
    let failing = Migration(version: 2, name: "fails", sql: "CREATE TABLE other (a int); INSERT INTO other VALUES (1 / 0);")
    let migrator = { (step: Migration) in
      Migrator(migrations: [first, step], lock: MigrationScene.lock, limits: MigrationScene.limits)
    }
    let logger = RecordedLog().logger
    await #expect { try await migrator(failing).run(on: connection, logger: logger) } throws: { error in
      (error as? PostgresError)?.sqlState == SQLState("22012")
    }
    #expect(try await scene.value("SELECT count(*) FROM pg_class WHERE relname = 'other'") == 0)
    #expect(try await scene.value("SELECT count(*) FROM schema_migration") == 1)
    #expect(await connection.isUsable)
    #expect(try await scene.value(MigrationScene.locksHeld) == 0)
    try await migrator(second).run(on: connection, logger: logger)
    #expect(try await scene.value(MigrationScene.locksHeld) == 0)
    await connection.close()
  }

  @Test func `a task that is cancelled leaves no lock`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([first])
    try await scene.whileReaderIsOpen { _ in
      let migration = Task { try await scene.migrate([first, second]) }
      try await scene.awaitBlockedMigration()
      migration.cancel()
      await #expect(throws: (any Error).self) { try await migration.value }
      let inspection = try await scene.connect()
      try await inspection.awaitTrue("SELECT (\(MigrationScene.locksHeld)) = 0")
      await inspection.close()
    }
  }

  @Test func `a step takes its time limits and its durability from nobody`() async throws {
    let scene = try await MigrationScene(options: "-c statement_timeout=150 -c lock_timeout=7 -c synchronous_commit=off")
    let settings = """
      SELECT current_setting('synchronous_commit') || ' ' || current_setting('statement_timeout') || ' '
             || current_setting('lock_timeout') AS seen
      """
    let slow = Migration(
      version: 1, name: "slow", online: ["CREATE TABLE online AS \(settings)", "SELECT pg_sleep(0.3)"],
      sql: "SELECT pg_sleep(0.3); CREATE TABLE transacted AS \(settings);")
    let connection = try await scene.connect(as: "migrating")
    try await Migrator(migrations: [slow], lock: MigrationScene.lock, limits: MigrationScene.limits)
      .run(on: connection, logger: RecordedLog().logger)
    #expect(try await scene.text("SELECT seen FROM transacted") == "on 5s 400ms")
    #expect(try await scene.text("SELECT seen FROM online") == "on 1h 0")
    let after = try await connection.execute(Statement("after", settings)).rows.first?.text(0)
    #expect(after == "off 150ms 7ms", "the session's own again")
    await connection.close()
  }

  @Test func `a step that no standby confirms is not taken for done, whatever the session makes of commits`() async throws {
    try await withThrowawayPostgres { server in
      let scene = try await MigrationScene(on: server, options: "-c synchronous_commit=off")
      try await scene.migrate([first])
      let operations = try await scene.connect()
      func set(_ names: String) async throws {
        try await operations.script("ALTER SYSTEM SET synchronous_standby_names = '\(names)'")
        try await operations.script("SELECT pg_reload_conf()")
        try await operations.awaitTrue("SELECT current_setting('synchronous_standby_names') = '\(names)'")
      }
      try await set("absent")
      var limits = MigrationScene.limits
      limits.patience = .seconds(1)
      await #expect { try await scene.migrate([first, second], limits: limits) } throws: { error in
        (error as? PostgresError)?.kind == .indeterminate
      }
      try await set("")
      try await scene.migrate([first, second])
      #expect(try await scene.value("SELECT count(*) FROM schema_migration") == 2)
      await operations.close()
    }
  }

  @Test func `a statement that would keep readers waiting for long is stopped`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([first])
    var limits = MigrationScene.limits
    limits.statementMax = .milliseconds(200)
    let slow = Migration(version: 2, name: "slow", sql: "LOCK TABLE thing; SELECT pg_sleep(20);")
    await #expect(throws: StoreError.migration(.tooSlow(version: 2))) { try await scene.migrate([first, slow], limits: limits) }
    #expect(try await scene.value("SELECT count(*) FROM schema_migration") == 1)
  }

  @Test func `what a broken-off attempt left of an online statement is removed by the next`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([Migration.region[0]])
    let connection = try await scene.connect()
    // With which a broken-off CREATE INDEX CONCURRENTLY leaves an index.
    try await connection.script("CREATE UNIQUE INDEX idempotency_by_subject ON idempotency (tag, key)")
    try await connection.script(
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idempotency_by_subject'::regclass")
    await connection.close()
    try await scene.migrate(Migration.region)
    let key = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'idempotency_pkey'"
    #expect(try await scene.text(key) == "PRIMARY KEY (tag, key)")
    #expect(try await scene.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0)
    #expect(try await scene.value("SELECT count(*) FROM pg_class WHERE relname = 'idempotency_by_subject'") == 0)
  }

  @Test func `a migration waits for another coordinator's, and says whose it is when it has waited in vain`() async throws {
    let scene = try await MigrationScene()
    let other = try await scene.connect(as: "other coordinator")
    try await other.script("SELECT pg_advisory_lock(\(MigrationScene.lock))")
    var brief = MigrationScene.limits
    brief.patience = .milliseconds(300)
    await #expect { try await scene.migrate([first], limits: brief) } throws: { error in
      guard case .migration(.underWay(let holder?)) = error as? StoreError else { return false }
      return holder.program == "other coordinator" && "\(error)".contains("SELECT pg_terminate_backend(")
    }
    let patient = Task { try await scene.migrate([first]) }
    try await scene.awaitSession("application_name = 'migrating'")
    await other.close()
    try await patient.value
    #expect(try await scene.value("SELECT count(*) FROM schema_migration") == 1)
  }

  @Test func `who has nothing to migrate waits for nobody`() async throws {
    let scene = try await MigrationScene()
    try await scene.migrate([first])
    let other = try await scene.connect(as: "other coordinator")
    try await other.script("SELECT pg_advisory_lock(\(MigrationScene.lock))")
    var limits = MigrationScene.limits
    limits.patience = .zero
    try await scene.migrate([first], limits: limits)
    await other.close()
  }

  @Test func `a coordinator that claims the keys while another one does finds them its region's`() async throws {
    try await TestStore.with { test in
      let other = try await TestStore.connect(test.keysDSN)
      let observer = try await TestStore.connect(test.keysDSN)
      try await other.script("DELETE FROM key_identity")
      try await other.script("BEGIN; INSERT INTO key_identity (region) VALUES ('eu-west')")
      async let second: Void = TestStore.with(sharing: test) { _ in }
      try await observer.awaitTrue(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
      try await other.script("COMMIT")
      try await second
      await other.close()
      await observer.close()
    }
  }

  @Test func `eight coordinators that start at once on empty databases all come up`() async throws {
    try await TestStore.with { test in
      let empty = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
      try await test.sql(empty)
      let keys = try await TestStore.connect(test.keysDSN)
      try await keys.script(empty)
      await keys.close()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<8 {
          group.addTask {
            try await TestStore.with(sharing: test) { store in
              try await store.register(try tag(number))
              try await store.put("v", at: store.address(try tag(number)))
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await test.value("SELECT count(*) FROM schema_migration") == Int64(Migration.region.count))
      #expect(try await test.value("SELECT count(*) FROM record") == 8)
    }
  }
}
