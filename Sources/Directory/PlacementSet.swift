package import Residency

/// How one fact about a tag stands to another.
package enum PlacementComparison: Hashable, Sendable {
  case equal
  /// The first knows everything the second knows, and more.
  case newer
  case older
  /// Neither knows the other: both are kept.
  case contested(Contest)

  package enum Contest: String, Hashable, Sendable {
    /// Two regions registered the tag while they were apart.
    case registeredTwice
    /// A region wrote one epoch twice, or wrote on after an erasure it no longer knew of.
    case historyLost
  }
}

extension Placement {
  /// Compares by what each fact knows, never by time.
  package func compared(to other: Placement) -> PlacementComparison {
    if self == other { return .equal }
    if supersedes(other) { return .newer }
    if other.supersedes(self) { return .older }
    return .contested(birth == other.birth ? .historyLost : .registeredTwice)
  }

  /// Whether this fact was written in full knowledge of `other`: a later epoch of the same birth, or a resolution that saw it.
  ///
  /// A fact that says the same from a later place of its region's logs was written anew there (``DirectoryEntry/Kind/restate``), and
  /// takes the earlier one's place.
  ///
  /// Of its own birth a fact must be strictly above all that `other` knows, of other births at least level with it. That is a
  /// strict partial order over whatever placements there are, which is what makes merging associative.
  func supersedes(_ other: Placement) -> Bool {
    if isRestated(from: other) { return true }
    // Nearly every placement covers nothing.
    if covers.isEmpty, other.covers.isEmpty { return birth == other.birth && isAbove(other.height) }
    return other.knowledge.heights.allSatisfy { birth, height in
      birth == self.birth ? isAbove(height) : covers.heights[birth]?.isAtLeast(height) ?? false
    }
  }

  private func isRestated(from other: Placement) -> Bool {
    birth == other.birth && epoch == other.epoch && home == other.home && state == other.state && covers == other.covers
      && other.position < position
  }

  /// A later epoch; but a fact that is not erased is never above an erasure, which only a lost history can have followed.
  private func isAbove(_ height: Coverage.Height) -> Bool {
    epoch > height.epoch && (state == .erased || !height.isErased)
  }
}

/// All that a region knows about the placement of one tag: the facts that no other known fact supersedes.
///
/// Merging keeps the maximal elements of a partial order, so it is idempotent, commutative and associative: regions that have
/// seen the same entries, in whatever order and how often, hold equal sets.
package enum PlacementSet: Hashable, Sendable {
  case settled(Placement)
  /// Two or more facts, ascending by ``LogPosition``. Nothing moves and nothing is deleted until a resolution.
  case contested([Placement])

  package init(_ placement: Placement) { self = .settled(placement) }

  /// The set that the rows of one tag hold.
  /// - Parameters:
  ///   - placement: the row of `placement`.
  ///   - siblings: the rows of `placement_sibling`; none for a settled tag.
  package init(placement: Placement, siblings: [Placement]) {
    self = siblings.reduce(.settled(placement)) { merge($0, $1) }
  }

  /// One fact where settled, all siblings where contested; ascending by position.
  package var placements: [Placement] {
    switch self {
    case .settled(let placement): [placement]
    case .contested(let siblings): siblings
    }
  }

  package var tag: SubjectTag { primary.tag }

  /// The fact for the row of `placement`: the only one, or the first sibling.
  package var primary: Placement {
    switch self {
    case .settled(let placement): placement
    case .contested(let siblings): siblings[0]
    }
  }

  /// The facts for the rows of `placement_sibling`: none where settled, all of them where contested.
  package var siblings: [Placement] {
    guard case .contested(let siblings) = self else { return [] }
    return siblings
  }

  package var isContested: Bool { !siblings.isEmpty }

  package func merged(with other: PlacementSet) -> PlacementSet {
    other.placements.reduce(self) { merge($0, $1) }
  }
}

/// What is known after `incoming` is learned too. Both are of one tag.
package func merge(_ local: PlacementSet, _ incoming: Placement) -> PlacementSet {
  precondition(local.tag == incoming.tag, "placements of two tags have no order")
  var kept: [Placement] = []
  for placement in local.placements {
    switch placement.compared(to: incoming) {
    case .equal, .newer: return local
    case .older: continue
    case .contested: kept.append(placement)
    }
  }
  guard !kept.isEmpty else { return .settled(incoming) }
  kept.append(incoming)
  return .contested(kept.sorted(by: inSiblingOrder))
}

/// By position; by content where a history was forked and one position holds two facts.
private func inSiblingOrder(_ left: Placement, _ right: Placement) -> Bool {
  if left.position != right.position { return left.position < right.position }
  return left.sortingBytes.lexicographicallyPrecedes(right.sortingBytes)
}

extension Placement {
  fileprivate var sortingBytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(birth)
    bytes.append(bigEndian: epoch.rawValue)
    bytes.append(bigEndian: home.rawValue)
    bytes.append(state.rawValue)
    covers.encode(to: &bytes)
    return bytes
  }
}

extension PlacementSet {
  /// What several facts of one tag come to; `nil` for none.
  package init?(joining facts: [Placement]) {
    guard let first = facts.first else { return nil }
    self = facts.dropFirst().reduce(.settled(first)) { merge($0, $1) }
  }
}
