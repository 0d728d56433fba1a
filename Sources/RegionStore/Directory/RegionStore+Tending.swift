package import Directory
import Postgres
package import Residency

/// What is done from time to time, by any of a region's coordinators.
extension RegionStore {
  /// Rows that go in one statement: nobody waits long for them.
  private static let trimmedAtOnce: Int64 = 20_000
  /// Of one log each time: whoever trims a million rows in one go is busy with that for long, and so is the disk.
  private static let trimmedMax: Int64 = 200_000

  /// Drops the entries that no member needs any more, and some of those that lie before the start of their log.
  /// - Parameter members: whose acknowledgement is waited for: every member but this region.
  /// - Returns: how many entries went.
  @discardableResult
  package func trimLogs(_ retention: LogRetention, members: Set<RegionOrdinal>) async throws(StoreError) -> Int {
    let (heads, starts, acknowledged, largeBytes) = try await retained(members: members)
    let cuts = retention.cuts(
      heads: heads, starts: starts, acknowledged: acknowledged, bytesOfLargeEntries: largeBytes)
    var trimmed = 0
    for cut in cuts.positions.sorted() {
      try await directoryTransaction { transaction, _, _ in
        _ = try await transaction.run([
          PipelineStep(.moveStart, Self.parameters(of: cut.log) + [.int64(Int64(bitPattern: cut.seq))])
        ])
        return (true, ())
      }
    }
    for log in heads.positions.map(\.log) { trimmed += try await deleteTrimmed(of: log) }
    return trimmed
  }

  /// By places, so that none looks at what went before it once more: until a vacuum that stands in the index.
  private func deleteTrimmed(of log: LogID) async throws(StoreError) -> Int {
    let (first, start) = try await reading { connection, deadline in
      let row = try await connection.execute(.readTrimmed, Self.parameters(of: log), deadline: deadline).rows.first
      return (try row?.optionalInt64(0) ?? 0, try row?.optionalInt64(1) ?? 0)
    }
    guard first > 0 else { return 0 }
    var count = 0
    for from in stride(from: first, through: min(start, first + Self.trimmedMax - 1), by: Int64.Stride(Self.trimmedAtOnce)) {
      let end = min(from + Self.trimmedAtOnce - 1, start)
      count += try await reading { connection, deadline in
        try await connection.execute(
          .deleteTrimmed, Self.parameters(of: log) + [.int64(from), .int64(end)], deadline: deadline
        ).affectedRows
      }
    }
    return count
  }

  /// What other regions said of themselves counts while they are members.
  package func forgetMembers(except members: Set<RegionOrdinal>) async throws(StoreError) {
    try await reading { connection, deadline in
      let kept: [PostgresValue] = [.int32Array(members.map { Int32($0.rawValue) })]
      _ = try await connection.pipeline(
        [PipelineStep(.forgetAcknowledged, kept), PipelineStep(.forgetVectors, kept)], deadline: deadline)
    }
  }

  /// How many subjects have an account in this region's store.
  package func accountCount() async throws(StoreError) -> Int {
    try await count(PipelineStep(.countAccounts, []))
  }

  /// How many subjects are at home in a region, by this region's copy of the directory.
  package func placementCount(at home: RegionOrdinal) async throws(StoreError) -> Int {
    try await count(PipelineStep(.countPlacements, [.int32(Int32(home.rawValue))]))
  }

  private func count(_ step: PipelineStep) async throws(StoreError) -> Int {
    try await reading { connection, deadline in
      Int(try await connection.pipeline([step], deadline: deadline).first?.rows.first?.int64(0) ?? 0)
    }
  }

  private func retained(
    members: Set<RegionOrdinal>
  ) async throws(StoreError) -> (
    heads: VersionVector, starts: VersionVector, acknowledged: [RegionOrdinal: VersionVector], largeBytes: UInt64
  ) {
    try await reading { connection, deadline in
      let results = try await connection.pipeline(
        [
          PipelineStep(.selectApplied, [.int32(Int32(self.region.ordinal.rawValue))]), PipelineStep(.selectStarts, []),
          PipelineStep(.selectAcknowledged, []), PipelineStep(.measureLargeEntries, []),
        ], deadline: deadline)
      var acknowledged = Dictionary(uniqueKeysWithValues: members.map { ($0, VersionVector()) })
      for row in results[2].rows {
        guard let peer = RegionOrdinal(Int(try row.int32(3))) else { continue }
        acknowledged[peer]?.advance(to: try Self.position(row))
      }
      return (
        VersionVector(try Self.heads(results[0].rows).mapValues(\.seq)),
        VersionVector(try Self.heads(results[1].rows).mapValues(\.seq)), acknowledged,
        try results[3].rows.first?.uint64(0) ?? 0
      )
    }
  }

