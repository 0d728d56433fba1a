import DomicileTestKit
import Logging
import Postgres
import Synchronization
import Testing

@testable import RegionStore

/// A database of its own, whose schema is a table of rows that a reader looks at.
struct MigrationScene {
  let dsn: String

  /// - Parameters:
  ///   - server: The shared one, unless another is given.
  ///   - options: Command-line options of its sessions, e.g. `-c statement_timeout=200`.
  init(on server: ThrowawayPostgres? = nil, options: String = "") async throws {
    let server = if let server { server } else { try await ThrowawayPostgres.shared() }
    dsn = "\(try await server.freshDatabase()) options='\(options)'"
  }

  static let first = Migration(version: 1, name: "first", sql: "CREATE TABLE thing (a int); INSERT INTO thing VALUES (1);")
  static let second = Migration(version: 2, name: "second", sql: "ALTER TABLE thing ADD COLUMN b int;")

  /// Long enough for a loaded machine, short enough for a test.
  static var limits: MigrationLimits {
    var limits = MigrationLimits()
    limits.lockWait = .milliseconds(400)
    limits.pause = .milliseconds(200)
    limits.patience = .seconds(60)
    return limits
  }

  func connect(as program: String = "test inspection") async throws -> PostgresConnection {
    try await PostgresConnection.connect(
      PostgresConfiguration(dsn: dsn, applicationName: program), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  /// Migrates on a connection of its own.
  /// - Returns: What was logged.
  @discardableResult
  func migrate(_ migrations: [Migration], limits: MigrationLimits = Self.limits) async throws -> [String] {
    let connection = try await connect(as: "migrating")
    let log = RecordedLog()
    do {
      try await Migrator(migrations: migrations, lock: Self.lock, limits: limits).run(on: connection, logger: log.logger)
      await connection.close()
    } catch {
      await connection.close()
      throw error
    }
    return log.lines
  }
  static let lock: Int64 = 0x646f_6d69_00ff

  func value(_ query: String) async throws -> Int64 {
    let connection = try await connect()
    let row = try await connection.execute(Statement("q", "SELECT (\(query))::bigint"), []).rows.first
    await connection.close()
    return try #require(row).int64(0)
  }

  func text(_ query: String) async throws -> String {
    let connection = try await connect()
    let row = try await connection.execute(Statement("q", "SELECT (\(query))::text"), []).rows.first
    await connection.close()
    return try #require(row).text(0)
  }

  /// Runs `body` while a transaction that has read `table` stays open.
  func whileReaderIsOpen<R>(of table: String = "thing", _ body: (PostgresConnection) async throws -> R) async throws -> R {
    let reader = try await connect(as: "long reader")
    try await reader.script("BEGIN; SELECT count(*) FROM \(table)")
    do {
      let value = try await body(reader)
      await reader.close()
      return value
    } catch {
      await reader.close()
      throw error
    }
  }
}

/// What was logged, with its metadata.
final class RecordedLog: Sendable {
  private let recorded = Mutex<[String]>([])
  var lines: [String] { recorded.withLock(\.self) }

  var logger: Logger {
    Logger(label: "test") { _ in Handler(log: self) }
  }

  private struct Handler: LogHandler {
    let log: RecordedLog
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      log.recorded.withLock { $0.append(([event.message.description] + details).joined(separator: " ")) }
    }
  }
}
