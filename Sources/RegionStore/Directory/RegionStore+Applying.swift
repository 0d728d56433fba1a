package import Directory
import Postgres
import Residency
import Synchronization

extension RegionStore {
  /// After which a snapshot that does not go on is given up.
  static let loadPatience = Duration.seconds(60)

  /// Applies a batch that a peer sent, if it follows what is held: log rows, placements and `applied` in one transaction.
  /// - Parameter prepared: of the same batch.
  package func apply(_ batch: LogBatch, _ prepared: PreparedBatch? = nil) async throws(StoreError) -> BatchOutcome {
    let tags = prepared?.tags ?? batch.tags
    let foreseen: BatchOutcome? = if let prepared { try await applied(prepared) } else { nil }
    let outcome = if let foreseen { foreseen } else { try await applied(batch, of: tags) }
    if case .applied(let end) = outcome { directoryCache.followed(batch.log, from: batch.first, to: end.seq, tags: tags) }
    return outcome
  }

  /// Checks a batch before its turn.
  /// - Returns: `nil` where that is of no use.
  package func prepare(_ batch: LogBatch) -> PreparedBatch? {
    guard let basis = checkingBasis.withLock({ $0 }) else { return nil }
    return PreparedBatch(batch, own: basis.own, cuts: basis.cuts, hash: directoryHash)
  }

  /// - Returns: `nil` where it did not turn out as foreseen: nothing was done.
  private func applied(_ prepared: PreparedBatch) async throws(StoreError) -> BatchOutcome? {
    let batch = prepared.batch
    let step = PipelineStep(.selectAppliedOf, Self.parameters(of: batch.log))
    do throws(StoreError) {
      return try await directoryTransaction(reading: [step]) { transaction, state, results in
        if let load = state.load, state.loadAge < Self.loadPatience, load.holdsBack(batch) { return (false, .heldBack) }
        let applied = try Self.heads(Array(results)[0].rows)[batch.log]
        guard prepared.holds(state, applied: applied) else { return (false, nil) }
        self.checkingBasis.withLock { $0 = (state.own, state.cuts) }
        _ = try await transaction.run(prepared.steps + [DirectoryTransaction.advance(batch.log, to: prepared.head)])
        let before = state.floors
        try await self.forget(&state.floors, before: before, transaction)
        return (true, .applied(LogPosition(log: batch.log, seq: prepared.head.seq)))
      }
    } catch {
      // Something is known of one of its subjects.
      guard error == .refused(sqlState: "\(SQLState.uniqueViolation)") else { throw error }
      return nil
    }
  }

  private func applied(_ batch: LogBatch, of tags: Set<SubjectTag>) async throws(StoreError) -> BatchOutcome {
    let steps = [
      PipelineStep(.selectAppliedOf, Self.parameters(of: batch.log)),
      PipelineStep(PlacementRow.read, [.uuidArray(tags.map(\.bytes))]),
    ]
    return try await directoryTransaction(reading: steps) { transaction, state, results in
      if let load = state.load, state.loadAge < Self.loadPatience, load.holdsBack(batch) { return (false, .heldBack) }
      let answers = Array(results)
      self.checkingBasis.withLock { $0 = (state.own, state.cuts) }
      let verifier = BatchVerifier(own: state.own, cuts: state.cuts, digest: DirectoryTransaction.digest)
      let decision = verifier.decide(batch, applied: try Self.heads(answers[0].rows)[batch.log])
      guard case .apply(let records, let head) = decision else {
        // What was applied before may have been cut short of its standbys, and is about to be acknowledged.
        return (decision == .alreadyApplied, decision.outcome(of: batch))
      }
      let changes = PlacementChange.changes(for: records, current: try PlacementRow.sets(answers[1].rows))
      let documents = DocumentChange.changes(
        for: records, current: try await transaction.documents(of: Set(records.compactMap(\.documentID))),
        digest: DirectoryTransaction.digest)
      let before = state.floors
      state.floors.note(records)
      _ = try await transaction.run(
        [LogRow.insert(records)] + PlacementRow.write(before.pruning(changes), hash: transaction.hash)
          + DocumentRow.write(documents, hash: transaction.hash)
          + [DirectoryTransaction.advance(batch.log, to: head)])
      try await self.forget(&state.floors, before: before, transaction)
      return (true, decision.outcome(of: batch))
    }
  }

  private func forget(
    _ floors: inout FloorLedger, before: FloorLedger, _ transaction: DirectoryTransaction
  ) async throws {
    guard !floors.pending.isEmpty else { return }
    let vector = VersionVector(
      try await heads(on: transaction.connection, deadline: transaction.deadline).mapValues(\.seq))
    try await transaction.forget(&floors, heldNow: vector, before: before)
  }
}

extension Statement {
  static let selectAppliedOf = Statement(
    "select_applied_of",
    "SELECT origin, incarnation, seq, chain FROM applied WHERE origin = $1::integer AND incarnation = $2::integer")
}
