import Residency

/// Every situation that some policy sets can tell apart on the days of one epoch. What is shown for all of them is shown for every
/// request whose facts are known; a fact that is not known can only narrow.
///
/// Jurisdictions that no rule tells apart are one atom. Places are regions: what a rule says of the home region, of another in its
/// jurisdiction and of one elsewhere is told apart, and so are regions that a rule names.
struct Domain: Sendable {
  let sets: [PolicySet]
  let day: CalendarDate
  let atoms: JurisdictionAtoms
  let homes: [Home]
  let hops: [DomainHop]
  let cells: [RuleTable.Cell]
  let purposes: [Purpose]
  private let tables: [RuleTable]

  /// Where a person may be at home: somewhere in an atom, or in a region that some rule names.
  struct Home: Hashable, Sendable {
    let atom: Int
    let region: RegionID?
  }

  /// - Parameter sets: whose rules are to tell situations apart; of several (the old and the new) all do.
  init(_ sets: [PolicySet], on day: CalendarDate) {
    self.sets = sets
    self.day = day
    tables = sets.map { $0.compiled.table(on: day) }
    atoms = JurisdictionAtoms(of: Set(sets.flatMap { Memberships.sets($0.rules, $0.agreements) }).map { $0 }, on: day)
    var named: Set<RegionID> = []
    for condition in sets.flatMap({ $0.rules.flatMap { $0.conditions + $0.exceptions } }) {
      if case .requesterRegion(let regions) = condition { named.formUnion(regions) }
    }
    let atoms = atoms
    homes =
      (0..<atoms.count).map { Home(atom: $0, region: nil) }
      + named.sorted().compactMap { region in
        sets.lazy.compactMap { $0.regions[region] }.first.map { Home(atom: atoms.atom(of: $0), region: region) }
      }
    hops = [.sameRegion, .otherRegion, .sibling] + (0..<atoms.count).map(DomainHop.atom) + named.sorted().map(DomainHop.region)
    cells = Set(tables.flatMap(\.cells.keys)).filter { $0.collection != nil }.sorted()
    purposes = Set(sets.flatMap(\.vocabulary.purposes)).sorted()
  }

  /// Where a place of an atom is, for people: `DE` for one, and how many more.
  func name(ofAtom atom: Int) -> String {
    let members = atoms.members[atom]
    if atom == atoms.elsewhere { return "elsewhere" }
    if members[0].rawValue.hasSuffix("-ZZZ") { return "\(members[0].country), other parts" }
    return members.count == 1 ? members[0].rawValue : "\(members[0])+\(members.count - 1)"
  }

  func name(ofHome home: Int) -> String { homes[home].region?.rawValue ?? name(ofAtom: homes[home].atom) }

  func name(of hop: DomainHop, home: Int) -> String {
    switch hop {
    case .sameRegion: "same region"
    case .otherRegion: "\(jurisdiction(ofHome: home)), another region"
    case .sibling: sibling(of: home).map(\.rawValue) ?? "-"
    case .atom(let atom): name(ofAtom: atom)
    case .region(let region): region.rawValue
    }
  }

  private func sibling(of home: Int) -> Jurisdiction? {
    let atom = homes[home].atom
    let own = jurisdiction(ofHome: home)
    if let other = atoms.members[atom].first(where: { $0 != own }) { return other }
    guard atom == atoms.elsewhere else { return nil }
    // Somewhere else than elsewhere's representative, that no rule mentions either.
    let known = Set(atoms.members.joined())
    return Jurisdiction.countries.sorted().lazy.compactMap { Jurisdiction($0) }.first { !known.contains($0) }
  }

  private static let homeRegion = RegionID("home-region")
  private static let otherRegion = RegionID("other-region")

  func place(ofHome home: Int) -> Place {
    Place(region: homes[home].region ?? Self.homeRegion, jurisdiction: jurisdiction(ofHome: home))
  }

  private func jurisdiction(ofHome home: Int) -> Jurisdiction {
    homes[home].region.flatMap { region in sets.lazy.compactMap { $0.regions[region] }.first }
      ?? atoms.representatives[homes[home].atom]
  }

  /// - Returns: `nil` where there is no such place for this home.
  func place(of hop: DomainHop, home: Int) -> Place? {
    switch hop {
    case .sameRegion: return place(ofHome: home)
    case .otherRegion: return Place(region: Self.otherRegion, jurisdiction: jurisdiction(ofHome: home))
    case .sibling: return sibling(of: home).map { Place(region: Self.otherRegion, jurisdiction: $0) }
    case .atom(let atom):
      return atom == homes[home].atom ? nil : Place(region: Self.otherRegion, jurisdiction: atoms.representatives[atom])
    case .region(let region):
      guard region != homes[home].region else { return nil }
      return sets.lazy.compactMap { $0.regions[region] }.first.map { Place(region: region, jurisdiction: $0) }
    }
  }

