import Directory
import Residency

/// What survives a crash of one region: the tables, with a transaction for each mutating call. A copy is a backup.
struct SimulatedStore {
  struct Row: Hashable {
    var placement: Placement
    var siblings: [Placement]
  }

  /// What is held of one log: all after `start`.
  struct HeldLog: Hashable {
    var start: AppliedHead
    var records: [LogRecord] = []
  }

  let region: RegionOrdinal
  private(set) var incarnation: Incarnation
  private(set) var logs: [LogID: HeldLog] = [:]
  private(set) var heads: [LogID: AppliedHead] = [:]
  private(set) var rows: [SubjectTag: Row] = [:]
  private(set) var documents: [DocumentID: DocumentSet] = [:]
  private(set) var floors = FloorLedger()
  private(set) var cuts: Set<LogCut> = []
  private var doubtful: Set<LogCut> = []
  private(set) var load: SnapshotLoad?
  private var loadedAt = 0
  private(set) var candidates: [FloorCandidate] = []
  private(set) var digest: [UInt8: DigestSum] = [:]
  /// What the others are known to hold.
  private(set) var acknowledged: [RegionOrdinal: VersionVector] = [:]
  /// What they last said as a whole.
  private(set) var members: [RegionOrdinal: VersionVector] = [:]
  let fault: PlantedFault?
  private var stamps: [SubjectTag: HybridTimestamp] = [:]
  private var transactions = 0
  /// After which a snapshot that does not go on is given up.
  private static let loadPatience = 2_000
  private var forgottenUpTo: UInt64 = 0

  init(region: RegionOrdinal, fault: PlantedFault?) {
    self.region = region
    self.fault = fault
    incarnation = .first
  }

  var own: LogID { LogID(origin: region, incarnation: incarnation) }
  var vector: VersionVector { VersionVector(heads.mapValues(\.seq)) }
  var starts: VersionVector { VersionVector(logs.mapValues(\.start.seq)) }
  var sets: [SubjectTag: PlacementSet] { rows.mapValues { PlacementSet(placement: $0.placement, siblings: $0.siblings) } }

  func current(_ tag: SubjectTag) -> PlacementSet? {
    rows[tag].map { PlacementSet(placement: $0.placement, siblings: $0.siblings) }
  }

  func head(_ log: LogID) -> AppliedHead { heads[log] ?? .start(of: log, digest: simulatedDigest) }

  func held(_ log: LogID) -> HeldLog { logs[log] ?? HeldLog(start: .start(of: log, digest: simulatedDigest)) }

  /// The chain at a place, where it is known.
  func chain(_ log: LogID, at seq: UInt64) -> ChainHash? {
    let held = held(log)
    if seq == held.start.seq { return held.start.chain }
    guard seq > held.start.seq, seq <= held.start.seq + UInt64(held.records.count) else { return nil }
    return held.records[Int(seq - held.start.seq) - 1].chain
  }

  func extent(_ log: LogID) -> ChainComparison.Extent {
    ChainComparison.Extent(start: held(log).start.seq, end: head(log).seq)
  }

  /// Logs of which another region holds another history.
  func forks(with theirs: [LogID: AppliedHead]) -> Set<LogID> {
    Set(theirs.filter { log, head in chain(log, at: head.seq).map { $0 != head.chain } ?? false }.keys)
  }

  /// Logs of which this region holds a branch that does not count.
  var misled: Set<LogID> {
    Set(cuts.filter { chain($0.first.log, at: $0.first.seq) == $0.chain }.union(doubtful).map(\.first.log))
  }

  /// - Returns: the logs that are not held back to there: nobody here can tell which branch it was.
  @discardableResult
  mutating func note(_ cuts: Set<LogCut>) -> [LogID] {
    let unclear = cuts.subtracting(self.cuts).filter { held($0.first.log).start.seq >= $0.first.seq }
    doubtful.formUnion(unclear)
    self.cuts.formUnion(cuts)
    if let load, !cuts.allSatisfy(load.survives) { self.load = nil }
    return unclear.map(\.first.log)
  }

  mutating func acknowledge(_ vector: VersionVector, by region: RegionOrdinal) {
    acknowledged[region, default: VersionVector()].join(vector)
  }

  mutating func greeted(by region: RegionOrdinal, holding vector: VersionVector) {
    acknowledge(vector, by: region)
    members[region] = vector
    carryOutFloors()
  }

  /// A member of which nothing was heard yet holds nothing.
  mutating func expect(_ region: RegionOrdinal) {
    acknowledge(VersionVector(), by: region)
    if members[region] == nil { members[region] = VersionVector() }
  }

  mutating func forget(_ region: RegionOrdinal) {
    acknowledged[region] = nil
    members[region] = nil
  }
}

// MARK: Writing

