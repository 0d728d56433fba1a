import Residency

/// What to do with a batch, given how far its log is held here.
package enum BatchDecision: Hashable, Sendable {
  /// Write these rows, the placements they change, and `newHead` in one transaction.
  case apply([LogRecord], newHead: AppliedHead)
  /// Everything in it is held already.
  case alreadyApplied
  /// Entries before it are missing: ask from `expected` on.
  case gap(expected: UInt64)
  /// The sender's history of this log is not the one held here. `at` is the last position at which they were compared.
  case chainMismatch(at: LogPosition)
  /// Damaged or malformed as a whole: ask again.
  case corrupt(Damage)
  /// The next entry cannot be read, or its log may not hold it.
  case unreadable(at: LogPosition, DirectoryFormatError)
  /// The next entry belongs to a branch that its region has given up.
  case cutOff(at: LogPosition)
  /// The log that this region writes itself: nobody else's copy of it is ever applied.
  case ownLog

  package enum Damage: String, Hashable, Sendable { case empty, count, tooLarge, position, checksum }
}

/// Checks batches and turns them into rows. It alone makes ``LogRecord`` from received bytes.
package struct BatchVerifier: Sendable {
  /// The log that this region writes now.
  package let own: LogID
  private let cuts: Set<LogCut>
  private let digest: Digest

  /// - Parameter cuts: branches that are known not to count.
  package init(own: LogID, cuts: Set<LogCut> = [], digest: @escaping Digest) {
    self.own = own
    self.cuts = cuts
    self.digest = digest
  }

  /// - Parameter applied: how far `batch.log` is held, read and locked in the transaction that will apply it; `nil` for not at all.
  package func decide(_ batch: LogBatch, applied: AppliedHead?) -> BatchDecision {
    guard batch.log != own else { return .ownLog }
    if let damage = damage(in: batch) { return .corrupt(damage) }
    let applied = applied ?? .start(of: batch.log, digest: digest)
    guard batch.first <= applied.seq || batch.first - applied.seq == 1 else { return .gap(expected: applied.seq + 1) }
    guard batch.last >= applied.seq else { return .alreadyApplied }
    return decideSuffix(batch, applied: applied)
  }

  /// `applied.seq` is within the batch or just before it, so the chains can be compared there.
  private func decideSuffix(_ batch: LogBatch, applied: AppliedHead) -> BatchDecision {
    var chain = batch.previousChain
    let heldCount = Int(applied.seq - (batch.first - 1))
    for bytes in batch.entries.prefix(heldCount) { chain = .next(chain, bytes, digest: digest) }
    guard chain == applied.chain else { return .chainMismatch(at: LogPosition(log: batch.log, seq: applied.seq)) }

    var records: [LogRecord] = []
    var seq = applied.seq
    for bytes in batch.entries.dropFirst(heldCount) {
      let position = LogPosition(log: batch.log, seq: seq + 1)
      do throws(DirectoryFormatError) {
        let entry = try LogEntry(decoding: bytes, origin: batch.origin)
        if case .document(let document) = entry, !document.isPossible(at: position) {
          throw .contradictory(.hasSeenItself)
        }
        let next = ChainHash.next(chain, bytes, digest: digest)
        guard cuts.isEmpty || !cuts.contains(LogCut(first: position, chain: next)) else {
          if records.isEmpty { return .cutOff(at: position) }
          break
        }
        chain = next
        records.append(LogRecord(position: position, entry: entry, bytes: bytes, chain: chain))
      } catch {
        guard records.isEmpty else { break }
        return .unreadable(at: position, error)
      }
      seq += 1
    }
    guard !records.isEmpty else { return .alreadyApplied }
    return .apply(records, newHead: AppliedHead(seq: seq, chain: chain))
  }

  private func damage(in batch: LogBatch) -> BatchDecision.Damage? {
    guard !batch.entries.isEmpty else { return .empty }
    guard batch.entries.count <= LogBatch.entriesMax else { return .tooLarge }
    guard batch.entries.reduce(0, { $0 + $1.count }) <= LogBatch.bytesMax else { return .tooLarge }
    guard batch.incarnation.isStorable, batch.first > 0, batch.last >= batch.first, batch.last < .storableMax else {
      return .position
    }
    guard batch.last - batch.first == UInt64(batch.entries.count - 1) else { return .count }
    let checksum = LogBatch.checksum(
      origin: batch.origin, incarnation: batch.incarnation, first: batch.first, last: batch.last,
      previousChain: batch.previousChain, entries: batch.entries)
    guard checksum == batch.crc else { return .checksum }
    return nil
  }
}
