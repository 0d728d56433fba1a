import Directory
import Residency

extension SimulationChecker {
  /// The placements of a store against what its own logs say, worked out from the rules as they are written down.
  mutating func checkPlacements(_ store: SimulatedStore, _ history: [LogRecord]) {
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
        forbid(true, "region \(store.region) knows \(fact.position) of \(fact.tag) from nowhere")
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
