package import FaultLab
import Glibc
import Synchronization

/// A real PostgreSQL cluster in a temporary folder, with `fsync` on. It ends with this process, however that ends, and
/// nothing of it stays.
package final class ThrowawayPostgres: Sendable {
  package let server: PrivatePostgres
  private let guardian: Guardian
  private let databases = Atomic(0)

  private init(_ server: PrivatePostgres, _ guardian: Guardian) {
    self.server = server
    self.guardian = guardian
  }

  /// - Parameters:
  ///   - settings: Server settings by name, over this type's own.
  ///   - listensOnTCP: Whether it listens on a free port of 127.0.0.1 (and connects there) or on a Unix socket alone.
  package static func start(
    settings: [String: String] = [:], listensOnTCP: Bool = true
  ) async throws -> ThrowawayPostgres {
    var attempt = 1
    while true {
      let port = listensOnTCP ? try FreePort.find() : nil
      let folder = try temporaryFolder()
      let guardian = try Guardian(of: folder, removesFolder: true)
      do {
        // Dynamic shared memory is kept inside the folder, so that a killed server leaves none behind.
        let defaults = ["max_connections": "200", "dynamic_shared_memory_type": "mmap"]
        let server = try await PrivatePostgres.create(
          at: folder, port: port, settings: defaults.merging(settings) { _, given in given })
        try await server.start()
        return ThrowawayPostgres(server, guardian)
      } catch {
        await guardian.finish()
        // Another process may have taken the port in between.
        guard listensOnTCP, attempt < 3 else { throw error }
        attempt += 1
      }
    }
  }

  /// One for the whole process, started when it is first asked for.
  package static func shared() async throws -> ThrowawayPostgres { try await sharedStart.value }
  private static let sharedStart = Task { try await ThrowawayPostgres.start() }

  package func dsn(database: String = "postgres") -> String { server.dsn(database: database) }

  /// Makes an empty database that nobody else uses.
  ///
  /// - Returns: Its connection string.
  package func freshDatabase() async throws -> String {
    let number = databases.add(1, ordering: .relaxed).newValue
    let name = "fresh_\(number)"
    try await server.createDatabase(name)
    return server.dsn(database: name)
  }

  /// Ends the server and removes its folder.
  package func remove() async { await guardian.finish() }

  static func temporaryFolder() throws -> String {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/domicile-pg.XXXXXX".utf8CString)
    // Passable for the account that PostgreSQL runs as.
    guard mkdtemp(&template) != nil, chmod(template, 0o711) == 0 else { throw TemporaryFolderError(parent: parent, code: errno) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// Runs `body` with a cluster of its own, which is gone afterwards.
package func withThrowawayPostgres<R>(
  settings: [String: String] = [:], listensOnTCP: Bool = true, isolation: isolated (any Actor)? = #isolation,
  _ body: (ThrowawayPostgres) async throws -> R
) async throws -> R {
  let postgres = try await ThrowawayPostgres.start(settings: settings, listensOnTCP: listensOnTCP)
  do {
    let value = try await body(postgres)
    await postgres.remove()
    return value
  } catch {
    await postgres.remove()
    throw error
  }
}

private struct TemporaryFolderError: Error, CustomStringConvertible {
  let parent: String
  let code: Int32
  var description: String { "no temporary folder could be made in \(parent): \(String(cString: strerror(code)))" }
}
