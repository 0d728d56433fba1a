import Postgres

/// A leaf as it stands in the store.
package struct StoredLeaf: Sendable {
  package let index: UInt64
  /// As it is kept.
  package let row: [UInt8]
  /// As the committer stored it. Whoever verifies computes it anew.
  package let hash: [UInt8]
}

/// The audit log's rows. Written only by the group committer, with what they speak of.
extension RegionStore {
  /// How many leaves are committed.
  package func auditSize() async throws(StoreError) -> UInt64 {
    try await reading { connection, deadline in
      guard let row = try await connection.execute(Self.selectSize, [], deadline: deadline).rows.first else {
        throw StoreError.corrupt(what: "the head")
      }
      return try row.uint64(0)
    }
  }

  /// The leaves from `first` on, at most `count`.
  package func leaves(from first: UInt64, count: Int) async throws(StoreError) -> [StoredLeaf] {
    try await reading { connection, deadline in
      let result = try await connection.execute(
        Self.selectLeaves, [.int64(Int64(clamping: first)), .int64(Int64(count))], deadline: deadline)
      return try result.rows.map {
        StoredLeaf(index: try $0.uint64(0), row: try $0.bytes(1), hash: try $0.bytes(2))
      }
    }
  }

  /// The hashes of the leaves from `first` on, at most `count`, without gaps.
  package func leafHashes(from first: UInt64, count: Int) async throws(StoreError) -> [[UInt8]] {
    try await reading { connection, deadline in
      let result = try await connection.execute(
        Self.selectHashes, [.int64(Int64(clamping: first)), .int64(Int64(count))], deadline: deadline)
      return try result.rows.enumerated().map { offset, row in
        guard try row.uint64(0) == first + UInt64(offset) else { throw StoreError.corrupt(what: "the audit log") }
        return try row.bytes(1)
      }
    }
  }

  /// Runs `body` while no other coordinator of the region does.
  package func publishing<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
    let result: Result<R, any Error> = try await reading { connection, deadline in
      _ = try await connection.pipeline(
        [PipelineStep(.begin, []), PipelineStep(Self.lockPublishing, [])], deadline: deadline)
      let result: Result<R, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      _ = try await connection.execute(.rollback, [], deadline: deadline)
      return result
    }
    return try result.get()
  }

  private static let lockPublishing = Statement("lock_publishing", "SELECT pg_advisory_xact_lock(110386840764420)")
  private static let selectSize = Statement("select_audit_size", "SELECT audit_size FROM head")
  private static let selectLeaves = Statement(
    "select_leaves",
    "SELECT index, leaf, leaf_hash FROM audit_leaf WHERE index >= $1::bigint ORDER BY index LIMIT $2::bigint")
  private static let selectHashes = Statement(
    "select_leaf_hashes", "SELECT index, leaf_hash FROM audit_leaf WHERE index >= $1::bigint ORDER BY index LIMIT $2::bigint")
}
