import Directory
import Residency

/// Watches a run and says what was promised and not kept. It knows the rules by itself: it uses none of the code that merges.
struct SimulationChecker {
  private(set) var violations: [String] = []
  private(set) var contestedAtEnd = 0
  private(set) var checkCount = 0
  private(set) var committedCount = 0
  private(set) var lookupCount = 0
  private(set) var sessionReadCount = 0
  private(set) var snapshotCount = 0
  private(set) var reissuedCount = 0
  private(set) var floorCount = 0
  private(set) var recoveredCount = 0
  private(set) var droppedAtEnd = 0
  /// Logs of which nobody remembers enough to say which of two histories is right: nothing is decided then, and nothing is lost.
  private(set) var needsOperator: Set<LogID> = []
  /// Every entry that was ever written, by the chain up to it: two histories of one log share none after they part.
  private var written: [ChainHash: (record: LogRecord, previous: ChainHash)] = [:]
  private var writtenAt: [LogPosition: [LogRecord]] = [:]
  private var heads: [LogID: [ChainHash]] = [:]
  private var committedRecords: [LogRecord] = []
  /// Per log, the last entry that anybody else held when its region was set back; later ones may be gone for good.
  private var setBack: [LogID: UInt64] = [:]
  /// Logs of which some region could not tell whether what it held was the beginning of what its peers had.
  private var incomparable: Set<LogID> = []
  private var lost: Set<RegionOrdinal> = []
  private var drainedRegions: Set<RegionOrdinal> = []

