import Cryptography
package import Directory
import Postgres
package import Residency

/// What a region does when its history, or a peer's, turns out not to be one.
extension RegionStore {
  /// Begins a log in an incarnation after `last`, unless that has been done. The log of before is a closed one from then on.
  /// - Returns: the log that is written now.
  package func restartHistory(after last: Incarnation) async throws(StoreError) -> LogID {
    try await directoryTransaction { transaction, state, _ in
      // The committer locks the head after the directory, too.
      guard let head = try await transaction.run([PipelineStep(.lockHead, [])])[0].rows.first else {
        throw StoreError.corrupt(what: "the head")
      }
      let current = LogID(
        origin: state.own.origin, incarnation: Incarnation(UInt32(bitPattern: try head.int32(2))))
      // What was done before may have been cut short of its standbys.
      guard current.incarnation <= last else { return (true, current) }
      let next = LogID(origin: current.origin, incarnation: Incarnation(last.rawValue + 1))
      let closed = try DirectoryTransaction.head(head)
      _ = try await transaction.run(Self.restart(closing: current, at: closed, beginning: next))
      return (true, next)
    }
  }

  /// The head is locked.
  static func restart(closing current: LogID, at closed: AppliedHead, beginning next: LogID) -> [PipelineStep] {
    let start = ChainHash.start(of: next, digest: DirectoryTransaction.digest)
    let steps = [
      PipelineStep(.restartHead, [.int32(Int32(bitPattern: next.incarnation.rawValue)), .bytes(start.bytes)]),
      PipelineStep(.clearCandidates, []),
    ]
    return closed.seq > 0 ? steps + [DirectoryTransaction.advance(current, to: closed)] : steps
  }

  /// The places of a log at which this region knows its chain, and its chains at some of them.
  package func chains(
    of log: LogID, at places: [UInt64]
  ) async throws(StoreError) -> (extent: ChainComparison.Extent, chains: [UInt64: ChainHash]) {
    try await reading { connection, deadline in
      let results = try await connection.pipeline(
        [
          PipelineStep(.beginSnapshot, []), PipelineStep(.selectStart, Self.parameters(of: log)),
          PipelineStep(.selectApplied, [.int32(Int32(self.region.ordinal.rawValue))]),
          PipelineStep(.selectChains, Self.parameters(of: log) + [.int64Array(places.map { Int64(clamping: $0) })]),
          PipelineStep(.rollback, []),
        ], deadline: deadline)
      let start = try Self.start(results[1].rows, of: log)
      var chains: [UInt64: ChainHash] = [:]
      for row in results[3].rows where try row.uint64(0) > start.seq { chains[try row.uint64(0)] = ChainHash(try row.bytes(1)) }
      if places.contains(start.seq) { chains[start.seq] = start.chain }
      let end = try Self.heads(results[2].rows)[log]?.seq ?? 0
      return (ChainComparison.Extent(start: start.seq, end: max(start.seq, end)), chains)
    }
  }

  /// Logs of which a peer that holds `theirs` has another history, as far as that can be told here.
  package func forks(with theirs: [LogID: AppliedHead]) async throws(StoreError) -> Set<LogID> {
    let asked = theirs.filter { $0.value.seq > 0 }.sorted { $0.key < $1.key }
    return try await reading { connection, deadline in
      let result = try await connection.execute(
        .selectForks,
        [
          .int32Array(asked.map { Int32($0.key.origin.rawValue) }),
          .int32Array(asked.map { Int32(bitPattern: $0.key.incarnation.rawValue) }),
          .int64Array(asked.map { Int64(bitPattern: $0.value.seq) }), .bytesArray(asked.map(\.value.chain.bytes)),
        ], deadline: deadline)
      return Set(try result.rows.map { try Self.position($0).log })
    }
  }

  /// Takes over what a peer knows of branches that do not count.
  package func note(_ cuts: Set<LogCut>) async throws(StoreError) {
    guard !cuts.isEmpty else { return }
    try await directoryTransaction { transaction, state, _ in
      let new = cuts.subtracting(state.cuts)
      guard !new.isEmpty else { return (false, ()) }
      try await Self.note(new, load: state.load, in: transaction)
      return (true, ())
    }
  }

  private static func note(_ cuts: Set<LogCut>, load: SnapshotLoad?, in transaction: DirectoryTransaction) async throws {
    var steps: [PipelineStep] = []
    for cut in cuts {
      let start = try start(
        try await transaction.run([PipelineStep(.selectStart, parameters(of: cut.first.log))])[0].rows, of: cut.first.log)
      // Where the log is not held back to there, nobody here can tell which branch it was.
      steps += DirectoryTransaction.note([cut], doubtful: start.seq >= cut.first.seq)
    }
    if let load, !cuts.allSatisfy(load.survives) { steps.append(PipelineStep(.clearLoad, [])) }
    _ = try await transaction.run(steps)
  }

