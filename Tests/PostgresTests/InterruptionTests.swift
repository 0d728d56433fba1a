import DomicileTestKit
import FaultLab
import Foundation
import Glibc
import Testing

@testable import Postgres

/// Deadlines, cancelled tasks and lost connections.
struct InterruptionTests {
  @Test func `a deadline stops the statement on the server, and the connection stays usable`() async throws {
    try await TestDatabase.with { connection in
      let start = ContinuousClock.now
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.run("SELECT pg_sleep(60)", deadline: start.advanced(by: .milliseconds(100)))
      }
      #expect(error.kind == .timeout)
      #expect(start.duration(to: .now) < .seconds(3))
      #expect(await connection.isUsable)
      #expect(try await connection.run("SELECT 1").rows[0].int32(0) == 1)
    }
  }

  @Test func `a script that is not answered by its deadline may have committed, and its connection is closed`() async throws {
    try await TestDatabase.with { connection in
      let start = ContinuousClock.now
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.script("SELECT 1; SELECT pg_sleep(60)", deadline: start.advanced(by: .milliseconds(100)))
      }
      #expect(error.kind == .indeterminate)
      #expect(start.duration(to: .now) < .seconds(3))
      #expect(await !connection.isUsable)
    }
  }

  @Test func `a deadline that has passed sends nothing`() async throws {
    try await TestDatabase.with { connection in
      try await connection.script("CREATE TABLE t (a int)")
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.run("INSERT INTO t VALUES (1)", deadline: .now.advanced(by: .seconds(-1)))
      }
      #expect(error.kind == .timeout)
      #expect(try await connection.count("t") == 0)
    }
  }

  @Test func `a cancelled task stops its statement, and the transaction before its commit is undone`() async throws {
    let configuration = try await TestDatabase.fresh()
    let connection = try await TestDatabase.connect(configuration)
    let observer = try await TestDatabase.connect(configuration)
    try await connection.script("CREATE TABLE t (a int)")
    let process = try await connection.processID
    let task = Task { try await connection.pipe(["BEGIN", "INSERT INTO t VALUES (1)", "SELECT pg_sleep(60)"]) }
    try await observer.waitUntil("SELECT wait_event IS NOT DISTINCT FROM 'PgSleep' FROM pg_stat_activity WHERE pid = \(process)")
    task.cancel()
    let error = await #expect(throws: PostgresError.self) { try await task.value }
    #expect(error?.kind == .canceled)
    #expect(error?.step == 2)
    try await connection.rollback()
    #expect(try await connection.count("t") == 0)
    await connection.close()
    await observer.close()
  }

  @Test func `a task that is cancelled already sends nothing`() async throws {
    try await TestDatabase.with { connection in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await connection.run("SELECT 1")
      }
      let error = await #expect(throws: PostgresError.self) { try await task.value }
      #expect(error?.kind == .canceled)
      #expect(await connection.isUsable)
    }
  }

  @Test func `repeated cancellations never hit a later statement`() async throws {
    try await TestDatabase.with { connection in
      for round in 0..<30 {
        let error = try await postgresError { () throws(PostgresError) in
          try await connection.run("SELECT pg_sleep(60)", deadline: .now.advanced(by: .milliseconds(3)))
        }
        #expect(error.kind == .timeout)
        #expect(try await connection.run("SELECT $1::integer", [.int32(Int32(round))]).rows[0].int32(0) == Int32(round))
      }
    }
  }

  @Test func `a killed session is a typed error during a statement and before one`() async throws {
    let configuration = try await TestDatabase.fresh()
    let observer = try await TestDatabase.connect(configuration)
    for idle in [true, false] {
      let connection = try await TestDatabase.connect(configuration)
      let process = try await connection.processID
      let task = idle ? nil : Task { try await connection.run("SELECT pg_sleep(60)") }
      if !idle {
        try await observer.waitUntil(
          "SELECT wait_event IS NOT DISTINCT FROM 'PgSleep' FROM pg_stat_activity WHERE pid = \(process)")
      }
      _ = try await observer.run("SELECT pg_terminate_backend($1, 5000)", [.int32(process)])
      let error = try await postgresError { () throws(PostgresError) in
        if let task { _ = try await task.result.mapError { $0 as? PostgresError ?? PostgresError(.protocol) }.get() }
        _ = try await connection.run("SELECT 1")
      }
      #expect(error.isConnectionLoss)
      #expect(error.kind == (idle ? .connection : .server(.adminShutdown)))
      #expect(await !connection.isUsable)
    }
    await observer.close()
  }

  @Test func `a server that falls silent costs the grace, not forever`() async throws {
    let configuration = try await TestDatabase.fresh()
    let connection = try await TestDatabase.connect(configuration)
    let process = try await connection.processID
    kill(process, SIGSTOP)
    defer { kill(process, SIGCONT) }
    let start = ContinuousClock.now
    let error = try await postgresError { () throws(PostgresError) in
      try await connection.run("SELECT 1", deadline: start.advanced(by: .milliseconds(200)))
    }
    #expect(error.kind == .timeout)
    #expect(start.duration(to: .now) < Watch.grace + .seconds(3))
    #expect(await !connection.isUsable)
  }

  @Test func `a host that takes connections and says nothing ends at the connect timeout; a cancelled attempt at once`()
    async throws
  {
    let listener = try SilentListener()
    let configuration = PostgresConfiguration(
      dsn: "host=127.0.0.1 port=\(listener.port) user=x dbname=x", applicationName: "tests", connectTimeout: .seconds(2))
    let start = ContinuousClock.now
    let error = try await postgresError { () throws(PostgresError) in
      try await PostgresConnection.connect(configuration, logger: TestDatabase.logger)
    }
    #expect(error.kind == .connection)
    #expect(start.duration(to: .now) < .seconds(6))

    let attempt = Task { try await PostgresConnection.connect(configuration, logger: TestDatabase.logger) }
    attempt.cancel()
    let again = ContinuousClock.now
    let canceled = await #expect(throws: PostgresError.self) { _ = try await attempt.value }
    #expect(canceled?.kind == .canceled)
    #expect(again.duration(to: .now) < .seconds(1))
  }

  @Test func `nobody there, a wrong database and an unreadable string are connection errors that name no secret`() async throws {
    let port = try FreePort.find()
    let shared = try await ThrowawayPostgres.shared()
    for dsn in ["host=127.0.0.1 port=\(port) user=x", shared.dsn(database: "nowhere"), "password=secret1 host"] {
      let error = try await postgresError { () throws(PostgresError) in
        try await PostgresConnection.connect(TestDatabase.configuration(dsn), logger: TestDatabase.logger)
      }
      #expect(error.kind == .connection)
      #expect(!"\(error) \(error.serverMessage ?? "")".contains("secret1"))
    }
  }

  @Test func `a connection works on a thread of its own and waits without using the processor`() async throws {
    try await TestDatabase.with { connection in
      let (name, busyBefore) = try await connection.threadFacts()
      #expect(name == ConnectionThread.name)
      _ = try await connection.run("SELECT pg_sleep(0.3)")
      let (_, busyAfter) = try await connection.threadFacts()
      #expect(busyAfter - busyBefore < .milliseconds(50))
    }
  }

  @Test func `calls on a closed connection fail`() async throws {
    let connection = try await TestDatabase.connect(try await TestDatabase.fresh())
    await connection.close()
    await connection.close()
    let error = try await postgresError { () throws(PostgresError) in try await connection.run("SELECT 1") }
    #expect(error.kind == .connection)
    #expect(await !connection.isUsable)
  }

  @Test func `a connection that nobody holds ends its session and its thread`() async throws {
    let configuration = try await TestDatabase.fresh()
    let observer = try await TestDatabase.connect(configuration)
    var process: Int32 = 0
    do {
      let connection = try await TestDatabase.connect(configuration)
      process = try await connection.processID
    }
    try await observer.waitUntil("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = \(process))")
    await observer.close()
  }
}

extension PostgresConnection {
  /// The name of the thread that the actor runs on and the processor time that it has used.
  func threadFacts() throws -> (name: String, busy: Duration) {
    let name = try String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8).trimmingCharacters(in: .newlines)
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return (name, .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec))
  }
}

/// Listens on 127.0.0.1 and never accepts: the kernel completes connections, nobody speaks.
final class SilentListener {
  let port: Int
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let descriptor = descriptor
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listens = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
        bind(descriptor, general, length) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, general, &length) == 0
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    try #require(listens)
  }

  deinit { close(descriptor) }
}
