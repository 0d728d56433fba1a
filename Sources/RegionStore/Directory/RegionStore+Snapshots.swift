package import Directory
import Postgres
package import Residency

/// Snapshots, given and taken.
extension RegionStore {
  /// A page of this region's copy: what it rests on is read in the same snapshot of PostgreSQL as its rows.
  /// - Returns: `nil` while this region itself does not know which branch of a log is right.
  package func snapshotPage(_ request: SnapshotRequest) async throws(StoreError) -> SnapshotPage? {
    let count = min(max(request.tagsMax, 1), SnapshotPage.tagsMax)
    let after: PostgresValue = request.after.map { .bytes($0.bytes) } ?? .null
    let answers: (standing: DirectoryStanding, rows: [Placement], documents: DocumentRow.Stretch)? = try await reading {
      connection, deadline in
      let results = try await connection.pipeline(
        [PipelineStep(.beginSnapshot, [])] + DirectoryStanding.steps(for: self.region.ordinal)
          + [
            PipelineStep(.readPage, [after, .int64(Int64(count))]), DocumentRow.readStretch(after: after, last: .null),
            PipelineStep(.rollback, []),
          ], deadline: deadline)
      let standing = try DirectoryStanding(from: Array(results[1..<7]))
      guard standing.misled.isEmpty else { return nil }
      return (
        standing, try results[7].rows.map { try PlacementRow.decode($0) }, try DocumentRow.stretch(results[8].rows)
      )
    }
    guard let (standing, facts, documents) = answers else { return nil }
    let tags = Set(facts.map(\.tag))
    let through = [tags.count < count ? nil : tags.max(), documents.through].compactMap(\.self).min()
    return SnapshotPage(
      basis: SnapshotBasis(heads: standing.heads.filter { $0.value.seq > 0 }, cuts: standing.cuts, floors: standing.floors),
      after: request.after, through: through, facts: facts.filter { $0.tag.isAtMost(through) }.sortedSets,
      documents: documents.facts.filter { $0.tag.isAtMost(through) })
  }

  /// Takes a page in.
  /// - Returns: whether it was stored. One snapshot comes in at a time.
  package func store(
    _ page: SnapshotPage, basis: SnapshotBasis, from peer: RegionOrdinal
  ) async throws(StoreError) -> Bool {
    let mine = SnapshotLoad(peer: peer, basis: basis)
    let after: PostgresValue = page.after.map { .bytes($0.bytes) } ?? .null
    let through: PostgresValue = page.through.map { .bytes($0.bytes) } ?? .null
    return try await directoryTransaction(
      reading: [PipelineStep(.readStretch, [after, through])] + DirectoryStanding.misledSteps + [
        PipelineStep(.readDocumentsBetween, [after, through])
      ]
    ) { transaction, state, results in
      if let load = state.load, load != mine {
        guard page.after == nil, load.peer == peer || state.loadAge >= Self.loadPatience else { return (false, false) }
      } else if state.load == nil, page.after != nil {
        return (false, false)
      }
      let answers = Array(results)
      let misled = try DirectoryStanding.misled(answers[1].rows)
      let held = try PlacementRow.sets(answers[0].rows)
      let changes = page.changes(basis: basis, current: held, own: state.own, misled: misled)
      let documents = page.documentChanges(
        basis: basis, current: try DocumentRow.sets(answers[2].rows), own: state.own, misled: misled,
        digest: DirectoryTransaction.digest)
      _ = try await transaction.run(
        PlacementRow.write(state.floors.pruning(changes), hash: transaction.hash)
          + DocumentRow.write(documents, hash: transaction.hash) + [
            PipelineStep(.clearLoad, []),
            PipelineStep(.insertLoad, [.int32(Int32(peer.rawValue)), .bytes(basis.encoded), through]),
            PipelineStep(.noteUnlogged, []),
          ])
      return (true, true)
    }
  }

