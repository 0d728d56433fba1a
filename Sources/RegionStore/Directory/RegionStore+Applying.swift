package import Directory
import Postgres
import Residency

extension RegionStore {
  /// After which a snapshot that does not go on is given up.
  static let loadPatience = Duration.seconds(60)

  /// Applies a batch that a peer sent, if it follows what is held: log rows, placements and `applied` in one transaction.
  package func apply(_ batch: LogBatch) async throws(StoreError) -> BatchOutcome {
    let tags = batch.tags
    let outcome = try await applied(batch, of: tags)
    if case .applied(let end) = outcome { directoryCache.followed(batch.log, from: batch.first, to: end.seq, tags: tags) }
    return outcome
  }

  private func applied(_ batch: LogBatch, of tags: Set<SubjectTag>) async throws(StoreError) -> BatchOutcome {
    let steps = [
      PipelineStep(.selectAppliedOf, Self.parameters(of: batch.log)),
      PipelineStep(PlacementRow.read, [.uuidArray(tags.map(\.bytes))]),
    ]
    return try await directoryTransaction(reading: steps) { transaction, state, results in
      if let load = state.load, state.loadAge < Self.loadPatience, load.holdsBack(batch) { return (false, .heldBack) }
      let answers = Array(results)
      let verifier = BatchVerifier(own: state.own, cuts: state.cuts, digest: DirectoryTransaction.digest)
      let decision = verifier.decide(batch, applied: try Self.heads(answers[0].rows)[batch.log])
      guard case .apply(let records, let head) = decision else { return (false, decision.outcome(of: batch)) }
      let changes = PlacementChange.changes(for: records, current: try PlacementRow.sets(answers[1].rows))
      let before = state.floors
      state.floors.note(records)
      _ = try await transaction.run(
        [LogRow.insert(records)] + PlacementRow.write(before.pruning(changes), hash: transaction.hash)
          + [DirectoryTransaction.advance(batch.log, to: head)])
      if !state.floors.pending.isEmpty {
        let vector = VersionVector(
          try await self.heads(on: transaction.connection, deadline: transaction.deadline).mapValues(\.seq))
        try await transaction.forget(&state.floors, heldNow: vector, before: before)
      }
      return (true, decision.outcome(of: batch))
    }
  }
}

extension Statement {
  static let selectAppliedOf = Statement(
    "select_applied_of",
    "SELECT origin, incarnation, seq, chain FROM applied WHERE origin = $1::integer AND incarnation = $2::integer")
}
