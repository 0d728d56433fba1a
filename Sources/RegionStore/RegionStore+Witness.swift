import Postgres

/// The checkpoint of another region's log that this region cosigned last.
package struct WitnessedHead: Hashable, Sendable {
  package let size: UInt64
  /// The signed note, as it came.
  package let note: [UInt8]

  package init(size: UInt64, note: [UInt8]) {
    self.size = size
    self.note = note
  }
}

/// What this region remembers as a witness: of each log one head, which only moves on.
extension RegionStore {
  /// - Returns: `nil` where this region has seen nothing of the log.
  package func witnessedHead(of origin: String) async throws(StoreError) -> WitnessedHead? {
    try await reading { connection, deadline in
      try await connection.execute(.readWitnessHead, [.text(origin)], deadline: deadline).rows.first.map {
        WitnessedHead(size: try $0.uint64(0), note: try $0.bytes(1))
      }
    }
  }

  /// Moves on to a head, durably: the standbys have it when this returns. A witness signs after that only.
  /// - Parameter size: of the head that it was compared with; 0 for none.
  /// - Returns: `false`, and nothing changes, where another head was recorded meanwhile.
  package func advance(
    _ origin: String, to head: WitnessedHead, from size: UInt64
  ) async throws(StoreError) -> Bool {
    try await reading { connection, _ in
      let (results, _) = try await self.verification.commit(
        [
          PipelineStep(.begin, []), PipelineStep(.waitForQuorum, []),
          PipelineStep(
            .advanceWitnessHead,
            [.text(origin), .int64(Int64(clamping: head.size)), .bytes(head.note), .int64(Int64(clamping: size))]),
          PipelineStep(.commit, []),
        ], concern: .standard, on: connection)
      return results[2].rows.count == 1
    }
  }

  /// Keeps what may show that a log has two histories. Of one log a hundred of each kind at most: the first are what counts.
  /// - Parameters:
  ///   - note: the checkpoint that does not fit; `hash` names what it says.
  ///   - head: the one that this region had seen before.
  ///   - isProven: whether the two alone show it: trees of one size. Otherwise a proof of growth was wanting.
  /// - Returns: whether it is new.
  package func keepEvidence(
    against origin: String, note: [UInt8], hash: [UInt8], head: [UInt8], isProven: Bool
  ) async throws(StoreError) -> Bool {
    try await reading { connection, deadline in
      let result = try await connection.execute(
        .keepEvidence, [.text(origin), .bytes(hash), .bytes(note), .bytes(head), .bool(isProven)], deadline: deadline)
      return !result.rows.isEmpty
    }
  }

}

extension Statement {
  fileprivate static let readWitnessHead = Statement(
    "read_witness_head", "SELECT size, note FROM witness_head WHERE origin = $1::text")
  fileprivate static let advanceWitnessHead = Statement(
    "advance_witness_head",
    """
    INSERT INTO witness_head (origin, size, note)
    SELECT $1::text, $2::bigint, $3::bytea
     WHERE $4::bigint = 0 OR EXISTS (SELECT 1 FROM witness_head WHERE origin = $1::text)
    ON CONFLICT (origin) DO UPDATE SET size = excluded.size, note = excluded.note, seen_at = now()
     WHERE witness_head.size = $4::bigint AND excluded.size >= witness_head.size
    RETURNING 1
    """)
  fileprivate static let keepEvidence = Statement(
    "keep_evidence",
    """
    INSERT INTO witness_evidence (origin, note_hash, note, head, proven)
    SELECT $1::text, $2::bytea, $3::bytea, $4::bytea, $5::boolean
     WHERE (SELECT count(*) FROM witness_evidence WHERE origin = $1::text AND proven = $5::boolean) < 100
    ON CONFLICT DO NOTHING
    RETURNING 1
    """)
}
