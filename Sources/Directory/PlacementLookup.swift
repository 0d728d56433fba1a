package import Residency

/// What one region's copy of the directory says about a tag: a hint where to ask, never a permission.
package enum PlacementLookup: Hashable, Sendable {
  /// This region is home.
  case local(Placement)
  case remote(home: RegionOrdinal, Placement)
  /// Several registrations stand. This region goes on serving its own account, where it has one; it routes nothing elsewhere.
  case contested(local: Placement?, siblings: [Placement])
  case erased(Placement)
  /// This region knows nothing of the tag; another region may.
  case unknown

  /// - Parameters:
  ///   - set: what the region holds for the tag; `nil` for nothing.
  ///   - region: the region that looks.
  package init(_ set: PlacementSet?, at region: RegionOrdinal) {
    switch set {
    case nil: self = .unknown
    case .settled(let placement) where placement.state == .erased: self = .erased(placement)
    case .settled(let placement) where placement.home == region: self = .local(placement)
    case .settled(let placement): self = .remote(home: placement.home, placement)
    case .contested(let siblings):
      let own = siblings.filter { $0.home == region && $0.state != .erased }
      self = .contested(local: own.max { $0.epoch < $1.epoch }, siblings: siblings)
    }
  }
}
