import Residency

@testable import Directory

/// A mistake put into the simulated shell on purpose: the checker must find each of them.
enum PlantedFault: String, CaseIterable {
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
}

/// What survives a crash of one region: the tables, with a transaction for each mutating call. A copy is a backup.
struct SimulatedStore {
  struct Row: Hashable {
    var placement: Placement
    var siblings: [Placement]
  }

  let region: RegionOrdinal
  private(set) var incarnation: Incarnation
  private(set) var logs: [LogID: [LogRecord]] = [:]
  private(set) var heads: [LogID: AppliedHead] = [:]
  private(set) var rows: [SubjectTag: Row] = [:]
  let fault: PlantedFault?
  private var stamps: [SubjectTag: HybridTimestamp] = [:]
  private var transactions = 0

  init(region: RegionOrdinal, fault: PlantedFault?) {
    self.region = region
    self.fault = fault
    incarnation = .first
  }

  var own: LogID { LogID(origin: region, incarnation: incarnation) }
  var vector: VersionVector { VersionVector(heads.mapValues(\.seq)) }
  var sets: [SubjectTag: PlacementSet] { rows.mapValues { PlacementSet(placement: $0.placement, siblings: $0.siblings) } }

  func current(_ tag: SubjectTag) -> PlacementSet? {
    rows[tag].map { PlacementSet(placement: $0.placement, siblings: $0.siblings) }
  }

  mutating func restartHistory(as incarnation: Incarnation) { self.incarnation = incarnation }

  /// What the group committer does for one operation.
  mutating func commit(_ entry: DirectoryEntry) -> LogRecord {
    var log = OwnLog(own, head: heads[own] ?? .start(of: own, digest: testDigest), digest: testDigest)
    let record = log.append(entry)
    write([record], head: log.head, rowsToo: true)
    return record
  }

  mutating func apply(_ batch: LogBatch) -> BatchDecision {
    transactions += 1
    let decision =
      fault == .skipChainCheck
      ? decideWithoutChain(batch) : BatchVerifier(own: own, digest: testDigest).decide(batch, applied: heads[batch.log])
    if case .apply(let records, let head) = decision {
      write(records, head: head, rowsToo: fault != .splitTransaction || !transactions.isMultiple(of: 9))
    }
    return decision
  }

  /// The answer to a pull.
  func answer(_ request: PullRequest) -> LogBatch? {
    let records = logs[request.log] ?? []
    guard request.from > 0, request.from <= UInt64(records.count) else { return nil }
    let index = Int(request.from) - 1
    let previous = index == 0 ? ChainHash.start(of: request.log, digest: testDigest) : records[index - 1].chain
    return LogBatch(
      log: request.log, first: request.from, previousChain: previous,
      rows: records[index...].prefix(request.entriesMax).map(\.bytes))
  }

  private mutating func write(_ records: [LogRecord], head: AppliedHead, rowsToo: Bool) {
    for record in records { logs[record.position.log, default: []].append(record) }
    if let log = records.first?.position.log { heads[log] = head }
    guard rowsToo else { return }
    switch fault {
    case .ignoreEpoch, .lastWriterWins, .dropTombstone: for record in records { writeWrongly(record) }
    case nil, .skipChainCheck, .splitTransaction:
      for change in PlacementChange.changes(for: records, current: sets) {
        rows[change.tag] = Row(placement: change.placement, siblings: change.siblings)
      }
    }
  }

  private mutating func writeWrongly(_ record: LogRecord) {
    let placement = record.placement
    let known = current(placement.tag)
    let after: PlacementSet
    switch fault {
    case .ignoreEpoch where known?.primary.birth == placement.birth:
      after = PlacementSet(placement)
    case .lastWriterWins:
      guard record.entry.timestamp >= stamps[placement.tag] ?? HybridTimestamp(milliseconds: 0) else { return }
      stamps[placement.tag] = record.entry.timestamp
      after = PlacementSet(placement)
    case .dropTombstone:
      let kept = known.map { merge($0, placement) } ?? PlacementSet(placement)
      let alive = kept.placements.filter { $0.state != .erased }
      after = alive.first.map { PlacementSet(placement: $0, siblings: alive) } ?? kept
    default: after = known.map { merge($0, placement) } ?? PlacementSet(placement)
    }
    rows[placement.tag] = Row(placement: after.primary, siblings: after.siblings)
  }

  private func decideWithoutChain(_ batch: LogBatch) -> BatchDecision {
    var head = heads[batch.log] ?? .start(of: batch.log, digest: testDigest)
    guard batch.log != own else { return .ownLog }
    guard batch.first <= head.seq + 1 else { return .gap(expected: head.seq + 1) }
    guard batch.last > head.seq else { return .alreadyApplied }
    var records: [LogRecord] = []
    for bytes in batch.entries.dropFirst(Int(head.seq + 1 - batch.first)) {
      guard let entry = try? DirectoryEntry(decoding: bytes, origin: batch.origin) else { return .corrupt(.checksum) }
      head = AppliedHead(seq: head.seq + 1, chain: .next(head.chain, bytes, digest: testDigest))
      records.append(
        LogRecord(position: LogPosition(log: batch.log, seq: head.seq), entry: entry, bytes: bytes, chain: head.chain))
    }
    return .apply(records, newHead: head)
  }
}
