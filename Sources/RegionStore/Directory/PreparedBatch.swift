package import Directory
import Postgres
import Residency

/// A peer's batch of registrations that was checked before its turn, while the one before it was being written: what is left to do for it
/// is little, if it turns out as foreseen. What was foreseen is looked at in the transaction that writes it; that nothing is known of its
/// subjects yet, by writing them: the table has one row a subject.
package struct PreparedBatch: Sendable {
  package let batch: LogBatch
  /// What the check rests on: the region's own log, the branches that do not count, and where the batch's log ends before it.
  let own: LogID
  let cuts: Set<LogCut>
  let applied: AppliedHead
  let tags: Set<SubjectTag>
  let records: [LogRecord]
  let head: AppliedHead
  /// What writes it where nothing is held of its subjects.
  let steps: [PipelineStep]

  /// - Returns: `nil` where it is not to be applied, or not as it is: that is decided in its turn.
  init?(_ batch: LogBatch, own: LogID, cuts: Set<LogCut>, hash: @escaping KeyedHash) {
    let applied = AppliedHead(seq: batch.first - min(batch.first, 1), chain: batch.previousChain)
    let verifier = BatchVerifier(own: own, cuts: cuts, digest: DirectoryTransaction.digest)
    guard case .apply(let records, let head) = verifier.decide(batch, applied: applied) else { return nil }
    let placements = records.compactMap(\.placement)
    guard placements.count == records.count, placements.allSatisfy({ $0.epoch == .first }) else { return nil }
    self.batch = batch
    self.own = own
    self.cuts = cuts
    self.applied = applied
    self.records = records
    self.head = head
    tags = Set(placements.map(\.tag))
    let changes = PlacementChange.changes(for: records, current: [:])
    steps = [LogRow.insert(records)] + PlacementRow.write(changes, hash: hash)
  }

  /// Whether all is as it was foreseen.
  func holds(_ state: DirectoryTransaction.State, applied: AppliedHead?) -> Bool {
    state.own == own && state.cuts == cuts
      && (applied ?? .start(of: batch.log, digest: DirectoryTransaction.digest)) == self.applied
  }
}
