import DomicileTestKit
import FaultLab
import Postgres
import Testing

@testable import RegionStore

/// What can go wrong with PostgreSQL's synchronous replication: each test shows first that plain PostgreSQL does it, and then that
/// the region store is not fooled. The numbers are those of the store's README.
@Suite(.serialized) struct HazardTests {}

/// A primary with one synchronous standby.
struct HazardScene {
  let replicas: ThrowawayReplicaSet
  /// To look at the primary with.
  let observer: PostgresConnection

  var primary: PrivatePostgres { replicas.primary }
  var standby: PrivatePostgres { replicas.standbys[0] }

  /// Runs `body` with the scene that all tests share, and puts it in order again, whatever `body` did to it.
  static func withShared(_ body: (HazardScene) async throws -> Void) async throws {
    let scene = try await HazardScene(sharedStart.value)
    var failure: (any Error)?
    do { try await body(scene) } catch { failure = error }
    await scene.standby.resume()
    try await scene.primary.start()
    let observer = try await TestStore.connect(scene.primary.dsn())
    try await observer.script("ALTER SYSTEM RESET synchronous_standby_names")
    try await observer.script("SELECT pg_reload_conf()")
    try await scene.replicas.replicaSet.awaitStreaming()
    if let failure { throw failure }
  }
  private static let sharedStart = Task { try await ThrowawayReplicaSet.start() }

  /// One for a test that promotes.
  static func withOwn(_ body: (HazardScene) async throws -> Void) async throws {
    try await withThrowawayReplicaSet { replicas in
      let scene = try await HazardScene(replicas)
      try await body(scene)
      await scene.observer.close()
    }
  }

  private init(_ replicas: ThrowawayReplicaSet) async throws {
    self.replicas = replicas
    observer = try await TestStore.connect(replicas.primary.dsn())
  }

  /// Runs `body` while the standby stands still, so that every commit waits; then lets it go on.
  func whileStandbyIsPaused(_ body: () async throws -> Void) async throws {
    await standby.pause()
    try await body()
    await standby.resume()
  }

  /// The server processes of a program that wait for a standby. Returns when there is one.
  @discardableResult
  func awaitWaiting(_ program: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [Int32] {
    let limit = ContinuousClock.now + .seconds(20)
    while true {
      let processes = try await waiting(program)
      if !processes.isEmpty { return processes }
      try #require(.now < limit, "nobody waits for the standby", sourceLocation: sourceLocation)
    }
  }

  func waiting(_ program: String) async throws -> [Int32] {
    try await observer.execute(Self.waiting, [.text(program)]).rows.map { try $0.int32(0) }
  }

  func run(_ sql: String) async throws { try await observer.script(sql) }

  /// - Parameter names: `nil` for what they were.
  func setSynchronousStandbyNames(_ names: String?) async throws {
    let setting = "synchronous_standby_names"
    try await run("ALTER SYSTEM \(names.map { "SET \(setting) = '\($0)'" } ?? "RESET \(setting)")")
    try await run("SELECT pg_reload_conf()")
    try await observer.awaitTrue("SELECT current_setting('\(setting)') = '\(names ?? "ANY 1 (standby_1)")'")
  }

  private static let waiting = Statement(
    "waiting", "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = $1::text")
}

/// `psql`: PostgreSQL with nothing of this project in between.
struct Plain {
  static let name = "plain"
  let task: Task<Shell.Output, any Error>

  /// Starts a session that runs `sql`; its output ends up in one text.
  init(_ dsn: String, _ sql: String) {
    let command = "PGAPPNAME=\(Self.name) psql -X -A -t \"\(dsn)\" -c \"\(sql)\" 2>&1"
    task = Task { try await Shell.run(command) }
  }

  static func run(_ dsn: String, _ sql: String) async throws -> String {
    let output = try await Plain(dsn, sql).task.value
    try #require(output.status == 0, "\(output.text)")
    return output.text.split(separator: "\n").joined(separator: "\n")
  }
}

extension PostgresConnection {
  /// Returns once `query`, of one boolean, is true. Fails the test after 20 s.
  func awaitTrue(_ query: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let limit = ContinuousClock.now + .seconds(20)
    while try await execute(Statement("await_\(query.hashValue)", query)).rows.first?.bool(0) != true {
      try #require(.now < limit, "never true: \(query)", sourceLocation: sourceLocation)
    }
  }
}
