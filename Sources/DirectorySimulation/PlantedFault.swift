import Directory
import Residency

/// A mistake put into the simulated shell on purpose: the checker must find each of them.
package enum PlantedFault: String, CaseIterable, Hashable, Sendable, Codable {
  /// Batches are applied wherever their numbers fit.
  case skipChainCheck
  /// Of one birth, what arrives last is kept.
  case ignoreEpoch
  /// Of two registrations, the one with the later time stamp is kept.
  case lastWriterWins
  /// A crash can come between the write of `applied` and that of the placements.
  case splitTransaction
  /// A tombstone is forgotten where another fact stands beside it.
  case dropTombstone
  /// Tombstones are forgotten whoever has seen them.
  case floorTooEarly
  /// A snapshot is merged, and what its giver had forgotten stays.
  case snapshotMergesOnly
  /// What was written on a lost history is cut off and not written anew.
  case dropOrphans
  /// The digest is not kept where a tombstone goes.
  case digestForgotten
  /// Of a document, what comes last is kept, whatever its writer had seen.
  case documentsOverwritten
  /// A snapshot comes without documents.
  case documentsNotInSnapshot
}

extension SimulatedStore {
  /// ``PlantedFault/skipChainCheck``
  func decideWithoutChain(_ batch: LogBatch) -> BatchDecision {
    var head = head(batch.log)
    guard batch.log != own else { return .ownLog }
    guard batch.first <= head.seq + 1 else { return .gap(expected: head.seq + 1) }
    guard batch.last > head.seq else { return .alreadyApplied }
    var records: [LogRecord] = []
    for bytes in batch.entries.dropFirst(Int(head.seq + 1 - batch.first)) {
      head = AppliedHead(seq: head.seq + 1, chain: .next(head.chain, bytes, digest: simulatedDigest))
      let position = LogPosition(log: batch.log, seq: head.seq)
      guard let record = try? LogRecord(kept: bytes, at: position, chain: head.chain) else { return .corrupt(.checksum) }
      records.append(record)
    }
    return .apply(records, newHead: head)
  }
}
