import Residency

/// Where data may go, as seen from a home: to a place that rules tell apart from others, and near the home or not. Rules that speak of
/// `locality` tell apart what lies in the home's jurisdiction, whatever else they make of the two places.
struct DomainHop: Hashable, Sendable {
  enum Target: Hashable, Sendable {
    /// The home region itself.
    case sameRegion
    /// Another region, in a jurisdiction of the atom.
    case atom(Int)
    /// A region that some rule names.
    case region(RegionID)
  }

  let target: Target
  /// Whether it lies in the home's jurisdiction. It is not known of a whole country as seen from a part of it.
  let isNear: Truth
}

/// For every home and every hop two places that are as the hop says. Of those that are, one pair is as good as another: no rule tells them
/// apart.
struct DomainPlaces: Sendable {
  private let homes: [Place]
  private let pairs: [[Pair?]]

  private struct Pair: Sendable {
    let home: Place
    let hop: Place
  }

  private static let homeRegion = RegionID("home-region")
  private static let otherRegion = RegionID("other-region")

  init(_ atoms: JurisdictionAtoms, _ homes: [Domain.Home], _ hops: [DomainHop], regions: [RegionID: Jurisdiction]) {
    let candidates = (0..<atoms.count).map(atoms.candidates)
    let homePlaces = homes.map { home in
      Place(
        region: home.region ?? Self.homeRegion,
        jurisdiction: home.region.flatMap { regions[$0] } ?? atoms.representatives[home.atom])
    }
    self.homes = homePlaces
    pairs = zip(homes, homePlaces).map { home, place in
      let here = home.region == nil ? candidates[home.atom] : [place.jurisdiction]
      return hops.map { hop in
        let there: [Jurisdiction]
        var region = Self.otherRegion
        switch hop.target {
        case .sameRegion: return Pair(home: place, hop: place)
        case .atom(let atom): there = candidates[atom]
        case .region(let id):
          guard id != home.region, let jurisdiction = regions[id] else { return nil }
          (there, region) = ([jurisdiction], id)
        }
        for from in here {
          for to in there where to.isWithin(from) == hop.isNear {
            return Pair(home: Place(region: place.region, jurisdiction: from), hop: Place(region: region, jurisdiction: to))
          }
        }
        return nil
      }
    }
  }

  func place(ofHome home: Int) -> Place { homes[home] }

  func pair(home: Int, hop: Int) -> (home: Place, hop: Place)? { pairs[home][hop].map { ($0.home, $0.hop) } }
}
