import Synchronization
import Testing

@testable import Postgres

struct PostgresPoolTests {
  private static func with<R>(size: Int, waitersMax: Int = 1_024, _ body: (PostgresPool, PostgresConfiguration) async throws -> R)
    async throws -> R
  {
    let configuration = try await TestDatabase.fresh()
    let pool = PostgresPool(configuration: configuration, size: size, waitersMax: waitersMax, logger: TestDatabase.logger)
    let value = try await body(pool, configuration)
    await pool.shutdown()
    return value
  }

  @Test func `a hundred tasks share four connections`() async throws {
    try await Self.with(size: 4) { pool, _ in
      let processes = try await withThrowingTaskGroup(of: Int32.self) { group in
        for number in Int32(0)..<100 {
          group.addTask {
            try await pool.withConnection { connection in
              let row = try await connection.run("SELECT $1::integer, pg_backend_pid()", [.int32(number)]).rows[0]
              #expect(try row.int32(0) == number)
              return try row.int32(1)
            }
          }
        }
        return try await group.reduce(into: [Int32: Int]()) { $0[$1, default: 0] += 1 }
      }
      #expect(processes.count <= 4)
      #expect(processes.values.reduce(0, +) == 100)
    }
  }

  @Test func `a connection that broke is replaced, whether it broke lent or idle`() async throws {
    try await Self.with(size: 1) { pool, configuration in
      let observer = try await TestDatabase.connect(configuration)
      let first = try await pool.withConnection { try await $0.processID }
      _ = try await observer.run("SELECT pg_terminate_backend($1, 5000)", [.int32(first)])
      let second = try await pool.withConnection { try await $0.processID }
      #expect(second != first)
      await #expect(throws: PostgresError.self) {
        try await pool.withConnection { connection in
          _ = try await observer.run("SELECT pg_terminate_backend($1, 5000)", [.int32(second)])
          _ = try await connection.run("SELECT 1")
        }
      }
      #expect(try await pool.withConnection { try await $0.processID } != second)
      await observer.close()
    }
  }

  @Test func `a transaction left open is rolled back, failed or not, cancelled task or not`() async throws {
    try await Self.with(size: 1) { pool, _ in
      try await pool.withConnection { try await $0.script("CREATE TABLE t (a int)") }
      try await pool.withConnection { _ = try await $0.pipe(["BEGIN", "INSERT INTO t VALUES (1)"]) }
      await #expect(throws: PostgresError.self) {
        try await pool.withConnection { _ = try await $0.pipe(["BEGIN", "INSERT INTO t VALUES (1)", "SELECT 1/0"]) }
      }
      let task = Task {
        try await pool.withConnection { connection in
          _ = try await connection.pipe(["BEGIN", "INSERT INTO t VALUES (1)"])
          withUnsafeCurrentTask { $0?.cancel() }
        }
      }
      try await task.value
      let (count, clean) = try await pool.withConnection { connection in
        (try await connection.count("t"), connection.standing.transaction == .none)
      }
      #expect(count == 0 && clean)
    }
  }

  @Test func `a cancelled waiter leaves the line and disturbs nobody`() async throws {
    try await Self.with(size: 1) { pool, _ in
      try await pool.withConnection { connection in
        let waiter = Task { try await pool.withConnection { _ in } }
        waiter.cancel()
        let error = await #expect(throws: PostgresError.self) { try await waiter.value }
        #expect(error?.kind == .canceled)
      }
      #expect(try await pool.withConnection { try await $0.count("pg_class") } > 0)
    }
  }

  @Test func `a full line refuses at once`() async throws {
    try await Self.with(size: 1, waitersMax: 0) { pool, _ in
      try await pool.withConnection { _ in
        let error = await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
        #expect(error?.kind == .connection)
      }
    }
  }

  @Test func `when no server is there each caller is told, and none hangs`() async throws {
    let listener = try SilentListener()
    let dsn = "host=127.0.0.1 port=\(listener.port) user=x sslmode=disable connect_timeout=2"
    let pool = PostgresPool(configuration: TestDatabase.configuration(dsn), size: 2, logger: TestDatabase.logger)
    let failures = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          do {
            try await pool.withConnection { _ in }
            return false
          } catch { return (error as? PostgresError)?.kind == .connection }
        }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(failures == 4)
    await pool.shutdown()
  }

  @Test func `shutdown waits for what is lent and refuses what comes after`() async throws {
    let configuration = try await TestDatabase.fresh()
    let pool = PostgresPool(configuration: configuration, size: 2, logger: TestDatabase.logger)
    let finished = Flag()
    let shutdown = try await pool.withConnection { connection in
      let shutdown = Task {
        await pool.shutdown()
        return finished.isSet
      }
      _ = try await connection.run("SELECT pg_sleep(0.1)")
      finished.set()
      return shutdown
    }
    #expect(await shutdown.value)
    let error = await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
    #expect(error?.kind == .connection)
    await pool.shutdown()
  }
}

private final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}
