package import Residency

/// How regions are kept from each other.
package enum Partition: String, Hashable, Sendable, CaseIterable {
  /// One region apart from all others.
  case single
  /// Fewer than half apart from the rest.
  case minority
  /// Groups of which none has most regions.
  case noMajority = "no-majority"
  /// Every region alone.
  case complete
  /// Two groups that only one region reaches, which reaches both.
  case bridge
  /// What one region sends does not arrive; it gets what the others send.
  case oneWay = "one-way"
  /// One region apart from all others and back, several times a second.
  case flapping

  /// Regions that reach each other, and nobody else; `nil` where they do not fall into groups.
  package func groups(of regions: [RegionID]) -> [[RegionID]]? {
    switch self {
    case .single: [Array(regions.prefix(1)), Array(regions.dropFirst())]
    case .minority: [Array(regions.prefix((regions.count - 1) / 2)), Array(regions.dropFirst((regions.count - 1) / 2))]
    case .noMajority:
      stride(from: 0, to: regions.count, by: regions.count / 2).map { start in
        Array(regions[start..<min(start + regions.count / 2, regions.count)])
      }
    case .complete: regions.map { [$0] }
    case .bridge, .oneWay, .flapping: nil
    }
  }

  /// The ways that are cut.
  package func cuts(among regions: [RegionID]) -> Set<LinkDirection> {
    guard let first = regions.first else { return [] }
    if let groups = groups(of: regions) {
      let group = Dictionary(uniqueKeysWithValues: groups.enumerated().flatMap { index, ids in ids.map { ($0, index) } })
      return Self.ways(among: regions) { group[$0] != group[$1] }
    }
    switch self {
    case .bridge:
      let middle = regions.count / 2
      let side = Dictionary(uniqueKeysWithValues: regions.enumerated().map { ($1, $0 < middle ? -1 : $0 > middle ? 1 : 0) })
      return Self.ways(among: regions) { (side[$0] ?? 0) * (side[$1] ?? 0) < 0 }
    case .oneWay: return Self.ways(among: regions) { from, _ in from == first }
    default: return Self.ways(among: regions) { $0 == first || $1 == first }
    }
  }

  private static func ways(among regions: [RegionID], where isCut: (RegionID, RegionID) -> Bool) -> Set<LinkDirection> {
    var ways: Set<LinkDirection> = []
    for from in regions {
      for to in regions where from != to && isCut(from, to) { ways.insert(LinkDirection(from: from, to: to)) }
    }
    return ways
  }
}
