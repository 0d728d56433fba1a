import Residency

@testable import Directory

/// Watches a run and says what was promised and not kept. It knows the rules by itself: it uses none of the code that merges.
struct SimulationChecker {
  private(set) var violations: [String] = []
  private(set) var contestedAtEnd = 0
  private(set) var committedCount = 0
  private(set) var lookupCount = 0
  private var committedRecords: [LogPosition: LogRecord] = [:]
  private var fenced: Set<LogID> = []
  /// Per log, the last entry that its region held when it was set back; later ones may be gone for good.
  private var setBack: [LogID: UInt64] = [:]

  mutating func heard(_ report: PeerReport) {
    switch report {
    case .fenced(let log, _), .ownHistoryLost(let log, _, _): fenced.insert(log)
    case .health, .needsSnapshot: break
    }
  }

  mutating func historyIsLost(of store: SimulatedStore, backTo backup: SimulatedStore) {
    setBack[store.own] = backup.heads[store.own]?.seq ?? 0
  }

  mutating func vectorMoved(from before: VersionVector, to after: VersionVector) {
    for position in before.positions where after[position.log] < position.seq {
      violations.append("a version vector went back in log \(position.log): \(position.seq) to \(after[position.log])")
    }
  }

  /// A client has its answer: from here on the write must not be lost, and its own region shows it at once.
  mutating func committed(_ record: LogRecord, in store: SimulatedStore) {
    committedCount += 1
    lookupCount += 1
    committedRecords[record.position] = record
    guard record.entry.kind == .register else { return }
    guard case .local(let placement) = PlacementLookup(store.current(record.entry.tag), at: store.region),
      placement.birth == record.position
    else {
      violations.append("region \(store.region) does not find what it has just registered at \(record.position)")
      return
    }
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
    if !fits { violations.append("region \(store.region) refused with \(refusal) where it finds \(lookup)") }
  }

  mutating func acknowledged(_ position: LogPosition, holder: SimulatedStore, isUp: Bool) {
    guard isUp, setBack.isEmpty, !holder.vector.includes(position) else { return }
    violations.append("region \(holder.region) acknowledged \(position) and does not hold it")
  }
}

extension SimulationChecker {
  mutating func checkEnd(of regions: [SimulatedRegion], unnoticedRestores: Bool) throws {
    let stores = regions.map(\.store)
    checkLogs(stores)
    // After an unnoticed restore two histories stand until the region takes a new incarnation: they must have been seen.
    guard !unnoticedRestores else { return }
    guard let first = stores.first else { return }
    for store in stores.dropFirst() {
      if store.vector != first.vector {
        violations.append("regions \(first.region) and \(store.region) hold different logs a minute after healing")
      }
      if store.rows != first.rows {
        violations.append("regions \(first.region) and \(store.region) hold different placements")
      }
    }
    if !fenced.isEmpty { violations.append("fenced without a reason: \(fenced.sorted())") }
    checkNothingLost(stores)
    for store in stores { checkPlacements(store) }
    contestedAtEnd = first.sets.values.count { $0.isContested }
  }

  /// Every copy of a log is the same as far as it goes, its chain fits its bytes, and its numbers have no gaps.
  private mutating func checkLogs(_ stores: [SimulatedStore]) {
    var longest: [LogID: [LogRecord]] = [:]
    for store in stores {
      for (log, records) in store.logs {
        var chain = ChainHash.start(of: log, digest: testDigest)
        for (index, record) in records.enumerated() {
          chain = .next(chain, record.bytes, digest: testDigest)
          if record.position.seq != UInt64(index + 1) { violations.append("log \(log) has a gap at \(record.position)") }
          if record.chain != chain, !fenced.contains(log) { violations.append("a chain breaks at \(record.position)") }
        }
        let other = longest[log] ?? []
        if zip(records, other).contains(where: { $0.bytes != $1.bytes }), !fenced.contains(log) {
          violations.append("log \(log) has two histories and nobody was told")
        }
        if records.count > other.count { longest[log] = records }
      }
    }
  }

  private mutating func checkNothingLost(_ stores: [SimulatedStore]) {
    for (position, record) in committedRecords {
      if let kept = setBack[position.log], position.seq > kept { continue }
      for store in stores where store.logs[position.log]?.contains(where: { $0.bytes == record.bytes }) != true {
        violations.append("region \(store.region) lacks the acknowledged entry \(position)")
      }
    }
  }

  /// The placements of a store against what its own logs say, worked out from the rules as they are written down.
  private mutating func checkPlacements(_ store: SimulatedStore) {
    var facts: [SubjectTag: [LogRecord]] = [:]
    for record in store.logs.values.joined() { facts[record.entry.tag, default: []].append(record) }
    for (tag, records) in facts {
      guard let set = store.current(tag) else {
        violations.append("region \(store.region) has no placement for \(tag)")
        continue
      }
      let expected = records.filter { record in !records.contains { Self.supersedes($0, record) } }
      if Set(expected.map(\.position)) != Set(set.placements.map(\.position)) {
        violations.append(
          "region \(store.region) holds \(set.placements.map(\.position)) of \(expected.map(\.position).sorted()) for \(tag)")
      }
      let births = Set(records.filter { $0.entry.kind == .register }.map(\.position))
      let isResolved = records.contains { $0.entry.kind == .resolve }
      if births.count > 1, !isResolved, Set(set.siblings.map(\.birth)) != births {
        violations.append("\(tag) was registered \(births.count) times and is not contested with all of them")
      }
      for erasure in records where erasure.entry.kind == .erase {
        guard case .settled(let placement) = set, placement.birth == erasure.entry.birth, placement.state != .erased else {
          continue
        }
        violations.append("\(tag), erased at \(erasure.position), has returned")
      }
    }
  }

  /// Whether `later` was written by someone who knew of `earlier`.
  private static func supersedes(_ later: LogRecord, _ earlier: LogRecord) -> Bool {
    func birth(_ record: LogRecord) -> LogPosition { record.entry.birth ?? record.position }
    var known = earlier.entry.covers.heights.map { (birth: $0.key, epoch: $0.value.epoch, isErased: $0.value.isErased) }
    known.append((birth(earlier), earlier.entry.epoch, earlier.entry.state == .erased))
    return known.allSatisfy { item in
      if item.birth == birth(later) {
        return later.entry.epoch > item.epoch && (later.entry.state == .erased || !item.isErased)
      }
      guard let covered = later.entry.covers.heights[item.birth] else { return false }
      return covered.epoch >= item.epoch && (covered.isErased || !item.isErased)
    }
  }
}