  /// All pages are in: the snapshot's progress is this region's now.
  /// - Returns: what this region holds then; `nil` where the snapshot was given up meanwhile.
  package func adopt(_ basis: SnapshotBasis, from peer: RegionOrdinal) async throws(StoreError) -> VersionVector? {
    try await directoryTransaction(reading: DirectoryStanding.misledSteps) { transaction, state, results in
      guard state.load == SnapshotLoad(peer: peer, basis: basis) else { return (false, nil) }
      var heads = try await self.heads(on: transaction.connection, deadline: transaction.deadline)
      let misled = try DirectoryStanding.misled(Array(results)[0].rows)
      var steps: [PipelineStep] = [PipelineStep(.clearLoad, []), PipelineStep(.noteUnlogged, [])]
      for (log, head) in basis.heads(over: heads, own: state.own, misled: misled) {
        heads[log] = head
        steps += [
          DirectoryTransaction.advance(log, to: head), DirectoryTransaction.setStart(log, to: head),
          // Rows up to there are garbage, and go with the next trimming.
          PipelineStep(.deleteLogAfter, Self.parameters(of: log) + [.int64(Int64(bitPattern: head.seq))]),
        ]
      }
      steps += DirectoryTransaction.note(basis.cuts.subtracting(state.cuts), doubtful: false)
      steps.append(PipelineStep(.settleCuts, [.bytesArray(basis.cuts.map(\.chain.bytes))]))
      _ = try await transaction.run(steps)
      let before = state.floors
      state.floors.note(basis.floors)
      let vector = VersionVector(heads.mapValues(\.seq))
      try await transaction.forget(&state.floors, heldNow: vector, before: before)
      return (true, vector)
    }
  }
}

extension SubjectTag {
  /// - Parameter last: `nil` for no end.
  fileprivate func isAtMost(_ last: SubjectTag?) -> Bool { last.map { self <= $0 } ?? true }
}

extension [Placement] {
  /// The facts of the sets that the rows stand for: a contested tag's first sibling stands in two tables.
  fileprivate var sortedSets: [Placement] {
    var seen: Set<Placement> = []
    return filter { seen.insert($0).inserted }.sorted { ($0.tag, $0.position) < ($1.tag, $1.position) }
  }
}

extension Statement {
  static let beginSnapshot = Statement("begin_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
  static let readPage = Statement(
    "read_page",
    """
    WITH page AS (
      SELECT \(PlacementRow.columns) FROM placement WHERE $1::uuid IS NULL OR tag > $1::uuid ORDER BY tag LIMIT $2::bigint
    )
    SELECT * FROM page
    UNION ALL
    SELECT \(PlacementRow.columns) FROM placement_sibling s WHERE s.tag IN (SELECT tag FROM page)
    """)
  static let readStretch = Statement(
    "read_stretch",
    """
    SELECT \(PlacementRow.columns) FROM placement
     WHERE ($1::uuid IS NULL OR tag > $1::uuid) AND ($2::uuid IS NULL OR tag <= $2::uuid)
    UNION ALL
    SELECT \(PlacementRow.columns) FROM placement_sibling
     WHERE ($1::uuid IS NULL OR tag > $1::uuid) AND ($2::uuid IS NULL OR tag <= $2::uuid)
    """)
  static let readDocumentsBetween = Statement(
    "read_documents_between",
    """
    SELECT origin, incarnation, seq, entry FROM document
     WHERE ($1::uuid IS NULL OR tag > $1::uuid) AND ($2::uuid IS NULL OR tag <= $2::uuid)
    """)
  static let clearLoad = Statement("clear_load", "DELETE FROM snapshot_load")
  static let insertLoad = Statement(
    "insert_load",
    "INSERT INTO snapshot_load (peer, basis, after, stored_at) VALUES ($1::integer, $2::bytea, $3::uuid, clock_timestamp())")
  static let deleteLogAfter = Statement(
    "delete_log_after",
    "DELETE FROM directory_log WHERE origin = $1::integer AND incarnation = $2::integer AND seq > $3::bigint")
  static let settleCuts = Statement("settle_cuts", "UPDATE log_cut SET doubtful = false WHERE chain = ANY ($1::bytea[])")
}
