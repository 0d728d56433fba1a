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
  private let places: DomainPlaces

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
    let told = sets.flatMap { Memberships.sets($0.rules, $0.agreements) + $0.invariants.compactMap(\.placesToReach) }
    let atoms = JurisdictionAtoms(of: Array(Set(told)), on: day)
    self.atoms = atoms
    var named: Set<RegionID> = []
    for condition in sets.flatMap({ $0.rules.flatMap { $0.conditions + $0.exceptions } }) {
      if case .requesterRegion(let regions) = condition { named.formUnion(regions) }
    }
    let regions = named.sorted().compactMap { region in
      sets.lazy.compactMap { $0.regions[region] }.first.map { (id: region, jurisdiction: $0) }
    }
    homes =
      (0..<atoms.count).map { Home(atom: $0, region: nil) }
      + regions.map { Home(atom: atoms.atom(of: $0.jurisdiction), region: $0.id) }
    let targets = (0..<atoms.count).map(DomainHop.Target.atom) + regions.map { .region($0.id) }
    hops =
      [DomainHop(target: .sameRegion, isNear: .yes)]
      + targets.flatMap { target in [Truth.yes, .unknown, .no].map { DomainHop(target: target, isNear: $0) } }
    places = DomainPlaces(atoms, homes, hops, regions: Dictionary(uniqueKeysWithValues: regions.map { ($0.id, $0.jurisdiction) }))
    cells = Set(tables.flatMap(\.cells.keys)).filter { $0.collection != nil }.sorted()
    purposes = Set(sets.flatMap(\.vocabulary.purposes)).sorted()
  }

  /// Where a place of an atom is, for people: `DE` for one, and how many more.
  func name(ofAtom atom: Int) -> String {
    let members = atoms.members[atom]
    if atom == atoms.elsewhere { return "elsewhere" }
    if members[0].isInvented { return "\(members[0].country), other parts" }
    return members.count == 1 ? members[0].rawValue : "\(members[0])+\(members.count - 1)"
  }

  func name(ofHome home: Int) -> String { homes[home].region?.rawValue ?? name(ofAtom: homes[home].atom) }

  func name(of hop: Int, home: Int) -> String {
    let pair = places.pair(home: home, hop: hop)
    switch hops[hop].target {
    case .sameRegion: return "same region"
    case .region(let region): return region.rawValue
    case .atom(let atom):
      guard let pair, atom == homes[home].atom || hops[hop].isNear != .no else { return name(ofAtom: atom) }
      let there = name(of: pair.hop.jurisdiction)
      switch hops[hop].isNear {
      case .yes where pair.hop.jurisdiction == pair.home.jurisdiction: return "\(there), another region"
      case .unknown: return "\(there), perhaps there"
      case .yes, .no: return there
      }
    }
  }

  /// A home as it has to be for a hop, where that is not anywhere in the home's atom.
  func name(ofHome home: Int, for hop: Int) -> String {
    guard homes[home].region == nil, let pair = places.pair(home: home, hop: hop) else { return name(ofHome: home) }
    let jurisdiction = pair.home.jurisdiction
    return jurisdiction == atoms.representatives[homes[home].atom] ? name(ofHome: home) : name(of: jurisdiction)
  }

  private func name(of jurisdiction: Jurisdiction) -> String {
    jurisdiction.isInvented ? "\(jurisdiction.country), part \(jurisdiction.rawValue.suffix(1))" : jurisdiction.rawValue
  }

  /// The home that stands for an atom, wherever data goes.
  func place(ofHome home: Int) -> Place { places.place(ofHome: home) }

  /// A home and where data goes from it.
  /// - Returns: `nil` where there are no such places.
  func places(of hop: Int, home: Int) -> (home: Place, hop: Place)? { places.pair(home: home, hop: hop) }
}

extension Invariant {
  fileprivate var placesToReach: JurisdictionSet? {
    if case .unreachable(.jurisdictions(let set)) = demand { set } else { nil }
  }

  /// On which the places that must not be reached change.
  var daysOfReach: Set<CalendarDate> { placesToReach?.days ?? [] }
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
      hops: isStore ? [0] : hops.indices.filter { places.pair(home: home, hop: $0) != nil },
      cells: isStore ? [RuleTable.Cell(collection: nil, dataClass: nil)] : cells, purposes: isStore ? [nil] : purposes,
      consents: keys.contains(.consent) ? [nil, .implied, .explicit] : [nil],
      people: DomainPerson.all(keys, asking, sets.flatMap(\.principals), on: day))
  }

  /// The request that a coordinate stands for.
  func request(_ coordinate: Coordinate) -> AccessRequest {
    let home = place(ofHome: coordinate.home)
    let pair = places.pair(home: coordinate.home, hop: coordinate.hop) ?? (home, home)
    let person = coordinate.person
    return AccessRequest(
      action: coordinate.action, home: pair.home, hops: [pair.hop],
      collection: coordinate.cell.collection, purpose: coordinate.purpose, principal: person.principal ?? "somebody",
      consent: .known(coordinate.consent), residence: person.residence.map(Fact.known) ?? .unknown,
      firstWrite: person.firstWrite.map(Fact.known) ?? .unknown,
      transferredThisYear: person.transferred(coordinate.cell.dataClass),
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