  private mutating func forbid(_ happened: Bool, _ violation: @autoclosure () -> String) {
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

extension SimulationChecker {
  mutating func checkEnd(of regions: [SimulatedRegion], gone: Set<RegionOrdinal>) throws {
    let stores = regions.map(\.store)
    guard let first = stores.first, needsOperator.isEmpty else { return }
    for store in stores.dropFirst() {
      forbid(store.heads != first.heads, "regions \(first.region) and \(store.region) hold different logs a minute after healing")
      forbid(store.rows != first.rows, "regions \(first.region) and \(store.region) hold different placements")
      forbid(store.documents != first.documents, "regions \(first.region) and \(store.region) hold different documents")
    }
    for store in stores { checkRetained(store) }
    let history = history(of: first)
    checkNothingLost(in: history)
    for store in stores where store.heads == first.heads {
      checkPlacements(store, history)
      checkDocuments(store, history)
      checkDigest(store)
    }
    contestedAtEnd = first.sets.values.count { $0.isContested }
    for region in drainedRegions {
      forbid(
        first.sets.values.contains { $0.isAtHome(in: region) }, "somebody is at home in region \(region), which has left")
    }
  }

  /// What the region's heads stand for, back to the beginning of every log.
  private mutating func history(of store: SimulatedStore) -> [LogRecord] {
    var records: [LogRecord] = []
    for (log, head) in store.heads {
      var (chain, count) = (head.chain, UInt64(0))
      while let (record, previous) = written[chain] {
        records.append(record)
        chain = previous
        count += 1
      }
      forbid(
        count != head.seq || chain != .start(of: log, digest: simulatedDigest),
        "region \(store.region): log \(log) is at \(head.seq), and \(count) entries lead there")
    }
    return records
  }

  /// What is still held of a log ends at its head, has no gaps, and is what was written.
  private mutating func checkRetained(_ store: SimulatedStore) {
    for (log, held) in store.logs {
      forbid(
        held.start.seq + UInt64(held.records.count) != store.head(log).seq,
        "region \(store.region): log \(log) does not end at its head")
      for (index, record) in held.records.enumerated() {
        forbid(record.position.seq != held.start.seq + UInt64(index + 1), "log \(log) has a gap at \(record.position)")
        forbid(written[record.chain]?.record.bytes != record.bytes, "\(record.position) holds what nobody wrote")
      }
    }
  }

  private mutating func checkNothingLost(in history: [LogRecord]) {
    let chains = Set(history.map(\.chain))
    // An entry written anew has another place, and the same author, time and subject.
    let contents = Set(history.compactMap(\.content))
    for record in committedRecords where !chains.contains(record.chain) {
      if let kept = setBack[record.position.log], record.position.seq > kept || incomparable.contains(record.position.log) {
        continue
      }
      guard let content = record.content, !isWrittenOver(record) else { continue }
      forbid(!contents.contains(content), "the acknowledged entry \(record.position) is lost")
    }
  }

  /// Whether somebody read that write of a document, and wrote it anew.
  private func isWrittenOver(_ record: LogRecord) -> Bool {
    guard let id = record.documentID else { return false }
    return committedRecords.contains { $0.documentID == id && $0.documentEntry?.context.includes(record.position) == true }
  }

  private mutating func checkDigest(_ store: SimulatedStore) {
    var expected: [UInt8: DigestSum] = [:]
    for set in store.sets.values {
      for fact in set.placements {
        let hash = simulatedDigest(fact.encoded).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        expected[fact.tag.bytes[0], default: .zero].xor ^= hash
        expected[fact.tag.bytes[0], default: .zero].count += 1
      }
    }
    for (id, set) in store.documents {
      for version in set.siblings {
        let fact = DocumentFact(id: id, version: version, digest: simulatedDigest)
        let hash = simulatedDigest(fact.encoded).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        expected[fact.tag.bytes[0], default: .zero].xor ^= hash
        expected[fact.tag.bytes[0], default: .zero].count += 1
      }
    }
    forbid(
      store.digest.filter { !$0.value.isZero } != expected,
      "the digest of region \(store.region) is not that of its placements and documents")
  }

  /// The documents of a store against what its own logs say: all that nobody who wrote later had seen.
  private mutating func checkDocuments(_ store: SimulatedStore, _ history: [LogRecord]) {
    var writes: [DocumentID: [LogRecord]] = [:]
    for record in history { if let id = record.documentID { writes[id, default: []].append(record) } }
    for (id, set) in store.documents {
      for version in set.siblings where !(writes[id] ?? []).contains(where: { $0.position == version.dot }) {
        guard setBack[version.dot.log] != nil,
          let relic = writtenAt[version.dot]?.first(where: { $0.documentEntry?.version(at: version.dot) == version })
        else {
          violations.append("region \(store.region) knows \(version.dot) of \(id) from nowhere")
          continue
        }
        writes[id, default: []].append(relic)
      }
    }
    for (id, records) in writes {
      let expected = Set(
        records.filter { record in
          !records.contains { $0.position != record.position && $0.documentEntry?.context.includes(record.position) == true }
        }.map(\.position))
      let held = Set((store.documents[id]?.siblings ?? []).map(\.dot))
      // Who wrote on a branch that did not count wrote anew without what was seen there: what that replaced may be back beside it.
      forbid(
        setBack.isEmpty ? held != expected : !held.isSuperset(of: expected),
        "region \(store.region) holds \(held.sorted()) of \(expected.sorted()) for \(id)")
    }
  }

  /// The placements of a store against what its own logs say, worked out from the rules as they are written down.
  private mutating func checkPlacements(_ store: SimulatedStore, _ history: [LogRecord]) {
    var facts: [SubjectTag: [LogRecord]] = [:]
    var floors: [TombstoneFloor] = []
    for record in history {
      switch record.entry {
      case .placement(let entry): facts[entry.tag, default: []].append(record)
      case .floor(let floor): floors.append(floor)
      case .document: break
      }
    }
    // What is left of a history that was lost stands in no log any more. It counts where it was written once.
    for fact in store.sets.values.flatMap(\.placements) where !(facts[fact.tag] ?? []).contains(where: { $0.placement == fact }) {
      guard setBack[fact.position.log] != nil, let relic = writtenAt[fact.position]?.first(where: { $0.placement == fact }) else {
        violations.append("region \(store.region) knows \(fact.position) of \(fact.tag) from nowhere")
        continue
      }
      facts[fact.tag, default: []].append(relic)
    }
    for (tag, records) in facts {
      let maximal = records.filter { record in !records.contains { Self.supersedes($0, record) } }
      let expected = maximal.filter { !Self.isForgotten($0, under: floors, beside: maximal) }
      // A floor that waits for what was lost with a history may never be carried out, or was before: the tombstone stays, or is gone.
      let mayStay = maximal.filter {
        !Self.isForgotten($0, under: floors.filter { store.vector.dominates($0.after) }, beside: maximal)
      }
      droppedAtEnd += maximal.count - expected.count
      guard let set = store.current(tag) else {
        forbid(
          !expected.isEmpty && !wasErasedOnLostHistory(tag, under: floors), "region \(store.region) has no placement for \(tag)")
        continue
      }
      let held = Set(set.placements.map(\.position))
      forbid(
        !held.isSuperset(of: expected.map(\.position)) || !held.isSubset(of: mayStay.map(\.position)),
        "region \(store.region) holds \(set.placements.map(\.position)) of \(expected.map(\.position).sorted()) for \(tag)")
      let births = Set(
        records.filter { $0.placementEntry?.epoch == .first }.map { $0.placementEntry?.birth ?? $0.position })
      let isResolved = records.contains { $0.placementEntry?.covers.isEmpty == false }
      // A registration that was lost with its region's history counts where something that was made of it is left.
      let shown = Set(set.siblings.map(\.birth))
      let isWhole = shown.isSuperset(of: births) && shown.subtracting(births).allSatisfy { setBack[$0.log] != nil }
      forbid(
        births.count > 1 && !isResolved && maximal.count == expected.count && !isWhole,
        "\(tag) was registered at \(births.sorted()) and is contested with \(shown.sorted())")
      for erasure in records where erasure.placementEntry?.kind == .erase {
        guard case .settled(let placement) = set, placement.birth == erasure.placementEntry?.birth else { continue }
        forbid(placement.state != .erased, "\(tag), erased at \(erasure.position), has returned")
      }
    }
  }

  /// Whether somebody was told of an erasure that went with a history afterwards, and it was forgotten as others are.
  private func wasErasedOnLostHistory(_ tag: SubjectTag, under floors: [TombstoneFloor]) -> Bool {
    setBack.keys.contains { log in
      writtenAt.contains { position, records in
        position.log == log && floors.contains { $0.upTo.log == log && $0.upTo.seq >= position.seq }
          && records.contains { $0.placementEntry?.kind == .erase && $0.placementEntry?.tag == tag }
      }
    }
  }

  private static func isForgotten(_ record: LogRecord, under floors: [TombstoneFloor], beside maximal: [LogRecord]) -> Bool {
    guard let entry = record.placementEntry, entry.state == .erased else { return false }
    return floors.contains { $0.upTo.log == record.position.log && $0.upTo.seq >= record.position.seq }
      && !maximal.contains { $0.chain != record.chain && ($0.placementEntry?.birth ?? $0.position) == entry.birth }
  }

  /// Whether `later` was written by someone who knew of `earlier`.
  private static func supersedes(_ laterRecord: LogRecord, _ earlierRecord: LogRecord) -> Bool {
    guard let later = laterRecord.placementEntry, let earlier = earlierRecord.placementEntry else { return false }
    let laterBirth = later.birth ?? laterRecord.position
    if laterBirth == earlier.birth ?? earlierRecord.position, later.epoch == earlier.epoch, later.home == earlier.home,
      later.state == earlier.state, later.covers == earlier.covers, earlierRecord.position < laterRecord.position
    {
      return true
    }
    var known = earlier.covers.heights.map { (birth: $0.key, epoch: $0.value.epoch, isErased: $0.value.isErased) }
    known.append((earlier.birth ?? earlierRecord.position, earlier.epoch, earlier.state == .erased))
    return known.allSatisfy { item in
      if item.birth == laterBirth {
        return later.epoch > item.epoch && (later.state == .erased || !item.isErased)
      }
      guard let covered = later.covers.heights[item.birth] else { return false }
      return covered.epoch >= item.epoch && (covered.isErased || !item.isErased)
    }
  }
}

/// What an entry that is written anew has in common with the one that was lost.
private struct EntryContent: Hashable {
  let author: RegionOrdinal
  let timestamp: HybridTimestamp
  let about: SubjectTag
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

  fileprivate var content: EntryContent? {
    switch entry {
    case .placement(let entry): EntryContent(author: position.origin, timestamp: entry.timestamp, about: entry.tag)
    case .document(let entry):
      EntryContent(author: position.origin, timestamp: entry.timestamp, about: entry.id.tag(simulatedDigest))
    case .floor: nil
    }
  }
}

extension PlacementSet {
  fileprivate func isAtHome(in region: RegionOrdinal) -> Bool {
    guard case .settled(let placement) = self else { return false }
    return placement.home == region && placement.state != .erased
  }
}