  /// Notes how far this region's tombstones reach, and writes a floor where it is time.
  /// - Parameters:
  ///   - members: who has to know of a tombstone before it goes: every member but this region.
  ///   - now: milliseconds since 1970 UTC.
  /// - Returns: this region's own log, if a floor was written.
  @discardableResult
  package func tendTombstones(
    _ rule: FloorRule, members: Set<RegionOrdinal>, now: UInt64
  ) async throws(StoreError) -> LogPosition? {
    try await directoryTransaction(reading: [PipelineStep(.readCandidates, [])]) { transaction, state, results in
      var candidates = try Array(results)[0].rows.map { row in
        FloorCandidate(
          upTo: LogPosition(
            origin: state.own.origin, incarnation: Incarnation(UInt32(bitPattern: try row.int32(0))), seq: try row.uint64(1)),
          after: try VersionVector(decoding: try row.bytes(2)), notedAt: try row.uint64(3))
      }
      let vector = VersionVector(
        try await self.heads(on: transaction.connection, deadline: transaction.deadline).mapValues(\.seq))
      let newest = candidates.map(\.upTo).max()
      let since = [newest.flatMap { $0.log == state.own ? $0.seq : nil } ?? 0, state.floors.forgotten[state.own]].max() ?? 0
      var steps: [PipelineStep] = []
      if state.head.seq > since, try await transaction.holdsTombstone(after: LogPosition(log: state.own, seq: since)) {
        let candidate = FloorCandidate(
          upTo: LogPosition(log: state.own, seq: state.head.seq), after: vector, notedAt: now)
        candidates.append(candidate)
        steps.append(
          PipelineStep(
            .insertCandidate,
            [
              .int32(Int32(bitPattern: state.own.incarnation.rawValue)), .int64(Int64(bitPattern: candidate.upTo.seq)),
              .bytes(candidate.after.encoded), .timestamp(milliseconds: Int64(clamping: now)),
            ]))
      }
      var known = try await Self.memberVectors(on: transaction.connection, deadline: transaction.deadline)
      known = Dictionary(uniqueKeysWithValues: members.map { ($0, known[$0] ?? VersionVector()) })
      guard let floor = rule.floor(among: candidates, members: known, now: now) else {
        _ = try await transaction.run(steps)
        return (!steps.isEmpty, nil)
      }
      var own = try await transaction.lockLog(state.own)
      let record = own.append(.floor(floor))
      steps += Self.append([record], head: own.head)
      steps.append(
        PipelineStep(
          .deleteCandidates,
          [.int32(Int32(bitPattern: floor.upTo.incarnation.rawValue)), .int64(Int64(bitPattern: floor.upTo.seq))]))
      _ = try await transaction.run(steps)
      let before = state.floors
      state.floors.note([record])
      var now = vector
      now.advance(to: record.position)
      try await transaction.forget(&state.floors, heldNow: now, before: before)
      return (true, record.position)
    }
  }
}

extension Statement {
  static let selectStarts = Statement("select_starts", "SELECT origin, incarnation, seq, chain FROM log_start")
  /// What does not fit into a row stands beside the table.
  static let measureLargeEntries = Statement(
    "measure_large_entries", "SELECT pg_table_size(reltoastrelid) FROM pg_class WHERE oid = 'directory_log'::regclass")
  static let forgetAcknowledged = Statement(
    "forget_acknowledged", "DELETE FROM peer_ack WHERE peer <> ALL ($1::integer[])")
  static let forgetVectors = Statement("forget_vectors", "DELETE FROM peer_vector WHERE peer <> ALL ($1::integer[])")
  static let countAccounts = Statement("count_accounts", "SELECT count(*) FROM subject WHERE state NOT IN ('moved', 'erased')")
  static let countPlacements = Statement(
    "count_placements", "SELECT count(*) FROM placement WHERE home = $1::integer AND state <> 3")
  static let selectAcknowledged = Statement("select_acknowledged", "SELECT origin, incarnation, seq, peer FROM peer_ack")
  /// The row at the new start stays until the next trimming: its chain is the start's.
  static let moveStart = Statement(
    "move_start",
    """
    INSERT INTO log_start (origin, incarnation, seq, chain)
    SELECT origin, incarnation, seq, chain FROM directory_log
     WHERE origin = $1::integer AND incarnation = $2::integer AND seq = $3::bigint
    ON CONFLICT (origin, incarnation) DO UPDATE SET seq = excluded.seq, chain = excluded.chain
      WHERE log_start.seq < excluded.seq
    """)
  static let deleteTrimmed = Statement(
    "delete_trimmed",
    """
    DELETE FROM directory_log
     WHERE origin = $1::integer AND incarnation = $2::integer AND seq BETWEEN $3::bigint AND $4::bigint
    """)
  /// The first entry that is there, and the last that need not be.
  static let readTrimmed = Statement(
    "read_trimmed",
    """
    SELECT (SELECT min(seq) FROM directory_log WHERE origin = $1::integer AND incarnation = $2::integer),
           (SELECT seq FROM log_start WHERE origin = $1::integer AND incarnation = $2::integer)
    """)
  static let readCandidates = Statement(
    "read_candidates",
    "SELECT incarnation, seq, after, (extract(epoch FROM noted_at) * 1000)::bigint FROM floor_candidate")
  static let insertCandidate = Statement(
    "insert_candidate",
    """
    INSERT INTO floor_candidate (incarnation, seq, after, noted_at)
    VALUES ($1::integer, $2::bigint, $3::bytea, $4::timestamptz) ON CONFLICT DO NOTHING
    """)
  static let deleteCandidates = Statement(
    "delete_candidates",
    "DELETE FROM floor_candidate WHERE incarnation < $1::integer OR (incarnation = $1::integer AND seq <= $2::bigint)")
}
