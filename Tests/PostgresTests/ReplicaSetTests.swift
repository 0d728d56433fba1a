import Coordinator
import DomicileTestKit
import FaultLab
import Foundation
import Testing

@testable import Postgres

/// Private clusters with standbys.
@Suite(.serialized) struct ReplicaSetTests {
  private static func with<R>(_ cluster: PrivatePostgres, _ body: (PostgresConnection) async throws -> R) async throws -> R {
    let connection = try await TestDatabase.connect(TestDatabase.configuration(cluster.dsn()))
    let value = try await body(connection)
    await connection.close()
    return value
  }

  private static func count(_ cluster: PrivatePostgres, _ table: String = "t") async throws -> Int64 {
    try await with(cluster) { try await $0.count(table) }
  }

  private static func awaitRows(_ count: Int, on standby: PrivatePostgres) async throws {
    try await with(standby) { connection in
      // On its disk is not yet in its tables.
      try await connection.waitUntil("SELECT to_regclass('t') IS NOT NULL")
      try await connection.waitUntil("SELECT count(*) = \(count) FROM t")
    }
  }

  @Test func `an acknowledged commit is on the standby, and the set starts again with all it had`() async throws {
    try await withThrowawayReplicaSet { replicas in
      let standby = replicas.standbys[0]
      try await replicas.primary.createDatabase("domicile")
      try await Self.with(replicas.primary) { connection in
        try await connection.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        #expect(try await connection.run("SHOW synchronous_standby_names").rows[0].text(0) == "ANY 1 (standby_1)")
        let row = try await connection.run(
          "SELECT sync_state, flush_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication WHERE application_name = 'standby_1'"
        ).rows[0]
        #expect(try row.text(0) == "quorum")
        #expect(try row.bool(1))
      }
      try await Self.awaitRows(1, on: standby)

      try await replicas.replicaSet.stop()
      #expect(!replicas.primary.isRunning && !standby.isRunning)
      let start = ContinuousClock.now
      try await replicas.replicaSet.start()
      #expect(start.duration(to: .now) < .seconds(5))
      try await replicas.primary.createDatabase("domicile_keys")
      #expect(try await Self.count(replicas.primary) == 1)
      try await replicas.replicaSet.start()
    }
  }

  @Test func `a standby catches up after it was stopped or killed, over a checkpoint and a change of log files`() async throws {
    try await withThrowawayReplicaSet(standbys: 2) { replicas in
      try await Self.with(replicas.primary) { try await $0.script("CREATE TABLE t (a int)") }
      let (steady, absent) = (replicas.standbys[0], replicas.standbys[1])
      for round in 1...2 {
        if round == 1 { try await absent.stop() } else { await absent.kill() }
        #expect(!absent.isRunning)
        try await Self.with(replicas.primary) { connection in
          try await connection.script("INSERT INTO t VALUES (\(round)); SELECT pg_switch_wal(); CHECKPOINT")
          try await connection.script("INSERT INTO t VALUES (\(round)); SELECT pg_switch_wal(); CHECKPOINT")
        }
        try await absent.start()
        try await Self.awaitRows(2 * round, on: absent)
        try await Self.awaitRows(2 * round, on: steady)
      }
      try await replicas.replicaSet.awaitStreaming()
    }
  }

  @Test func `a promoted standby takes writes on a timeline of its own, and is no standby any more`() async throws {
    try await withThrowawayReplicaSet { replicas in
      let standby = replicas.standbys[0]
      try await Self.with(replicas.primary) { try await $0.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1)") }
      await replicas.primary.kill()
      let refused = try await Self.with(standby) { connection in
        try await postgresError { () throws(PostgresError) in try await connection.run("INSERT INTO t VALUES (2)") }
      }
      #expect(refused.sqlState == SQLState("25006"))
      try await standby.promote()
      try await Self.with(standby) { connection in
        try await connection.script("INSERT INTO t VALUES (2)")
        #expect(try await connection.count("t") == 2)
        #expect(try await connection.run("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)").rows[0].text(0) == "00000002")
      }
      let error = await #expect(throws: PrivatePostgresError.self) { try await replicas.replicaSet.start() }
      #expect(error?.description.contains("was promoted") == true)
    }
  }

