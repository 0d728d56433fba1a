import DomicileTestKit
import FaultLab
import Foundation
import Testing

@testable import Postgres

@Suite(.serialized) struct PrivatePostgresTests {
  /// A killed server leaves its shared memory behind; this way it lies in the folder and goes with it.
  private static let settings = ["dynamic_shared_memory_type": "mmap"]

  /// Runs `body` with an empty folder; what is started there is ended afterwards.
  private static func withFolder(_ name: String = "cluster", _ body: (String) async throws -> Void) async throws {
    let parent = FileManager.default.temporaryDirectory.appendingPathComponent("domicile-tests-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: false)
    let folder = "\(parent)/\(name)"
    do { try await body(folder) } catch {
      try FileManager.default.removeItem(atPath: parent)
      throw error
    }
    try FileManager.default.removeItem(atPath: parent)
  }

  /// A cluster that is surely ended and removed, whatever the test does.
  private static func withCluster(
    _ folder: String, port: Int? = nil, _ body: (PrivatePostgres) async throws -> Void
  ) async throws {
    let guardian = try Guardian(of: folder, removesFolder: true)
    do {
      let cluster = try await PrivatePostgres.create(
        at: folder, port: port, settings: settings)
      try await body(cluster)
      await guardian.finish()
      #expect(!cluster.isRunning)
      #expect(!FileManager.default.fileExists(atPath: folder))
      #expect(!FileManager.default.fileExists(atPath: cluster.socketFolder))
    } catch {
      await guardian.finish()
      throw error
    }
  }

  private static func ask(_ cluster: PrivatePostgres, _ query: String, database: String = "postgres") async throws -> String {
    let connection = try await TestDatabase.connect(TestDatabase.configuration(cluster.dsn(database: database)))
    let answer = try await connection.run(query).rows[0].text(0)
    await connection.close()
    return answer
  }

  @Test func `a cluster starts, keeps its data over stop, crash and start, and starts quickly the second time`() async throws {
    try await Self.withFolder { folder in
      try await Self.withCluster(folder) { cluster in
        #expect(!cluster.isRunning)
        try await cluster.start()
        #expect(cluster.isRunning)
        #expect(try await Self.ask(cluster, "SHOW data_checksums") == "on")
        #expect(try await Self.ask(cluster, "SHOW fsync") == "on")
        try await cluster.createDatabase("domicile")
        try await cluster.createDatabase("domicile")
        try await cluster.start()
        #expect(try await Self.ask(cluster, "SELECT current_database()::text", database: "domicile") == "domicile")

        try await cluster.stop()
        try await cluster.stop()
        #expect(!cluster.isRunning)
        let again = try await PrivatePostgres.create(at: folder, settings: Self.settings)
        let start = ContinuousClock.now
        try await again.start()
        #expect(start.duration(to: .now) < .seconds(5))

        await again.kill()
        #expect(!again.isRunning)
        #expect(FileManager.default.fileExists(atPath: again.dataFolder + "/postmaster.pid"))
        try await again.start()
        #expect(try await Self.ask(again, "SELECT current_database()::text", database: "domicile") == "domicile")
        try await again.stop(mode: .immediate)
        #expect(!again.isRunning)
      }
    }
  }

  @Test func `a stale postmaster.pid that names another living process does no harm`() async throws {
    try await Self.withFolder { folder in
      try await Self.withCluster(folder) { cluster in
        let alien = try await ThrowawayPostgres.shared()
        let process = try #require(alien.server.processID)
        let file = cluster.dataFolder + "/postmaster.pid"
        try "\(process)\n\(cluster.dataFolder)\n0\n5432\n".write(toFile: file, atomically: false, encoding: .utf8)
        #expect(!cluster.isRunning)
        try await cluster.stop()
        await cluster.kill()
        #expect(alien.server.isRunning)
        try await cluster.start()
        #expect(cluster.isRunning)
      }
    }
  }

  @Test func `a folder too deep for a Unix socket works, on TCP as well`() async throws {
    try await Self.withFolder(String(repeating: "deep/", count: 25) + "cluster") { folder in
      try await Self.withCluster(folder) { cluster in
        #expect(cluster.socketFolder.utf8.count < 80)
        try await cluster.start()
        #expect(try await Self.ask(cluster, "SHOW listen_addresses") == "")
        let port = try FreePort.find()
        let onTCP = try await PrivatePostgres.create(at: folder, port: port, settings: Self.settings)
        try await onTCP.start()
        #expect(try await Self.ask(onTCP, "SELECT inet_server_port()::text") == "\(port)")
      }
    }
  }

  @Test func `nobody enters without the password, and its file is closed to others`() async throws {
    let server = try await ThrowawayPostgres.shared().server
    let attributes = try FileManager.default.attributesOfItem(atPath: server.folder + "/pgpass")
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    let folder = try FileManager.default.attributesOfItem(atPath: server.folder)
    #expect((folder[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    for host in ["127.0.0.1", server.socketFolder] {
      let dsn = "host=\(host) port=\(server.port ?? 0) user=postgres dbname=postgres passfile=/dev/null password=guess"
      let error = try await postgresError { () throws(PostgresError) in
        try await PostgresConnection.connect(TestDatabase.configuration(dsn), logger: TestDatabase.logger)
      }
      #expect(error.serverMessage?.contains("password authentication failed") == true)
    }
  }

  @Test func `what is wrong is said with a remedy`() async throws {
    try await Self.withFolder { folder in
      let takenPort = try await ThrowawayPostgres.shared().server.port
      try await Self.withCluster(folder, port: takenPort) { cluster in
        let error = await #expect(throws: PrivatePostgresError.self) { try await cluster.start() }
        #expect(error?.description.contains("is taken") == true)
        let name = await #expect(throws: PrivatePostgresError.self) { try await cluster.createDatabase("x; DROP") }
        #expect(name?.description.contains("cannot be named") == true)
        try FileManager.default.removeItem(atPath: folder + "/pgpass")
        let password = await #expect(throws: PrivatePostgresError.self) { try await PrivatePostgres.create(at: folder) }
        #expect(password?.description.contains("password file") == true)
      }
    }
    let file = await #expect(throws: PrivatePostgresError.self) { try await PrivatePostgres.create(at: "/dev/null") }
    #expect(file?.description.contains("not a folder") == true)
  }

  @Test func `a cluster ends and its folder goes when the process is killed or exits`() async throws {
    for signal in [SIGKILL, 0] {
      let folder: String
      if signal == SIGKILL {
        let result = try #require(
          await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
            let postgres = try await ThrowawayPostgres.start(listensOnTCP: false)
            print("folder=\(postgres.server.folder)=")
            fflush(nil)
            kill(getpid(), SIGKILL)
          })
        folder = try Self.folder(in: result.standardOutputContent)
        let limit = ContinuousClock.now.advanced(by: .seconds(20))
        while FileManager.default.fileExists(atPath: folder), ContinuousClock.now < limit { await Task.yield() }
      } else {
        let result = try #require(
          await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            let postgres = try await ThrowawayPostgres.shared()
            print("folder=\(postgres.server.folder)=")
            fflush(nil)
            exit(0)
          })
        folder = try Self.folder(in: result.standardOutputContent)
      }
      #expect(!FileManager.default.fileExists(atPath: folder))
    }
  }

  private static func folder(in output: [UInt8]) throws -> String {
    let parts = String(decoding: output, as: UTF8.self).components(separatedBy: "=")
    let place = try #require(parts.firstIndex { $0.hasSuffix("folder") })
    return parts[place + 1]
  }
}
