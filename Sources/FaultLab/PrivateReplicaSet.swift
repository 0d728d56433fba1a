import Logging
import Postgres

/// A private cluster with standbys, one of which has every commit before it is acknowledged.
///
/// Layout: `postgres` in the set's folder is the primary, `standby`, `standby-2`… are the standbys. A folder in which only
/// the primary exists gets its standbys at the next ``start()``.
package struct PrivateReplicaSet: Sendable {
  package let primary: PrivatePostgres
  package let standbys: [PrivatePostgres]
  private let names: [String]

  /// The folders of a set's clusters, the primary's first.
  package static func folders(in folder: String, standbys count: Int) -> [String] {
    ["\(folder)/postgres"] + (0..<count).map { "\(folder)/standby\($0 == 0 ? "" : "-\($0 + 1)")" }
  }

  /// Makes the primary, or finds it as an earlier call made it. Starts nothing.
  ///
  /// - Parameters:
  ///   - folder: Made where missing.
  ///   - count: How many standbys. Without one, commits wait for nobody.
  ///   - ports: TCP ports on 127.0.0.1, the primary's first; none for Unix sockets alone.
  ///   - settings: Server settings of all clusters by name, `synchronous_standby_names` of the primary alone.
  ///   - tls: What all clusters show on TCP.
  package static func create(
    at folder: String, standbys count: Int, ports: [Int] = [], settings: [String: String] = [:], tls: ClusterTLS? = nil
  ) async throws(PrivatePostgresError) -> PrivateReplicaSet {
    let folders = folders(in: folder, standbys: count)
    let names = (0..<count).map { "standby_\($0 + 1)" }
    let quorum = names.isEmpty ? "" : "ANY 1 (\(names.joined(separator: ", ")))"
    let primary = try await PrivatePostgres.create(
      at: folders[0], port: ports.first, settings: ["synchronous_standby_names": quorum].merging(settings) { _, given in given },
      tls: tls)
    var standbys: [PrivatePostgres] = []
    for (index, name) in names.enumerated() {
      let port = ports.count > index + 1 ? ports[index + 1] : nil
      standbys.append(try .standby(of: primary, at: folders[index + 1], name: name, port: port, settings: [:]))
    }
    return PrivateReplicaSet(primary: primary, standbys: standbys, names: names)
  }

  /// Starts the primary, makes standbys that are missing, starts all, and returns when they stream.
  ///
  /// Nothing is committed on the way: a commit would wait for a standby.
  package func start() async throws(PrivatePostgresError) {
    let isComplete = standbys.allSatisfy(\.layout.hasData)
    // One that exists starts without its primary; one that is yet to be made is copied from the running primary.
    if !isComplete { try await primary.start() }
    var steps: [Step] = [{ await Self.failure { () throws(PrivatePostgresError) in try await primary.start() } }]
    for (standby, name) in zip(standbys, names) {
      steps.append {
        await Self.failure { () throws(PrivatePostgresError) in
          try await standby.makeStandby(of: primary, name: name)
          try await standby.start()
        }
      }
    }
    try await Self.concurrently(steps)
    if !standbys.isEmpty { try await awaitStreaming() }
  }

  /// The primary first, so that the standbys have all that it wrote. Returns when all are gone.
  package func stop() async throws(PrivatePostgresError) {
    for standby in standbys { await standby.resume() }
    try await primary.stop()
    try await Self.concurrently(
      standbys.map { standby in { await Self.failure { () throws(PrivatePostgresError) in try await standby.stop() } } })
  }

  /// A libpq connection string for a database of the primary.
  package func dsn(database: String = "postgres") -> String { primary.dsn(database: database) }

  /// A libpq connection string that lists all clusters, and takes the first that accepts writes. After a promotion that may well
  /// be the old primary.
  package func discoveryDSN(database: String = "postgres") -> String {
    let clusters = [primary] + standbys
    let places = ["host", "hostaddr", "port"].compactMap { keyword in
      let values = clusters.compactMap { $0.address.first { $0.keyword == keyword }?.value }
      return values.isEmpty ? nil : (keyword: keyword, value: values.joined(separator: ","))
    }
    return PrivatePostgres.connectionString(
      places + [
        ("user", PrivatePostgres.superuser), ("dbname", database), ("passfile", primary.layout.passwordFile),
        ("target_session_attrs", "read-write"),
      ] + primary.security)
  }

  /// Returns when the primary streams to every standby.
  package func awaitStreaming() async throws(PrivatePostgresError) {
    do {
      let configuration = PostgresConfiguration(dsn: dsn(), applicationName: "domicile")
      let connection = try await PostgresConnection.connect(configuration, logger: Logger(label: "private-postgres"))
      let limit = ContinuousClock.now + .seconds(60)
      var streaming = 0
      while streaming < standbys.count, .now < limit {
        let rows = try await connection.execute(Self.countStreaming, [.textArray(names)], deadline: limit).rows
        streaming = Int(try rows.first?.int64(0) ?? 0)
      }
      await connection.close()
      if streaming == standbys.count { return }
    } catch {
      throw PrivatePostgresError(
        "the cluster in \(primary.folder) does not say who its standbys are",
        because: "\(error) \(error.serverMessage ?? "")".trimmed, remedy: "See \(primary.logFile).")
    }
    throw PrivatePostgresError(
      "a standby of \(primary.folder) does not stream after 60 seconds", because: "it cannot reach its primary or read its log",
      remedy: "See \(standbys.map(\.logFile).joined(separator: ", ")).")
  }

  /// Asked again until all do; the server keeps the pace.
  private static let countStreaming = Statement(
    "count-streaming",
    """
    SELECT count(DISTINCT application_name), pg_sleep(0.01)::text
      FROM pg_stat_replication WHERE state = 'streaming' AND application_name = ANY ($1::text[])
    """)

  /// Returns what went wrong.
  private typealias Step = @Sendable () async -> PrivatePostgresError?

  private static func failure(_ body: () async throws(PrivatePostgresError) -> Void) async -> PrivatePostgresError? {
    do throws(PrivatePostgresError) {
      try await body()
      return nil
    } catch {
      return error
    }
  }

  /// All are done, whatever befalls one of them, before the first error is thrown.
  private static func concurrently(_ steps: [Step]) async throws(PrivatePostgresError) {
    let failures = await withTaskGroup(of: PrivatePostgresError?.self) { group in
      for step in steps { group.addTask { await step() } }
      return await group.reduce(into: [PrivatePostgresError]()) { if let failure = $1 { $0.append(failure) } }
    }
    if let failure = failures.first { throw failure }
  }
}
