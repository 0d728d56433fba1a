import Residency

/// How a recipient's place lies to the home, as far as that is known: all that `locality` asks besides the bloc.
enum Nearness: Int, Sendable, CaseIterable {
  case apart
  case sameRegion
  /// In the home's jurisdiction.
  case otherRegion, unknownRegion
  /// Of the recipient only the country is known, of which the home is a part.
  case perhapsOtherRegion, perhapsUnknownRegion

  init(of hop: Place, to home: Place) {
    let isNear = hop.jurisdiction.isWithin(home.jurisdiction)
    if let there = hop.region, let here = home.region {
      self = there == here ? .sameRegion : isNear == .yes ? .otherRegion : isNear == .unknown ? .perhapsOtherRegion : .apart
    } else {
      self = isNear == .yes ? .unknownRegion : isNear == .unknown ? .perhapsUnknownRegion : .apart
    }
  }

  /// Whether it is the home region.
  var region: Truth {
    switch self {
    case .sameRegion: .yes
    case .unknownRegion, .perhapsUnknownRegion: .unknown
    case .apart, .otherRegion, .perhapsOtherRegion: .no
    }
  }

  /// Whether it is in the home's jurisdiction.
  var jurisdiction: Truth {
    switch self {
    case .sameRegion, .otherRegion, .unknownRegion: .yes
    case .perhapsOtherRegion, .perhapsUnknownRegion: .unknown
    case .apart: .no
    }
  }
}