extension SimulatedStore {
  /// What the group committer does for one operation.
  mutating func commit(_ entry: LogEntry) -> LogRecord {
    var log = OwnLog(own, head: head(own), digest: simulatedDigest)
    let record = log.append(entry)
    write([record], head: log.head, rowsToo: true)
    return record
  }

  /// - Returns: `nil` where a snapshot that is coming in holds the batch back.
  mutating func apply(_ batch: LogBatch, now: Int) -> BatchDecision? {
    transactions += 1
    if now > loadedAt + Self.loadPatience { load = nil }
    if load?.holdsBack(batch) == true { return nil }
    let decision =
      fault == .skipChainCheck
      ? decideWithoutChain(batch)
      : BatchVerifier(own: own, cuts: cuts, digest: simulatedDigest).decide(batch, applied: heads[batch.log])
    if case .apply(let records, let head) = decision {
      write(records, head: head, rowsToo: fault != .splitTransaction || !transactions.isMultiple(of: 9))
    }
    return decision
  }

  /// - Returns: the log that is written from now on.
  mutating func restartHistory(after last: Incarnation) -> LogID {
    if incarnation <= last {
      incarnation = Incarnation(last.rawValue + 1)
      candidates = []
      forgottenUpTo = 0
    }
    return own
  }

  /// Once for each log: whatever else contradicts it later is a copy of what was cut off.
  mutating func cutBack(keeping end: LogPosition) -> [LogRecord] {
    guard !cuts.contains(where: { $0.first.log == end.log }) else { return [] }
    var held = held(end.log)
    // A snapshot came in meanwhile: the chains are compared anew.
    guard end.seq >= held.start.seq else { return [] }
    let count = Int(end.seq - held.start.seq)
    let orphans = Array(held.records.dropFirst(count))
    held.records = Array(held.records.prefix(count))
    if let first = orphans.first { note([LogCut(first: first.position, chain: first.chain)]) }
    logs[end.log] = held
    heads[end.log] = AppliedHead(seq: end.seq, chain: held.records.last?.chain ?? held.start.chain)
    guard fault != .dropOrphans else { return [] }
    var log = OwnLog(own, head: head(own), digest: simulatedDigest)
    let reissue = Reissue(orphans, to: &log, current: sets, documents: documents, digest: simulatedDigest)
    append(reissue.records, head: log.head)
    change(reissue.changes)
    change(reissue.documentChanges)
    floors.note(reissue.records)
    carryOutFloors()
    return reissue.records
  }

  private mutating func write(_ records: [LogRecord], head: AppliedHead, rowsToo: Bool) {
    append(records, head: head)
    guard rowsToo else { return }
    if fault == .documentsOverwritten {
      for fact in records.compactMap({ $0.document(simulatedDigest) }) {
        change(
          DocumentChange.changes(
            from: documents, to: [fact.id: DocumentSet(joining: [fact.version])], digest: simulatedDigest))
      }
    } else {
      change(DocumentChange.changes(for: records, current: documents, digest: simulatedDigest))
    }
    switch fault {
    case .ignoreEpoch, .lastWriterWins, .dropTombstone: for record in records { writeWrongly(record) }
    default: change(PlacementChange.changes(for: records, current: sets))
    }
    floors.note(records)
    carryOutFloors()
  }

  private mutating func append(_ records: [LogRecord], head: AppliedHead) {
    guard let log = records.first?.position.log else { return }
    var held = held(log)
    held.records += records
    logs[log] = held
    heads[log] = head
  }

  private mutating func carryOutFloors() {
    if floors.advance(to: vector, members: members.values) {
      change(floors.changes(current: sets), digests: fault != .digestForgotten)
    }
  }

  private mutating func change(_ changes: [PlacementChange], digests: Bool = true) {
    let changes = floors.pruning(changes)
    for change in changes {
      rows[change.tag] = change.placement.map { Row(placement: $0, siblings: change.siblings) }
    }
    if digests { fold(DigestDelta(changes, hash: simulatedDigest)) }
  }

  private mutating func change(_ changes: [DocumentChange]) {
    for change in changes { documents[change.id] = change.after.siblings.isEmpty ? nil : change.after }
    fold(DigestDelta(changes, hash: simulatedDigest))
  }

  private mutating func fold(_ delta: DigestDelta) {
    for (bucket, sum) in delta.sums {
      digest[bucket, default: .zero].xor ^= sum.xor
      digest[bucket, default: .zero].count += sum.count
    }
  }

  private mutating func writeWrongly(_ record: LogRecord) {
    guard case .placement(let entry) = record.entry, let placement = record.placement else { return }
    let known = current(placement.tag)
    let after: PlacementSet
    switch fault {
    case .ignoreEpoch where known?.primary.birth == placement.birth:
      after = PlacementSet(placement)
    case .lastWriterWins:
      guard entry.timestamp >= stamps[placement.tag] ?? HybridTimestamp(milliseconds: 0) else { return }
      stamps[placement.tag] = entry.timestamp
      after = PlacementSet(placement)
    case .dropTombstone:
      let kept = known.map { merge($0, placement) } ?? PlacementSet(placement)
      let alive = kept.placements.filter { $0.state != .erased }
      after = alive.first.map { PlacementSet(placement: $0, siblings: alive) } ?? kept
    default: after = known.map { merge($0, placement) } ?? PlacementSet(placement)
    }
    change([PlacementChange(tag: placement.tag, before: known, after: after)])
  }
}

