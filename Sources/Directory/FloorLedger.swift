package import Residency

/// The floors that a region has read in the logs: which it still has to carry out, and how far it must have come to have carried out
/// the others.
///
/// It depends on nothing but the version vector: regions that hold the same logs have forgotten the same tombstones.
package struct FloorLedger: Hashable, Sendable {
  /// By where they stand. They wait until this region holds all that their writer knew.
  package private(set) var pending: [LogPosition: TombstoneFloor]
  /// Who holds this has carried out every floor that was carried out here.
  package private(set) var reached: VersionVector
  /// Per log, how far its tombstones have been forgotten.
  package private(set) var forgotten: VersionVector

  package init(
    pending: [LogPosition: TombstoneFloor] = [:], reached: VersionVector = VersionVector(),
    forgotten: VersionVector = VersionVector()
  ) {
    self.pending = pending
    self.reached = reached
    self.forgotten = forgotten
  }

  package mutating func note(_ records: [LogRecord]) {
    for record in records {
      if case .floor(let floor) = record.entry { pending[record.position] = floor }
    }
  }

  /// Takes over what another region has to carry out, with a snapshot of it.
  package mutating func note(_ other: FloorLedger) {
    pending.merge(other.pending) { known, _ in known }
    reached.join(other.reached)
    forgotten.join(other.forgotten)
  }

  /// Carries out what is due.
  /// - Parameters:
  ///   - vector: what this region holds.
  ///   - members: what the others have last said that they hold. A place in a log that its region has closed, and that nobody holds any
  ///     more, was lost with a history: it is not waited for.
  /// - Returns: whether more is forgotten now: ``changes(current:)`` says what.
  package mutating func advance(to vector: VersionVector, members: some Sequence<VersionVector>) -> Bool {
    guard !pending.isEmpty else { return false }
    let known = members.reduce(vector) { $0.joined(with: $1) }
    func isReached(_ position: LogPosition) -> Bool {
      vector.includes(position) || (!known.includes(position) && known.hasLog(after: position.log))
    }
    let due = pending.filter { vector.includes($0.key) && $0.value.after.positions.allSatisfy(isReached) }
    for (position, floor) in due {
      pending[position] = nil
      for place in floor.after.positions where vector.includes(place) { reached.advance(to: place) }
      reached.advance(to: position)
      forgotten.advance(to: floor.upTo)
    }
    return !due.isEmpty
  }

  /// What forgetting changes.
  ///
  /// A tombstone goes also where a registration of another birth stands beside it: whether that one was here already when the floor was
  /// carried out must make no difference. Beside a fact of its own birth, which only a lost history can have left, it stays until that
  /// is resolved: without it the subject would return.
  package func changes(current: [SubjectTag: PlacementSet]) -> [PlacementChange] {
    let after = current.compactMapValues { set -> PlacementSet?? in
      let kept = set.placements.filter { !forgets($0, in: set) }
      return kept.count < set.placements.count ? .some(PlacementSet(merging: kept)) : nil
    }
    return PlacementChange.changes(from: current, to: after)
  }

  /// Changes of another cause, without what is forgotten.
  package func pruning(_ changes: [PlacementChange]) -> [PlacementChange] {
    guard !forgotten.isEmpty else { return changes }
    return changes.compactMap { change in
      guard let set = change.after, set.placements.contains(where: { forgets($0, in: set) }) else { return change }
      let after = PlacementSet(merging: set.placements.filter { !forgets($0, in: set) })
      return after == change.before ? nil : PlacementChange(tag: change.tag, before: change.before, after: after)
    }
  }

  private func forgets(_ fact: Placement, in set: PlacementSet) -> Bool {
    guard fact.state == .erased, forgotten.includes(fact.position) else { return false }
    return !set.placements.contains { $0.birth == fact.birth && $0 != fact }
  }
}

/// A place in a region's own log up to which its tombstones may be forgotten some day.
package struct FloorCandidate: Hashable, Sendable {
  package let upTo: LogPosition
  /// What the region held when its log ended there.
  package let after: VersionVector
  /// Milliseconds since 1970 UTC, by this region's own clock.
  package let notedAt: UInt64

  package init(upTo: LogPosition, after: VersionVector, notedAt: UInt64) {
    self.upTo = upTo
    self.after = after
    self.notedAt = notedAt
  }
}

/// When tombstones may be forgotten: 30 days after they were written, and once every member holds all that was known then.
///
/// Who holds an erasure writes nothing about that subject any more. So all that was ever written about it lies within what the members
/// held when they said so: the floor waits for that, wherever it is read.
package struct FloorRule: Hashable, Sendable {
  package static let standardKeptFor = Duration.seconds(30 * 86_400)

  package let keptFor: Duration

  package init(keptFor: Duration = Self.standardKeptFor) { self.keptFor = keptFor }

  /// The floor to write; `nil` for none yet.
  /// - Parameters:
  ///   - members: what each member but this region has last said that it holds, its own log included.
  ///   - now: milliseconds since 1970 UTC.
  package func floor(
    among candidates: [FloorCandidate], members: [RegionOrdinal: VersionVector], now: UInt64
  ) -> TombstoneFloor? {
    let age = UInt64(max(0, keptFor / .milliseconds(1)))
    let due = candidates.filter { candidate in
      now >= candidate.notedAt && now - candidate.notedAt >= age
        && members.values.allSatisfy { $0.dominates(candidate.after) }
    }
    return due.max { $0.upTo < $1.upTo }.map { candidate in
      TombstoneFloor(upTo: candidate.upTo, after: members.values.reduce(candidate.after) { $0.joined(with: $1) })
    }
  }
}
