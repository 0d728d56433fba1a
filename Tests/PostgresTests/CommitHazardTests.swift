import DomicileTestKit
import Testing

@testable import Postgres

/// Commits that wait for a standby which is not there: what a connection makes of hazards of `synchronous_commit`. What the region
/// store makes of all eight is in `RegionStoreTests/Hazards`.
@Suite(.serialized) struct CommitHazardTests {
  private struct Scene {
    let connection: PostgresConnection
    let observer: PostgresConnection
    let process: Int32

    /// Returns when the connection's session waits for the standby.
    func awaitReplicationWait() async throws {
      try await observer.waitUntil(
        "SELECT wait_event IS NOT DISTINCT FROM 'SyncRep' FROM pg_stat_activity WHERE pid = \(process)")
    }
  }

  private static func withAbsentStandby(_ body: (Scene) async throws -> Void) async throws {
    let settings = ["synchronous_standby_names": "ANY 1 (absent)"]
    try await withThrowawayPostgres(settings: settings, listensOnTCP: false) { postgres in
      let configuration = TestDatabase.configuration(postgres.dsn())
      let connection = try await TestDatabase.connect(configuration)
      let observer = try await TestDatabase.connect(configuration)
      try await connection.script("SET synchronous_commit = local; CREATE TABLE t (a int)")
      try await connection.script("RESET synchronous_commit")
      try await body(Scene(connection: connection, observer: observer, process: try await connection.processID))
      await connection.close()
      await observer.close()
    }
  }

  private static let write = ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"]

  @Test func `hazard 1: a commit whose wait was cancelled by someone is indeterminate, though the server says success`()
    async throws
  {
    try await Self.withAbsentStandby { scene in
      for implicit in [false, true] {
        let task = Task {
          if implicit {
            _ = try await scene.connection.run("INSERT INTO t VALUES (1)")
          } else {
            _ = try await scene.connection.pipe(Self.write)
          }
        }
        try await scene.awaitReplicationWait()
        _ = try await scene.observer.run("SELECT pg_cancel_backend($1)", [.int32(scene.process)])
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.kind == .indeterminate)
        #expect(await scene.connection.isUsable)
      }
      #expect(try await scene.observer.count("t") == 2)
    }
  }

  @Test func `hazard 2: a commit whose session is ended during the wait is indeterminate`() async throws {
    try await Self.withAbsentStandby { scene in
      let task = Task { try await scene.connection.pipe(Self.write) }
      try await scene.awaitReplicationWait()
      _ = try await scene.observer.run("SELECT pg_terminate_backend($1)", [.int32(scene.process)])
      let error = await #expect(throws: PostgresError.self) { try await task.value }
      #expect(error?.kind == .indeterminate)
      #expect(await !scene.connection.isUsable)
    }
  }

  @Test func `hazard 4: a deadline during a commit closes the connection and cancels nothing`() async throws {
    try await Self.withAbsentStandby { scene in
      let error = try await postgresError { () throws(PostgresError) in
        try await scene.connection.pipe(Self.write, deadline: .now.advanced(by: .milliseconds(300)))
      }
      #expect(error.kind == .indeterminate)
      #expect(await !scene.connection.isUsable)
      // Cancelled, the row would be visible by now.
      try await scene.awaitReplicationWait()
      #expect(try await scene.observer.count("t") == 0)
    }
  }

  @Test func `hazard 4: a cancelled task's commit is awaited for the grace, then given up, never cancelled`() async throws {
    try await Self.withAbsentStandby { scene in
      let task = Task { try await scene.connection.pipe(Self.write) }
      try await scene.awaitReplicationWait()
      let start = ContinuousClock.now
      task.cancel()
      let error = await #expect(throws: PostgresError.self) { try await task.value }
      #expect(error?.kind == .indeterminate)
      #expect(start.duration(to: .now) >= Watch.grace)
      #expect(try await scene.observer.count("t") == 0)
    }
  }

  @Test func `a commit whose wait ends is a success, cancelled task or not`() async throws {
    try await Self.withAbsentStandby { scene in
      let task = Task { try await scene.connection.pipe(Self.write) }
      try await scene.awaitReplicationWait()
      task.cancel()
      _ = try await scene.observer.run("ALTER SYSTEM SET synchronous_standby_names = ''")
      _ = try await scene.observer.run("SELECT pg_reload_conf()")
      _ = try await task.value
      #expect(try await scene.observer.count("t") == 1)
    }
  }
}
