import FoundationEssentials

/// PostgreSQL's own benchmark, on a database of its own beside the region's.
package struct PgBench: Sendable {
  package enum Failure: Error, CustomStringConvertible {
    case failed(String)
    case unreadable(String)

    package var description: String {
      switch self {
      case .failed(let output): "pgbench failed: \(output)"
      case .unreadable(let output): "pgbench's output names no tps: \(output)"
      }
    }
  }

  package enum Mode: String, Sendable {
    /// One row by its key.
    case selectOnly = "-S"
    /// Update a row by its key, read it, insert a row: a transaction of three statements.
    case simpleUpdate = "-N"
  }

  /// How it enters the cluster.
  package enum Way: String, Sendable {
    /// As the coordinator does.
    case asDeployed = ""
    /// Without a network or TLS, which no other machine could do.
    case unixSocket = ", Unix socket"
  }

  private let program: String
  private let dsn: [Way: String]

  /// - Parameter cluster: a running one. The database `pgbench` is made there.
  package init(_ cluster: PrivatePostgres) async throws {
    program = try await PostgresPrograms.find().folder + "/pgbench"
    try await cluster.createDatabase("pgbench")
    dsn = [.asDeployed: cluster.dsn(database: "pgbench"), .unixSocket: cluster.socketDSN(database: "pgbench")]
  }

  /// Makes its tables: 100,000 rows for each unit of `scale`.
  package func prepare(scale: Int) async throws {
    _ = try await run(["-i", "-q", "-s", String(scale)], .unixSocket, limit: Self.grace)
  }

  /// - Returns: transactions a second, without the time it took to connect.
  package func transactionsPerSecond(
    _ mode: Mode, _ way: Way = .asDeployed, connections: Int, duration: Duration
  ) async throws -> Double {
    let seconds = max(1, duration.components.seconds)
    let output = try await run(
      [
        "-n", mode.rawValue, "-M", "prepared", "-c", String(connections), "-j", String(min(2, connections)), "-T",
        String(seconds),
      ], way, limit: duration + Self.grace)
    guard let line = output.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
      let rate = line.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) })
    else { throw Failure.unreadable(output) }
    return rate
  }

  /// What everything but the measuring itself may take.
  private static let grace = Duration.seconds(300)

  private func run(_ arguments: [String], _ way: Way, limit: Duration) async throws -> String {
    let output = try await ChildProcess.run([program] + arguments + [dsn[way] ?? ""], in: "/", limit: limit)
    guard output.status == 0 else { throw Failure.failed(output.text) }
    return output.text
  }
}
