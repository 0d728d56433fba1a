package import Directory
import Logging
import Postgres
package import Residency

/// Look-ups of this region's copy, and what keeps the memory in front of it true.
extension RegionStore {
  /// What this region's copy says of `tag`: from memory where that is known, else from PostgreSQL.
  package func lookUp(_ tag: SubjectTag) async throws(StoreError) -> PlacementSet? {
    switch directoryCache.answer(for: tag) {
    case .placement(let placement): return .settled(placement)
    case .absent: return nil
    case .unknown(let ticket):
      let set = try await placement(of: tag)
      if case .settled(let placement) = set { directoryCache.fill(placement, ticket) }
      return set
    }
  }

  private static let followedEvery = Duration.seconds(1)
  private static let followedAtOnce: Int64 = 4_096

  /// Follows what this region's other coordinators commit, until the task is cancelled.
  func followLogs() async {
    while !Task.isCancelled {
      do { try await follow() } catch { logger.debug("the logs were not followed", metadata: ["error": "\(error)"]) }
      do { try await Task.sleep(for: Self.followedEvery) } catch { return }
    }
  }

  private func follow() async throws(StoreError) {
    let (heads, unlogged, cuts) = try await progress()
    directoryCache.note(cuts: cuts)
    guard unlogged == directoryCache.unloggedChanges else {
      directoryCache.reset(to: heads, unloggedChanges: unlogged)
      directoryCache.filterIsRead(try await readFilter())
      return
    }
    let followed = directoryCache.vector
    for head in heads.positions {
      var from = followed[head.log] + 1
      while from <= head.seq {
        let rows = try await entries(of: head.log, from: from)
        guard let first = rows.first, first.seq == from, let last = rows.last else {
          // They went before they were followed.
          directoryCache.reset(to: VersionVector(), unloggedChanges: -1)
          return
        }
        directoryCache.followed(head.log, from: from, to: last.seq, tags: rows.compactMap(\.tag))
        from = last.seq + 1
      }
    }
  }

  private func progress() async throws(StoreError) -> (heads: VersionVector, unlogged: Int64, cuts: Set<LogPosition>) {
    try await reading { connection, deadline in
      let results = try await connection.pipeline(
        [
          PipelineStep(.beginSnapshot, []), PipelineStep(.selectApplied, [.int32(Int32(self.region.ordinal.rawValue))]),
          PipelineStep(.readUnlogged, []), PipelineStep(.readCuts, []), PipelineStep(.rollback, []),
        ], deadline: deadline)
      guard let row = results[2].rows.first else { throw StoreError.corrupt(what: "the directory's state") }
      return (
        VersionVector(try Self.heads(results[1].rows).mapValues(\.seq)), try row.int64(0),
        Set(try results[3].rows.map { try Self.position($0) })
      )
    }
  }

  private func entries(of log: LogID, from first: UInt64) async throws(StoreError) -> [(seq: UInt64, tag: SubjectTag?)] {
    try await reading { connection, deadline in
      let result = try await connection.execute(
        .selectTags, Self.parameters(of: log) + [.int64(Int64(clamping: first)), .int64(Self.followedAtOnce)],
        deadline: deadline)
      return try result.rows.map { row in (try row.uint64(0), LogEntry.tag(in: try row.bytes(1))) }
    }
  }

  private func readFilter() async throws(StoreError) -> TagFilter {
    var filter = TagFilter(bytes: directoryCache.limits.filterBytes)
    var after: PostgresValue = .null
    while true {
      let from = after
      let tags: [SubjectTag] = try await reading { connection, deadline in
        let result = try await connection.execute(.readTags, [from, .int64(Self.tagsAtOnce)], deadline: deadline)
        return try result.rows.map { row in
          guard let tag = SubjectTag(try row.uuid(0)) else { throw StoreError.corrupt(what: "a tag") }
          return tag
        }
      }
      for tag in tags { filter.add(tag) }
      guard let last = tags.last, tags.count == Int(Self.tagsAtOnce) else { return filter }
      after = .bytes(last.bytes)
    }
  }

  private static let tagsAtOnce: Int64 = 65_536
}

extension Statement {
  static let readUnlogged = Statement("read_unlogged", "SELECT unlogged_changes FROM directory_state")
  static let selectTags = Statement(
    "select_tags",
    """
    SELECT seq, substring(entry FROM 1 FOR \(LogEntry.aboutBytes)) FROM directory_log
     WHERE origin = $1::integer AND incarnation = $2::integer AND seq >= $3::bigint ORDER BY seq LIMIT $4::bigint
    """)
  static let readTags = Statement(
    "read_tags", "SELECT tag FROM placement WHERE $1::uuid IS NULL OR tag > $1::uuid ORDER BY tag LIMIT $2::bigint")
}
