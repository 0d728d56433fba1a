import Directory
import Residency

/// Watches a run and says what was promised and not kept. It knows the rules by itself: it uses none of the code that merges.
struct SimulationChecker {
  private(set) var violations: [String] = []
  var contestedAtEnd = 0
  private(set) var checkCount = 0
  private(set) var committedCount = 0
  private(set) var lookupCount = 0
  private(set) var sessionReadCount = 0
  private(set) var snapshotCount = 0
  private(set) var reissuedCount = 0
  private(set) var floorCount = 0
  private(set) var recoveredCount = 0
  var droppedAtEnd = 0
  /// Logs of which nobody remembers enough to say which of two histories is right: nothing is decided then, and nothing is lost.
  private(set) var needsOperator: Set<LogID> = []
  /// Every entry that was ever written, by the chain up to it: two histories of one log share none after they part.
  private(set) var written: [ChainHash: (record: LogRecord, previous: ChainHash)] = [:]
  private(set) var writtenAt: [LogPosition: [LogRecord]] = [:]
  private var heads: [LogID: [ChainHash]] = [:]
  private(set) var committedRecords: [LogRecord] = []
  /// Per log, the last entry that anybody else held when its region was set back; later ones may be gone for good.
  private(set) var setBack: [LogID: UInt64] = [:]
  /// Logs of which some region could not tell whether what it held was the beginning of what its peers had.
  private(set) var incomparable: Set<LogID> = []
  private var lost: Set<RegionOrdinal> = []
  private(set) var drainedRegions: Set<RegionOrdinal> = []

  mutating func forbid(_ happened: Bool, _ violation: @autoclosure () -> String) {
    checkCount += 1
    if happened { violations.append(violation()) }
  }

  /// A region learned that a branch of the log does not count, and could not tell whether it held that one.
  mutating func cannotTell(_ log: LogID) { incomparable.insert(log) }

  mutating func heard(_ report: PeerReport) {
    switch report {
    case .fenced(let log, .unreadable(let position, let error)):
      violations.append("log \(log) unreadable at \(position): \(error)")
    case .fenced(let log, .beyondMemory): needsOperator.insert(log)
    case .incomparable(let log): incomparable.insert(log)
    case .snapshotLoaded: snapshotCount += 1
    case .fenced, .health, .ownHistoryLost, .loadingSnapshot, .ownEntriesReissued: break
    }
  }

  mutating func historyIsLost(of store: SimulatedStore, backTo backup: SimulatedStore, others: [SimulatedStore]) {
    let elsewhere = others.filter { $0.region != store.region }.map { $0.head(store.own).seq }.max() ?? 0
    setBack[store.own] = max(backup.head(store.own).seq, elsewhere)
  }

  mutating func isGone(_ store: SimulatedStore, others: [SimulatedStore]) {
    lost.insert(store.region)
    setBack[store.own] = others.filter { $0.region != store.region }.map { $0.head(store.own).seq }.max() ?? 0
  }

  mutating func drained(_ region: RegionOrdinal) { drainedRegions.insert(region) }

  mutating func vectorMoved(from before: VersionVector, to after: VersionVector, of region: RegionOrdinal) {
    for position in before.positions {
      forbid(
        after[position.log] < position.seq,
        "region \(region): a version vector went back in log \(position.log): \(position.seq) to \(after[position.log])")
    }
  }

  /// Only a log with a branch that does not count may come to less than what was held.
  mutating func adopted(cuts: Set<LogCut>, from before: VersionVector, to after: VersionVector) {
    let cut = Set(cuts.map(\.first.log))
    for position in before.positions where !cut.contains(position.log) {
      forbid(
        after[position.log] < position.seq,
        "a snapshot took log \(position.log) back from \(position.seq) to \(after[position.log])")
    }
  }

