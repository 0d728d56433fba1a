import Cryptography
package import Directory
import Postgres
package import Residency

/// The directory as this region holds it. Every read here is of this region's own copy: it answers while cut off from all others.
extension RegionStore {
  /// What this region's copy says of `tag`.
  package func placement(of tag: SubjectTag) async throws(StoreError) -> PlacementSet? {
    try await placements(of: [tag])[tag]
  }

  package func placements(of tags: [SubjectTag]) async throws(StoreError) -> [SubjectTag: PlacementSet] {
    try await reading { connection, deadline in
      let result = try await connection.execute(PlacementRow.read, [.uuidArray(tags.map(\.bytes))], deadline: deadline)
      return try PlacementRow.sets(result.rows)
    }
  }

  /// How far every log is held here, this region's own included.
  package func appliedHeads() async throws(StoreError) -> [LogID: AppliedHead] {
    try await reading { connection, deadline in
      try await self.heads(on: connection, deadline: deadline)
    }
  }

  func heads(
    on connection: PostgresConnection, deadline: ContinuousClock.Instant
  ) async throws -> [LogID: AppliedHead] {
    let result = try await connection.execute(
      .selectApplied, [.int32(Int32(region.ordinal.rawValue))], deadline: deadline)
    return try Self.heads(result.rows)
  }

  /// What a region answers to a pull.
  package enum PullAnswer: Hashable, Sendable {
    case batch(LogBatch)
    /// It holds nothing from there on.
    case nothing
    /// It does not hold the entry any more.
    case trimmed
  }

  /// The next entries of one log, from `first` on: what a peer pulls.
  package func logBatch(of log: LogID, from first: UInt64, entriesMax: Int) async throws(StoreError) -> PullAnswer {
    try await reading { connection, deadline in
      let results = try await connection.pipeline(
        [
          PipelineStep(.selectStart, Self.parameters(of: log)),
          // The row before the first comes along for its chain.
          PipelineStep(
            .selectBatch,
            Self.parameters(of: log) + [
              .int64(Int64(clamping: first) - 1), .int64(Int64(min(entriesMax, LogBatch.entriesMax)) + 1),
            ]),
        ], deadline: deadline)
      let start = try Self.start(results[0].rows, of: log)
      guard first > start.seq else { return .trimmed }
      var previous = start.chain
      var rows = results[1].rows[...]
      // Rows that were given up lie before the start until they are removed.
      if first - 1 > start.seq {
        guard let row = rows.popFirst(), try row.uint64(0) == first - 1, let chain = ChainHash(try row.bytes(2)) else {
          return .nothing
        }
        previous = chain
      } else if try rows.first?.uint64(0) == first - 1 {
        _ = rows.popFirst()
      }
      let entries = try rows.map { try $0.bytes(1) }
      return LogBatch(log: log, first: first, previousChain: previous, rows: entries).map { .batch($0) } ?? .nothing
    }
  }

  /// Notes how far a peer holds some logs: a log may be cut below what all members hold.
  /// - Parameter isWhole: whether that is all that it holds, its own log included.
  package func acknowledge(
    _ positions: [LogPosition], by peer: RegionOrdinal, isWhole: Bool = false
  ) async throws(StoreError) {
    try await reading { connection, deadline in
      _ = try await connection.execute(
        isWhole ? .replaceAcknowledged : .upsertAcknowledged,
        [
          .int32(Int32(peer.rawValue)), .int32Array(positions.map { Int32($0.origin.rawValue) }),
          .int32Array(positions.map { Int32(bitPattern: $0.incarnation.rawValue) }),
          .int64Array(positions.map { Int64(clamping: $0.seq) }),
        ], deadline: deadline)
    }
  }
}

extension RegionStore {
  static func parameters(of log: LogID) -> [PostgresValue] {
    [.int32(Int32(log.origin.rawValue)), .int32(Int32(bitPattern: log.incarnation.rawValue))]
  }

