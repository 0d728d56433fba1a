import Directory
import Logging
import Postgres
import Residency

/// Looks at a region's copy of the directory in its database.
struct DirectoryWatcher: Sendable {
  let region: RegionID
  private let connection: PostgresConnection
  /// The log that the region writes.
  let log: LogID

  init(_ region: RegionID, _ cluster: PrivatePostgres) async throws {
    self.region = region
    let logger = Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() })
    connection = try await PostgresConnection.connect(
      PostgresConfiguration(dsn: cluster.dsn(database: "domicile"), applicationName: "bench watcher"), logger: logger)
    let row = try await connection.execute(Statement("bench_log", "SELECT ordinal, incarnation FROM region_identity, head"), [])
      .rows
      .first
    guard let row, let origin = RegionOrdinal(Int(try row.int32(0))) else { throw DirectoryBench.Failure.noRegion }
    log = LogID(origin: origin, incarnation: Incarnation(UInt32(bitPattern: try row.int32(1))))
  }

  func close() async { await connection.close() }

  /// How long the region's own log is.
  func head() async throws -> Int {
    try await number(Statement("bench_head", "SELECT directory_seq FROM head"), [])
  }

  func applied(of log: LogID) async throws -> Int {
    try await number(
      Statement(
        "bench_applied",
        "SELECT coalesce((SELECT seq FROM applied WHERE origin = $1::integer AND incarnation = $2::integer), 0)"),
      [.int32(Int32(log.origin.rawValue)), .int32(Int32(bitPattern: log.incarnation.rawValue))])
  }

  /// For a region that does not get on any more.
  private static let patience = Duration.seconds(150)

  func wait(for total: Int, of log: LogID) async throws { _ = try await time(of: log, to: total) }

  /// How long the region takes, from the first entry that it gets.
  func time(of log: LogID, to total: Int) async throws -> (from: Int, Duration) {
    let first = try await applied(of: log)
    var (seen, movedAt) = (first, ContinuousClock.now)
    var began: ContinuousClock.Instant?
    while seen < total {
      try await Task.sleep(for: .milliseconds(5))
      let now = try await applied(of: log)
      if now > seen {
        if began == nil { began = movedAt }
        (seen, movedAt) = (now, .now)
      } else if movedAt.duration(to: .now) > Self.patience {
        throw DirectoryBench.Failure.notReached(region, seen, of: total)
      } else if began == nil {
        // Nothing has come yet: the clock starts with the first.
        movedAt = .now
      }
    }
    return (first, began?.duration(to: .now) ?? .zero)
  }

  func wait(forPlacement tag: SubjectTag) async throws {
    let statement = Statement("bench_placement", "SELECT count(*) FROM placement WHERE tag = $1::uuid")
    let end = ContinuousClock.now + Self.patience
    while try await number(statement, [.bytes(tag.bytes)]) == 0 {
      guard .now < end else { throw DirectoryBench.Failure.notReached(region, 0, of: 1) }
      try await Task.sleep(for: .milliseconds(1))
    }
  }

  /// The homes of those that are settled.
  func homes(of tags: [SubjectTag]) async throws -> [SubjectTag: RegionOrdinal] {
    let statement = Statement(
      "lab_homes",
      """
      SELECT uuid_send(tag), home::integer FROM placement p
       WHERE tag = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM placement_sibling s WHERE s.tag = p.tag)
      """)
    var homes: [SubjectTag: RegionOrdinal] = [:]
    for row in try await connection.execute(statement, [.uuidArray(tags.map(\.bytes))]).rows {
      guard let tag = SubjectTag(try row.bytes(0)) else { continue }
      homes[tag] = RegionOrdinal(Int(try row.int32(1)))
    }
    return homes
  }

  func contestedCount(of tags: [SubjectTag]) async throws -> Int {
    try await number(
      Statement("lab_contested", "SELECT count(DISTINCT tag) FROM placement_sibling WHERE tag = ANY ($1::uuid[])"),
      [.uuidArray(tags.map(\.bytes))])
  }

  /// How far the region holds every log, its own included.
  func vector() async throws -> VersionVector {
    let statement = Statement(
      "lab_vector",
      """
      SELECT origin, incarnation, seq FROM applied
      UNION ALL SELECT ordinal, incarnation, directory_seq FROM region_identity, head
      """)
    var vector = VersionVector()
    for row in try await connection.execute(statement, []).rows {
      guard let origin = RegionOrdinal(Int(try row.int32(0))) else { continue }
      vector.advance(
        to: LogPosition(
          origin: origin, incarnation: Incarnation(UInt32(bitPattern: try row.int32(1))), seq: UInt64(try row.int64(2))))
    }
    return vector
  }

  func lose(_ tag: SubjectTag) async throws {
    _ = try await connection.execute(
      Statement("bench_lose", "DELETE FROM placement WHERE tag = $1::uuid"), [.bytes(tag.bytes)])
  }

  /// With its index, and the siblings' table.
  func bytesPerEntry() async throws -> Double {
    try await ratio(
      "SELECT pg_total_relation_size('placement') + pg_total_relation_size('placement_sibling'), count(*) FROM placement")
  }

  /// By all that were ever registered: entries that all members have are removed again, and the space is used anew.
  func logBytesPerEntry() async throws -> Double {
    try await ratio("SELECT pg_total_relation_size('directory_log'), count(*) FROM placement")
  }

  private func ratio(_ text: String) async throws -> Double {
    guard let row = try await connection.execute(Statement("bench_size_\(text.count)", text), []).rows.first else { return 0 }
    return Double(try row.int64(0)) / max(1, Double(try row.int64(1)))
  }

  private func number(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Int {
    guard let row = try await connection.execute(statement, parameters).rows.first else { return 0 }
    return Int(try row.int64(0))
  }
}
