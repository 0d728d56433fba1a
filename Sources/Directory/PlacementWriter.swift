package import Residency

/// Why a region may not write what it was asked to. The current facts are its own copy's.
package enum PlacementRefusal: Error, Hashable, Sendable {
  case unknown
  case alreadyRegistered(home: RegionOrdinal)
  case erased
  /// Several registrations stand: nothing moves and nothing is deleted until they are resolved.
  case contested
  /// Only the home writes.
  case notHome(home: RegionOrdinal)
  case alreadyThere
  case alreadyInState(PlacementState)
  case notContested
  /// No sibling of that birth is at this region.
  case notASibling
  /// More registrations than one resolution can cover.
  case tooManySiblings
  /// The epoch cannot be raised any more.
  case epochExhausted
}

/// Makes the entries that one region may write. No other code makes an entry, so every write in this region's log is by the
/// home of the epoch before it.
package struct PlacementWriter: Sendable {
  package let region: RegionOrdinal

  package init(region: RegionOrdinal) { self.region = region }

  /// Registers a subject with this region as its home.
  /// - Parameter current: what this region's copy holds for the tag, read in the transaction that will append the entry.
  package func register(
    _ tag: SubjectTag, current: PlacementSet?, timestamp: HybridTimestamp
  ) throws(PlacementRefusal) -> DirectoryEntry {
    switch current {
    case nil:
      return DirectoryEntry(
        kind: .register, tag: tag, birth: nil, epoch: .first, home: region, state: .active, timestamp: timestamp)
    case .settled(let placement) where placement.state == .erased: throw .erased
    case .settled(let placement): throw .alreadyRegistered(home: placement.home)
    case .contested: throw .contested
    }
  }

  /// Hands the subject over to `home`.
  package func move(
    _ current: PlacementSet?, to home: RegionOrdinal, timestamp: HybridTimestamp
  ) throws(PlacementRefusal) -> DirectoryEntry {
    let placement = try owned(current)
    guard home != region else { throw .alreadyThere }
    return try successor(of: placement, kind: .move, home: home, state: .active, timestamp)
  }

  package func freeze(_ current: PlacementSet?, timestamp: HybridTimestamp) throws(PlacementRefusal) -> DirectoryEntry {
    try change(current, to: .frozen, timestamp)
  }

  package func thaw(_ current: PlacementSet?, timestamp: HybridTimestamp) throws(PlacementRefusal) -> DirectoryEntry {
    try change(current, to: .active, timestamp)
  }

  /// Leaves a tombstone: the birth never returns.
  package func erase(_ current: PlacementSet?, timestamp: HybridTimestamp) throws(PlacementRefusal) -> DirectoryEntry {
    try successor(of: try owned(current), kind: .erase, home: region, state: .erased, timestamp)
  }

  /// Settles a contest in favour of the registration `birth`, whose home is this region. Where a sibling of that birth is erased,
  /// the resolution completes the erasure: nobody returns by it.
  ///
  /// The caller has asked every involved region, and has seen to the accounts that the others hold.
  package func resolve(
    _ current: PlacementSet?, keep birth: LogPosition, timestamp: HybridTimestamp
  ) throws(PlacementRefusal) -> DirectoryEntry {
    guard let current else { throw .unknown }
    guard case .contested(let siblings) = current else { throw .notContested }
    guard siblings.contains(where: { $0.birth == birth && $0.home == region }) else { throw .notASibling }
    var knowledge = Coverage.none
    for sibling in siblings { knowledge.join(sibling.knowledge) }
    guard let height = knowledge.heights[birth] else { throw .notASibling }
    let covers = knowledge.without(birth)
    guard covers.heights.count <= Coverage.birthsMax else { throw .tooManySiblings }
    return DirectoryEntry(
      kind: .resolve, tag: current.tag, birth: birth, epoch: try raised(height.epoch), home: region,
      state: height.isErased ? .erased : .active, covers: covers, timestamp: timestamp)
  }

  private func change(
    _ current: PlacementSet?, to state: PlacementState, _ timestamp: HybridTimestamp
  ) throws(PlacementRefusal) -> DirectoryEntry {
    let placement = try owned(current)
    guard placement.state != state else { throw .alreadyInState(state) }
    return try successor(of: placement, kind: .change, home: region, state: state, timestamp)
  }

  /// The settled placement of a subject whose home this region is.
  private func owned(_ current: PlacementSet?) throws(PlacementRefusal) -> Placement {
    switch current {
    case nil: throw .unknown
    case .contested: throw .contested
    case .settled(let placement) where placement.state == .erased: throw .erased
    case .settled(let placement):
      guard placement.home == region else { throw .notHome(home: placement.home) }
      return placement
    }
  }

  private func successor(
    of placement: Placement, kind: DirectoryEntry.Kind, home: RegionOrdinal, state: PlacementState, _ timestamp: HybridTimestamp
  ) throws(PlacementRefusal) -> DirectoryEntry {
    DirectoryEntry(
      kind: kind, tag: placement.tag, birth: placement.birth, epoch: try raised(placement.epoch), home: home, state: state,
      covers: placement.covers, timestamp: timestamp)
  }

  private func raised(_ epoch: Epoch) throws(PlacementRefusal) -> Epoch {
    guard epoch.rawValue < .storableMax else { throw .epochExhausted }
    return Epoch(epoch.rawValue + 1)
  }
}
