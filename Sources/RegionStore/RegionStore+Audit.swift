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

  /// The leaves from `first` on, at most `count`. One that is gone is left out.
  package func leaves(from first: UInt64, count: Int) async throws(StoreError) -> [StoredLeaf] {
    let packs = try await packs(Self.selectLeaves, from: first, count: count) { row in
      LeafPack(leaves: try row.bytes(2), hashes: try row.bytes(1))
    }
    let ends = packs.dropFirst().map(\.start) + [UInt64.max]
    let leaves = zip(packs, ends).flatMap { packed, end in
      // However many hashes somebody has added to a row, the leaves of the next are that row's.
      zip(packed.pack.rows, packed.pack.leafHashes).prefix(Int(clamping: end - packed.start)).enumerated().map { offset, leaf in
        StoredLeaf(index: packed.start + UInt64(offset), row: leaf.0, hash: leaf.1)
      }
    }
    return leaves.filter { $0.index >= first && $0.index - first < UInt64(count) }
  }

  /// The hashes of the leaves from `first` on, at most `count`, without gaps. One that somebody changed may be no hash.
  package func leafHashes(from first: UInt64, count: Int) async throws(StoreError) -> [[UInt8]] {
    let packs = try await packs(Self.selectHashes, from: first, count: count) { row in
      LeafPack(leaves: [], hashes: try row.bytes(1))
    }
    let start = min(first, packs.first?.start ?? first)
    var (next, hashes) = (start, [] as [[UInt8]])
    for (start, pack) in packs {
      guard start == next else { throw StoreError.corrupt(what: "the audit log") }
      hashes += pack.leafHashes
      next += UInt64(pack.count)
    }
    return Array(hashes.dropFirst(Int(clamping: first - start)).prefix(count))
  }

  /// The rows that hold leaves from `first` on, at most `count` of them. The first may begin before.
  private func packs(
    _ statement: Statement, from first: UInt64, count: Int, _ pack: @escaping @Sendable (PostgresRow) throws -> LeafPack
  ) async throws(StoreError) -> [(start: UInt64, pack: LeafPack)] {
    let (end, isBeyond) = first.addingReportingOverflow(UInt64(count))
    let range = [first, isBeyond ? .max : end].map { PostgresValue.int64(Int64(clamping: $0)) }
    return try await reading { connection, deadline in
      try await connection.execute(statement, range, deadline: deadline).rows.map { (try $0.uint64(0), try pack($0)) }
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
  private static let selectLeaves = Statement("select_leaves", select("index, leaf_hash, leaf"))
  private static let selectHashes = Statement("select_leaf_hashes", select("index, leaf_hash"))

  private static func select(_ columns: String) -> String {
    """
    SELECT \(columns) FROM audit_leaf
     WHERE index >= (SELECT coalesce(max(index), 0) FROM audit_leaf WHERE index <= $1::bigint) AND index < $2::bigint
     ORDER BY index LIMIT $2::bigint - $1::bigint + 1
    """
  }
}