  static func position(_ row: PostgresRow) throws -> LogPosition {
    guard let origin = RegionOrdinal(Int(try row.int32(0))) else { throw StoreError.corrupt(what: "the directory's progress") }
    return LogPosition(
      origin: origin, incarnation: Incarnation(UInt32(bitPattern: try row.int32(1))), seq: try row.uint64(2))
  }

  static func heads(_ rows: [PostgresRow]) throws -> [LogID: AppliedHead] {
    var heads: [LogID: AppliedHead] = [:]
    for row in rows {
      guard let chain = ChainHash(try row.bytes(3)) else { throw StoreError.corrupt(what: "the directory's progress") }
      let position = try position(row)
      heads[position.log] = AppliedHead(seq: position.seq, chain: chain)
    }
    return heads
  }

  static func start(_ rows: [PostgresRow], of log: LogID) throws -> AppliedHead {
    try heads(rows)[log] ?? .start(of: log, digest: { SHA256.hash($0) })
  }
}

extension Statement {
  static let selectApplied = Statement(
    "select_applied",
    """
    SELECT origin, incarnation, seq, chain FROM applied
    UNION ALL SELECT $1::integer, incarnation, directory_seq, directory_chain FROM head
    """)
  static let selectStart = Statement(
    "select_start",
    "SELECT origin, incarnation, seq, chain FROM log_start WHERE origin = $1::integer AND incarnation = $2::integer")
  static let selectLog = Statement(
    "select_log",
    """
    SELECT seq, entry, chain FROM directory_log
     WHERE origin = $1::integer AND incarnation = $2::integer AND seq >= $3::bigint ORDER BY seq LIMIT $4::bigint
    """)
  /// As many entries as a batch may have bytes, and one more: documents are a hundred times as large as placements.
  static let selectBatch = Statement(
    "select_batch",
    """
    SELECT seq, entry, chain FROM (
      SELECT seq, entry, chain, sum(octet_length(entry)) OVER (ORDER BY seq) - octet_length(entry) AS before FROM directory_log
       WHERE origin = $1::integer AND incarnation = $2::integer AND seq >= $3::bigint ORDER BY seq LIMIT $4::bigint) AS batch
     WHERE before <= \(LogBatch.bytesMax) ORDER BY seq
    """)
  static let upsertApplied = Statement(
    "upsert_applied",
    """
    INSERT INTO applied (origin, incarnation, seq, chain) VALUES ($1::integer, $2::integer, $3::bigint, $4::bytea)
    ON CONFLICT (origin, incarnation) DO UPDATE SET seq = excluded.seq, chain = excluded.chain
    """)
  static let upsertAcknowledged = Statement(
    "upsert_acknowledged",
    """
    INSERT INTO peer_ack (peer, origin, incarnation, seq)
    SELECT $1::integer, t.* FROM unnest($2::integer[], $3::integer[], $4::bigint[]) AS t (origin, incarnation, seq)
    ON CONFLICT (peer, origin, incarnation) DO UPDATE SET seq = greatest(peer_ack.seq, excluded.seq)
    """)
  /// All at once: what a member said of its own log belongs to what it said of the others.
  static let replaceAcknowledged = Statement(
    "replace_acknowledged",
    """
    WITH said AS (
      SELECT t.* FROM unnest($2::integer[], $3::integer[], $4::bigint[]) AS t (origin, incarnation, seq)
    ), kept AS (
      INSERT INTO peer_ack (peer, origin, incarnation, seq) SELECT $1::integer, said.* FROM said
      ON CONFLICT (peer, origin, incarnation) DO UPDATE SET seq = greatest(peer_ack.seq, excluded.seq)
      RETURNING 1
    )
    INSERT INTO peer_vector (peer, origin, incarnation, seq) SELECT $1::integer, said.* FROM said
    ON CONFLICT (peer, origin, incarnation) DO UPDATE SET seq = excluded.seq
    """)
}