  /// Cuts a log that this region has closed back to `end`, and writes anew in its own log what had stood after it. Once for each log:
  /// whatever contradicts it later is a copy of what was cut off.
  /// - Returns: where the log ends now, and this region's own log if it grew.
  package func cutBack(keeping end: LogPosition) async throws(StoreError) -> (end: LogPosition, own: LogPosition?) {
    let read = PipelineStep(.selectAppliedOf, Self.parameters(of: end.log))
    return try await directoryTransaction(reading: [read]) { transaction, state, results in
      let held = try Self.heads(Array(results)[0].rows)[end.log]?.seq ?? 0
      let isDone = state.cuts.contains { $0.first.log == end.log }
      guard end.log.origin == state.own.origin, end.log < state.own, !isDone, end.seq < held else {
        return (isDone, (LogPosition(log: end.log, seq: held), nil))
      }
      var own = try await transaction.lockLog(state.own)
      let rows = try await transaction.run([
        PipelineStep(.selectStart, Self.parameters(of: end.log)),
        PipelineStep(.selectLog, Self.parameters(of: end.log) + [.int64(Int64(bitPattern: end.seq)), .int64(Int64.max)]),
      ])
      let kept = try Self.start(rows[0].rows, of: end.log)
      // A snapshot came in meanwhile: the chains are compared anew.
      guard end.seq >= kept.seq else { return (false, (LogPosition(log: end.log, seq: held), nil)) }
      var (chain, orphans): (ChainHash?, [LogRecord]) = (kept.seq == end.seq ? kept.chain : nil, [])
      for row in rows[1].rows {
        let seq = try row.uint64(0)
        guard let rowChain = ChainHash(try row.bytes(2)) else { throw StoreError.corrupt(what: "the log") }
        guard seq > end.seq else {
          chain = rowChain
          continue
        }
        orphans.append(try LogRecord(kept: try row.bytes(1), at: LogPosition(log: end.log, seq: seq), chain: rowChain))
      }
      guard let chain, let first = orphans.first else { throw StoreError.corrupt(what: "the log") }
      let current = try await transaction.sets(of: Set(orphans.compactMap(\.entry.tag)))
      let documents = try await transaction.documents(of: Set(orphans.compactMap(\.documentID)))
      let reissue = Reissue(
        orphans, to: &own, current: current, documents: documents, digest: DirectoryTransaction.digest)
      _ = try await transaction.run(
        [
          PipelineStep(.deleteLogAfter, Self.parameters(of: end.log) + [.int64(Int64(bitPattern: end.seq))]),
          DirectoryTransaction.advance(end.log, to: AppliedHead(seq: end.seq, chain: chain)),
        ] + Self.append(reissue.records, head: own.head)
          + PlacementRow.write(state.floors.pruning(reissue.changes), hash: transaction.hash)
          + DocumentRow.write(reissue.documentChanges, hash: transaction.hash)
          + [PipelineStep(.noteUnlogged, [])])
      try await Self.note([LogCut(first: first.position, chain: first.chain)], load: state.load, in: transaction)
      let before = state.floors
      state.floors.note(reissue.records)
      if state.floors != before {
        let vector = VersionVector(
          try await self.heads(on: transaction.connection, deadline: transaction.deadline).mapValues(\.seq))
        try await transaction.forget(&state.floors, heldNow: vector, before: before)
      }
      return (true, (end, reissue.records.last?.position))
    }
  }

  /// Records at the end of this region's own log. The head is locked.
  static func append(_ records: [LogRecord], head: AppliedHead) -> [PipelineStep] {
    guard !records.isEmpty else { return [] }
    return [
      LogRow.insert(records),
      PipelineStep(.moveHead, [.int64(Int64(bitPattern: head.seq)), .bytes(head.chain.bytes)]),
    ]
  }
}

extension Statement {
  static let lockHead = Statement(
    "lock_head", "SELECT directory_seq, directory_chain, incarnation FROM head FOR UPDATE")
  static let moveHead = Statement(
    "move_head", "UPDATE head SET directory_seq = $1::bigint, directory_chain = $2::bytea")
  static let restartHead = Statement(
    "restart_head", "UPDATE head SET incarnation = $1::integer, directory_seq = 0, directory_chain = $2::bytea")
  static let clearCandidates = Statement("clear_candidates", "DELETE FROM floor_candidate")
  static let selectChains = Statement(
    "select_chains",
    """
    SELECT seq, chain FROM directory_log
     WHERE origin = $1::integer AND incarnation = $2::integer AND seq = ANY ($3::bigint[])
    """)
  static let selectForks = Statement(
    "select_forks",
    """
    SELECT t.origin, t.incarnation, t.seq
      FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bytea[]) AS t (origin, incarnation, seq, chain)
      LEFT JOIN directory_log l ON l.origin = t.origin AND l.incarnation = t.incarnation AND l.seq = t.seq
      LEFT JOIN log_start s ON s.origin = t.origin AND s.incarnation = t.incarnation
     WHERE (l.chain <> t.chain AND l.seq > coalesce(s.seq, 0)) OR (s.seq = t.seq AND s.chain <> t.chain)
    """)
}