// MARK: Comparing

extension SimulatedStore {
  var factsBasis: FactsBasis { FactsBasis(vector: vector, reached: floors.reached) }

  mutating func learn(_ facts: [DocumentFact]) {
    var learning = DocumentLearning(facts, here: vector, own: own, current: documents)
    if learning.ownHistoryIsLost {
      _ = restartHistory(after: incarnation)
      learning = DocumentLearning(facts, here: vector, own: own, current: documents)
    }
    change(DocumentChange.changes(for: learning.facts, current: documents, digest: simulatedDigest))
  }

  /// - Returns: entries that were written anew.
  mutating func learn(_ facts: [Placement], theirs: FactsBasis, timestamp: HybridTimestamp) -> [LogRecord] {
    var learning = Learning(facts, theirs: theirs, here: factsBasis, own: own, current: sets)
    if learning.ownHistoryIsLost {
      _ = restartHistory(after: incarnation)
      learning = Learning(facts, theirs: theirs, here: factsBasis, own: own, current: sets)
    }
    change(PlacementChange.changes(for: learning.facts, current: sets))
    let records = learning.recovered.map { commit(.placement(DirectoryEntry(restating: $0, timestamp: timestamp))) }
    change(floors.changes(current: sets))
    return records
  }
}

// MARK: Snapshots and forgetting

extension SimulatedStore {
  /// - Returns: whether it was stored: one snapshot comes in at a time.
  mutating func store(_ page: SnapshotPage, basis: SnapshotBasis, from peer: RegionOrdinal, now: Int) -> Bool {
    let mine = SnapshotLoad(peer: peer, basis: basis)
    if let load, load != mine, page.after != nil || (load.peer != peer && now < loadedAt + Self.loadPatience) { return false }
    if load == nil, page.after != nil { return false }
    (load, loadedAt) = (mine, now)
    if fault == .snapshotMergesOnly {
      change(PlacementChange.changes(for: page.facts, current: sets))
    } else {
      change(page.changes(basis: basis, current: sets.filter { page.contains($0.key) }, own: own, misled: misled))
      let held = documents.filter { page.contains($0.key.tag(simulatedDigest)) }
      change(page.documentChanges(basis: basis, current: held, own: own, misled: misled, digest: simulatedDigest))
    }
    return true
  }

  mutating func adopt(_ basis: SnapshotBasis, from peer: RegionOrdinal) -> Bool {
    guard load == SnapshotLoad(peer: peer, basis: basis) else { return false }
    load = nil
    for (log, head) in basis.heads(over: heads, own: own, misled: misled) {
      logs[log] = HeldLog(start: head)
      heads[log] = head
    }
    floors.note(basis.floors)
    cuts.formUnion(basis.cuts)
    doubtful.subtract(basis.cuts)
    _ = floors.advance(to: vector, members: members.values)
    change(floors.changes(current: sets))
    return true
  }

  mutating func trim(_ retention: LogRetention) {
    for cut in retention.cuts(heads: vector, starts: starts, acknowledged: acknowledged).positions {
      var held = held(cut.log)
      let count = Int(cut.seq - held.start.seq)
      held.start = AppliedHead(seq: cut.seq, chain: held.records[count - 1].chain)
      held.records = Array(held.records.dropFirst(count))
      logs[cut.log] = held
    }
  }

  /// Notes how far the tombstones reach, and writes a floor where it is time.
  mutating func tendTombstones(_ rule: FloorRule, now: UInt64) -> LogRecord? {
    let end = LogPosition(log: own, seq: head(own).seq)
    let since = candidates.last.map { $0.upTo.log == own ? $0.upTo.seq : 0 } ?? forgottenUpTo
    let hasNew = sets.values.contains { set in
      set.placements.contains { $0.state == .erased && $0.position.log == own && $0.position.seq > since }
    }
    if hasNew {
      candidates.append(FloorCandidate(upTo: end, after: vector, notedAt: now))
    }
    let members = fault == .floorTooEarly ? [:] : members
    guard let floor = rule.floor(among: candidates, members: members, now: now) else { return nil }
    candidates.removeAll { $0.upTo <= floor.upTo }
    forgottenUpTo = floor.upTo.seq
    let blind = TombstoneFloor(upTo: floor.upTo, after: VersionVector([floor.upTo.log: floor.upTo.seq]))
    return commit(.floor(fault == .floorTooEarly ? blind : floor))
  }
}
