import Cryptography
package import Directory
import Postgres
package import Residency

/// The directory as this region holds it. Every read here is of this region's own copy: it answers while cut off from all others.
extension RegionStore {
  /// What this region's copy says of `tag`.
  package func placement(of tag: SubjectTag) async throws(StoreError) -> PlacementSet? {
    try await reading { connection, deadline in
      let result = try await connection.execute(PlacementRow.read, [.bytesArray([tag.bytes])], deadline: deadline)
      return try PlacementRow.sets(result.rows)[tag]
    }
  }

  /// How far every log is held here, this region's own included.
  package func appliedHeads() async throws(StoreError) -> [LogID: AppliedHead] {
    try await reading { connection, deadline in
      let result = try await connection.execute(
        Self.selectApplied, [.int32(Int32(self.region.ordinal.rawValue))], deadline: deadline)
      var heads: [LogID: AppliedHead] = [:]
      for row in result.rows {
        let (log, head) = try Self.head(row)
        heads[log] = head
      }
      return heads
    }
  }

  /// The next entries of one log, from `first` on: what a peer pulls.
  /// - Returns: `nil` where this region holds nothing from there on.
  package func logBatch(of log: LogID, from first: UInt64, entriesMax: Int) async throws(StoreError) -> LogBatch? {
    try await reading { connection, deadline in
      // The row before the first comes along for its chain.
      let result = try await connection.execute(
        Self.selectLog,
        [
          .int32(Int32(log.origin.rawValue)), .int32(Int32(bitPattern: log.incarnation.rawValue)),
          .int64(Int64(clamping: first) - 1), .int64(Int64(min(entriesMax, LogBatch.entriesMax)) + 1),
        ], deadline: deadline)
      var previous = ChainHash.start(of: log, digest: { SHA256.hash($0) })
      var rows = result.rows[...]
      if first > 1 {
        guard let row = rows.popFirst(), try row.int64(0) == Int64(clamping: first) - 1, let chain = ChainHash(try row.bytes(2))
        else {
          return nil
        }
        previous = chain
      }
      return LogBatch(log: log, first: first, previousChain: previous, rows: try rows.map { try $0.bytes(1) })
    }
  }

  /// Applies a batch that a peer sent, if it follows what is held: log rows, placements and `applied` in one transaction.
  package func apply(_ batch: LogBatch) async throws(StoreError) -> BatchDecision {
    try await reading { connection, deadline in
      let results = try await connection.pipeline(
        [
          PipelineStep(.begin, []), PipelineStep(.waitForQuorum, []), PipelineStep(.lockDirectory, []),
          PipelineStep(
            Self.selectAppliedOf,
            [.int32(Int32(batch.origin.rawValue)), .int32(Int32(bitPattern: batch.incarnation.rawValue))]),
          PipelineStep(Self.selectIncarnation, []),
        ], deadline: deadline)
      do {
        guard let own = results[4].rows.first else { throw StoreError.corrupt(what: "the head") }
        let incarnation = Incarnation(UInt32(bitPattern: try own.int32(0)))
        let verifier = BatchVerifier(
          own: LogID(origin: self.region.ordinal, incarnation: incarnation), digest: { SHA256.hash($0) })
        let decision = verifier.decide(batch, applied: try results[3].rows.first.map { try Self.head($0).1 })
        guard case .apply(let records, let head) = decision else {
          _ = try await connection.execute(.rollback, [])
          return decision
        }
        try await Self.write(records, of: batch.log, head: head, on: connection, deadline: deadline)
        return decision
      } catch {
        if await connection.isUsable { _ = try? await connection.execute(.rollback, []) }
        throw error
      }
    }
  }

  private static func write(
    _ records: [LogRecord], of log: LogID, head: AppliedHead, on connection: PostgresConnection,
    deadline: ContinuousClock.Instant
  ) async throws {
    let tags = Set(records.map(\.entry.tag))
    let current = try await connection.execute(PlacementRow.read, [.bytesArray(tags.map(\.bytes))], deadline: deadline)
    let changes = PlacementChange.changes(for: records, current: try PlacementRow.sets(current.rows))
    let advance = PipelineStep(
      upsertApplied,
      [
        .int32(Int32(log.origin.rawValue)), .int32(Int32(bitPattern: log.incarnation.rawValue)), .int64(Int64(head.seq)),
        .bytes(head.chain.bytes),
      ])
    _ = try await connection.pipeline(
      [LogRow.insert(records)] + PlacementRow.write(changes) + [advance, PipelineStep(.commit, [])], deadline: deadline)
  }

  /// Notes how far a peer holds every log: the log may be cut below what all members hold.
  package func acknowledge(_ positions: [LogPosition], by peer: RegionOrdinal) async throws(StoreError) {
    try await reading { connection, deadline in
      _ = try await connection.execute(
        Self.upsertAcknowledged,
        [
          .int32(Int32(peer.rawValue)), .int32Array(positions.map { Int32($0.origin.rawValue) }),
          .int32Array(positions.map { Int32(bitPattern: $0.incarnation.rawValue) }),
          .int64Array(positions.map { Int64(clamping: $0.seq) }),
        ], deadline: deadline)
    }
  }

  private static func head(_ row: PostgresRow) throws -> (LogID, AppliedHead) {
    guard let origin = RegionOrdinal(Int(try row.int32(0))), let chain = ChainHash(try row.bytes(3)) else {
      throw StoreError.corrupt(what: "the directory's progress")
    }
    let log = LogID(origin: origin, incarnation: Incarnation(UInt32(bitPattern: try row.int32(1))))
    return (log, AppliedHead(seq: try row.uint64(2), chain: chain))
  }

  private static let selectApplied = Statement(
    "select_applied",
    """
    SELECT origin, incarnation, seq, chain FROM applied
    UNION ALL SELECT $1::integer, incarnation, directory_seq, directory_chain FROM head
    """)
  private static let selectAppliedOf = Statement(
    "select_applied_of",
    "SELECT origin, incarnation, seq, chain FROM applied WHERE origin = $1::integer AND incarnation = $2::integer")
  private static let selectIncarnation = Statement("select_incarnation", "SELECT incarnation FROM head")
  private static let selectLog = Statement(
    "select_log",
    """
    SELECT seq, entry, chain FROM directory_log
     WHERE origin = $1::integer AND incarnation = $2::integer AND seq >= $3::bigint ORDER BY seq LIMIT $4::bigint
    """)
  private static let upsertApplied = Statement(
    "upsert_applied",
    """
    INSERT INTO applied (origin, incarnation, seq, chain) VALUES ($1::integer, $2::integer, $3::bigint, $4::bytea)
    ON CONFLICT (origin, incarnation) DO UPDATE SET seq = excluded.seq, chain = excluded.chain
    """)
  private static let upsertAcknowledged = Statement(
    "upsert_acknowledged",
    """
    INSERT INTO peer_ack (peer, origin, incarnation, seq)
    SELECT $1::integer, t.* FROM unnest($2::integer[], $3::integer[], $4::bigint[]) AS t (origin, incarnation, seq)
    ON CONFLICT (peer, origin, incarnation) DO UPDATE SET seq = greatest(peer_ack.seq, excluded.seq)
    """)
}
