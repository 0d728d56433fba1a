import DomicileTestKit
import Logging
import Testing

@testable import Postgres

/// Connections for tests, to databases that are theirs alone.
enum TestDatabase {
  static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  static func fresh() async throws -> PostgresConfiguration {
    try await configuration(ThrowawayPostgres.shared().freshDatabase())
  }

  static func configuration(_ dsn: String) -> PostgresConfiguration {
    PostgresConfiguration(dsn: dsn, applicationName: "tests")
  }

  static func connect(_ configuration: PostgresConfiguration) async throws -> PostgresConnection {
    try await PostgresConnection.connect(configuration, logger: logger)
  }

  /// Runs `body` with a connection to an empty database.
  static func with<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
    let connection = try await connect(try await fresh())
    let value = try await body(connection)
    await connection.close()
    return value
  }
}

extension PostgresConnection {
  /// A statement named after its text, as tests have many.
  func run(_ sql: String, _ parameters: [PostgresValue] = [], deadline: ContinuousClock.Instant? = nil)
    async throws(PostgresError)
    -> PostgresResult
  {
    try await execute(Statement(sql, sql), parameters, deadline: deadline)
  }

  func pipe(_ steps: [String], deadline: ContinuousClock.Instant? = nil) async throws(PostgresError) -> [PostgresResult] {
    try await pipeline(steps.map { PipelineStep(Statement($0, $0)) }, deadline: deadline)
  }

  var processID: Int32 {
    get async throws { try await run("SELECT pg_backend_pid()").rows[0].int32(0) }
  }

  func count(_ table: String) async throws -> Int64 { try await run("SELECT count(*) FROM \(table)").rows[0].int64(0) }

  /// Returns once `condition`, a query of one boolean, is true. Fails the test after 20 s.
  func waitUntil(_ condition: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let limit = ContinuousClock.now.advanced(by: .seconds(20))
    while try await !run(condition).rows[0].bool(0) {
      try #require(ContinuousClock.now < limit, "never true: \(condition)", sourceLocation: sourceLocation)
      _ = try await run("SELECT pg_sleep(0.005)")
    }
  }
}

/// The error that `body` throws; records an issue where it throws none.
func postgresError<R>(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws(PostgresError) -> R
) async throws -> PostgresError {
  do throws(PostgresError) { _ = try await body() } catch { return error }
  throw NothingThrown(location: "\(sourceLocation)")
}

struct NothingThrown: Error {
  let location: String
}