  @Test func `a commit waits while the only standby is paused, and a paused primary says nothing until it is resumed`()
    async throws
  {
    try await withThrowawayReplicaSet { replicas in
      let standby = replicas.standbys[0]
      let observer = try await TestDatabase.connect(TestDatabase.configuration(replicas.primary.dsn()))
      let writer = try await TestDatabase.connect(TestDatabase.configuration(replicas.primary.dsn()))
      try await writer.script("CREATE TABLE t (a int)")
      let process = try await writer.processID

      await standby.pause()
      let task = Task { try await writer.run("INSERT INTO t VALUES (1)") }
      try await observer.waitUntil(
        "SELECT wait_event IS NOT DISTINCT FROM 'SyncRep' FROM pg_stat_activity WHERE pid = \(process)")
      #expect(try await observer.count("t") == 0)
      await standby.resume()
      _ = try await task.value

      await replicas.primary.pause()
      let silence = try await postgresError { () throws(PostgresError) in
        try await writer.run("SELECT 1", deadline: .now + .milliseconds(200))
      }
      #expect(silence.kind == .timeout)
      #expect(replicas.primary.isRunning)
      await replicas.primary.resume()
      #expect(try await observer.count("t") == 1)

      await standby.pause()
      await replicas.primary.pause()
      try await replicas.replicaSet.stop()
      #expect(!replicas.primary.isRunning && !standby.isRunning)
    }
  }

  @Test func `a cluster that had no standby gets one in place, and paused ones end with their guardians`() async throws {
    let replicas = try await ThrowawayReplicaSet.start(standbys: 1)
    let folder = (replicas.primary.folder as NSString).deletingLastPathComponent
    try await replicas.replicaSet.stop()
    try FileManager.default.removeItem(atPath: replicas.standbys[0].folder)
    let alone = try await PrivateReplicaSet.create(at: folder, standbys: 0)
    try await alone.start()
    try await Self.with(alone.primary) { try await $0.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1)") }

    let upgraded = try await PrivateReplicaSet.create(at: folder, standbys: 1)
    try await upgraded.start()
    try await upgraded.primary.createDatabase("domicile")
    try await Self.awaitRows(1, on: upgraded.standbys[0])

    let processes = try [upgraded.primary, upgraded.standbys[0]].map { try #require($0.processID) }
    for cluster in [upgraded.primary, upgraded.standbys[0]] { await cluster.pause() }
    await replicas.remove()
    for process in processes { #expect(!FileManager.default.fileExists(atPath: "/proc/\(process)/cwd")) }
    #expect(!FileManager.default.fileExists(atPath: folder))
  }

  @Test func `on TCP a set shows its certificate, to its standby too, and one of another authority is refused`() async throws {
    let replicas = try await ThrowawayReplicaSet.start(standbys: 1)
    let folder = (replicas.primary.folder as NSString).deletingLastPathComponent
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await replicas.replicaSet.stop()
    let own = try TestIdentity(in: "\(folder)/own")
    let foreign = try TestIdentity(in: "\(folder)/foreign")
    let set = try await PrivateReplicaSet.create(
      at: folder, standbys: 1, ports: [try FreePort.find(), try FreePort.find()],
      tls: ClusterTLS(
        certificate: own.leaf.certificate, key: own.leaf.key, authority: own.authority.certificate))
    try await set.start()
    for dsn in [set.dsn(), set.discoveryDSN()] {
      #expect(dsn.contains("sslmode='verify-full'"))
      let connection = try await TestDatabase.connect(TestDatabase.configuration(dsn))
      #expect(try await connection.run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").rows[0].bool(0))
      let replication = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)"
      #expect(try await connection.run(replication).rows[0].bool(0))
      await connection.close()
    }
    let dsn = "\(set.dsn()) sslrootcert=\(foreign.authority.certificate)"
    let error = try await postgresError { () throws(PostgresError) in
      try await PostgresConnection.connect(TestDatabase.configuration(dsn), logger: TestDatabase.logger)
    }
    #expect(error.serverMessage?.contains("certificate verify failed") == true)
    await replicas.remove()
  }

  @Test func `a standby of another cluster is refused, and so is a name that is none`() async throws {
    try await withThrowawayReplicaSet { replicas in
      let alien = try await ThrowawayPostgres.shared().server
      let folder = replicas.standbys[0].folder
      let error = await #expect(throws: PrivatePostgresError.self) {
        try await PrivatePostgres.createStandby(of: alien, at: folder, name: "standby_1")
      }
      #expect(error?.description.contains("made from another") == true)
      let name = await #expect(throws: PrivatePostgresError.self) {
        try await PrivatePostgres.createStandby(of: alien, at: folder, name: "x'); DROP")
      }
      #expect(name?.description.contains("cannot be named") == true)
    }
  }
}