  /// The atom that data on this hop is in.
  func atom(of hop: DomainHop, home: Int) -> Int? { place(of: hop, home: home).map { atoms.atom(of: $0.jurisdiction) } }
}

extension RuleTable.Cell: Comparable {
  static func < (left: Self, right: Self) -> Bool {
    (left.collection?.rawValue ?? "", left.dataClass?.rawValue ?? "") < (
      right.collection?.rawValue ?? "", right.dataClass?.rawValue ?? ""
    )
  }
}

extension Domain {
  /// The part of the domain that is about one action and one home.
  struct Slice: Sendable {
    let action: Action
    let home: Int
    /// By place in the domain's; those that are no place for this home are left out.
    let hops: [Int]
    let cells: [RuleTable.Cell]
    let purposes: [Purpose?]
    /// One, where no rule asks for consent.
    let consents: [ConsentKind?]
    let people: [DomainPerson]

    var count: Int { hops.count * cells.count * purposes.count * consents.count * people.count }
  }

  /// One situation.
  struct Coordinate: Hashable, Sendable {
    var action: Action
    var home: Int
    var hop: Int
    var cell: RuleTable.Cell
    var purpose: Purpose?
    /// `nil` also where it does not matter.
    var consent: ConsentKind?
    var person: DomainPerson
  }

  func slice(_ action: Action, home: Int) -> Slice {
    let place = place(ofHome: home)
    var keys: Set<ConditionKey> = []
    var asking: [Rule] = []
    for set in sets {
      for rule in set.rules where rule.actions.contains(action) && rule.period.contains(day) {
        guard rule.pack.map({ $0.contains(place.jurisdiction, on: day) != .no }) ?? true else { continue }
        asking.append(rule)
        keys.formUnion((rule.conditions + rule.exceptions).map(\.key))
      }
    }
    let isStore = action == .store
    return Slice(
      action: action, home: home,
      hops: isStore ? [0] : hops.indices.filter { self.place(of: hops[$0], home: home) != nil },
      cells: isStore ? [RuleTable.Cell(collection: nil, dataClass: nil)] : cells, purposes: isStore ? [nil] : purposes,
      consents: keys.contains(.consent) ? [nil, .implied, .explicit] : [nil],
      people: DomainPerson.all(keys, asking, sets.flatMap(\.principals), on: day))
  }

  /// The request that a coordinate stands for.
  func request(_ coordinate: Coordinate) -> AccessRequest {
    let home = place(ofHome: coordinate.home)
    let person = coordinate.person
    return AccessRequest(
      action: coordinate.action, home: home, hops: [place(of: hops[coordinate.hop], home: coordinate.home) ?? home],
      collection: coordinate.cell.collection, purpose: coordinate.purpose, principal: person.principal ?? "somebody",
      consent: .known(coordinate.consent), residence: person.residence.map(Fact.known) ?? .unknown,
      firstWrite: person.firstWrite.map(Fact.known) ?? .unknown,
      transferredThisYear: person.transferredThisYear.flatMap { count in coordinate.cell.dataClass.map { [$0: count] } } ?? [:],
      now: day)
  }

  /// Every situation of a slice, with the rules of each set that apply in it; `nil` where a set does not know the cell or the purpose.
  func scan(_ slice: Slice, _ body: (_ place: SlicePlace, _ applying: [RuleBits?]) -> Void) {
    let scanners = zip(sets, tables).map { SliceScanner(self, slice, set: $0, table: $1) }
    var bits = tables.map { Optional(RuleBits(count: $0.wordCount)) }
    var place = SlicePlace()
    for hop in slice.hops.indices {
      place.hop = hop
      for cell in slice.cells.indices {
        place.cell = cell
        for purpose in slice.purposes.indices {
          place.purpose = purpose
          for consent in slice.consents.indices {
            place.consent = consent
            for person in slice.people.indices {
              place.person = person
              for index in scanners.indices { scanners[index].apply(place, into: &bits[index]) }
              body(place, bits)
            }
          }
        }
      }
    }
  }

  func coordinate(_ place: SlicePlace, in slice: Slice) -> Coordinate {
    Coordinate(
      action: slice.action, home: slice.home, hop: slice.hops[place.hop], cell: slice.cells[place.cell],
      purpose: slice.purposes[place.purpose], consent: slice.consents[place.consent], person: slice.people[place.person])
  }

  /// A coordinate of a slice, by places in the slice's lists.
  struct SlicePlace: Hashable, Sendable {
    var hop = 0
    var cell = 0
    var purpose = 0
    var consent = 0
    var person = 0
  }
}