  /// A client has its answer: from here on the write must not be lost, and its own region shows it at once.
  mutating func committed(_ record: LogRecord, in store: SimulatedStore) {
    committedCount += 1
    lookupCount += 1
    committedRecords.append(record)
    note(record)
    if case .floor = record.entry { floorCount += 1 }
    if let id = record.documentID {
      forbid(
        store.documents[id]?.siblings.contains { $0.dot == record.position } != true,
        "region \(store.region) does not show what it has just written of \(id) at \(record.position)")
    }
    guard let entry = record.placementEntry, entry.kind == .register else { return }
    var found: LogPosition?
    if case .local(let placement) = PlacementLookup(store.current(entry.tag), at: store.region) { found = placement.birth }
    forbid(
      found != record.position, "region \(store.region) does not find what it has just registered at \(record.position)")
  }

  /// Something that was thought lost is written again.
  mutating func recovered(_ record: LogRecord) {
    recoveredCount += 1
    note(record)
  }

  mutating func reissued(_ record: LogRecord) {
    reissuedCount += 1
    note(record)
  }

  private mutating func note(_ record: LogRecord) {
    let candidates = [ChainHash.start(of: record.position.log, digest: simulatedDigest)] + heads[record.position.log, default: []]
    let previous = candidates.first { .next($0, record.bytes, digest: simulatedDigest) == record.chain }
    guard let previous else { return violations.append("entry \(record.position) follows nothing that was written") }
    written[record.chain] = (record, previous)
    writtenAt[record.position, default: []].append(record)
    heads[record.position.log, default: []].append(record.chain)
  }

  /// A refusal is right only for what the region's own copy says: it never stems from a peer that is out of reach.
  mutating func refused(_ refusal: PlacementRefusal, _ tag: SubjectTag, at store: SimulatedStore) {
    lookupCount += 1
    let lookup = PlacementLookup(store.current(tag), at: store.region)
    let fits =
      switch (refusal, lookup) {
      case (.unknown, .unknown), (.erased, .erased), (.contested, .contested), (.notHome, .remote): true
      case (.notASibling, .contested), (.tooManySiblings, .contested): true
      case (.alreadyRegistered, .local), (.alreadyRegistered, .remote), (.alreadyThere, .local), (.alreadyInState, .local): true
      default: false
      }
    forbid(!fits, "region \(store.region) refused with \(refusal) where it finds \(lookup)")
  }

  /// The region holds all that the session has seen: its own registrations are among that, or what came of them.
  mutating func sessionLooks(
    for registered: [SubjectTag: LogPosition], documents: [DocumentID: LogPosition], at store: SimulatedStore
  ) {
    // While a snapshot comes in, what its giver has forgotten goes before the word of it comes.
    guard store.load == nil else { return }
    sessionReadCount += 1
    for (tag, birth) in registered {
      // A history that was lost takes its sessions' certainty along; a tombstone may have been forgotten.
      guard setBack[birth.log] == nil, store.floors.reached.isEmpty else { continue }
      let births = store.current(tag)?.placements.flatMap { $0.knowledge.heights.keys } ?? []
      forbid(!births.contains(birth), "region \(store.region) does not show a session what it registered at \(birth)")
    }
    for (id, dot) in documents where setBack.isEmpty {
      forbid(
        store.documents[id]?.siblings.contains { $0.dot == dot || $0.context.includes(dot) } != true,
        "region \(store.region) does not show a session what it wrote of \(id) at \(dot), nor what was written over that")
    }
  }

  mutating func acknowledged(_ position: LogPosition, holder: SimulatedStore, isUp: Bool) {
    guard isUp, setBack.isEmpty else { return }
    forbid(!holder.vector.includes(position), "region \(holder.region) acknowledged \(position) and does not hold it")
  }
}

extension LogRecord {
  var placementEntry: DirectoryEntry? {
    guard case .placement(let entry) = entry else { return nil }
    return entry
  }

  var documentEntry: DocumentEntry? {
    guard case .document(let entry) = entry else { return nil }
    return entry
  }
}
