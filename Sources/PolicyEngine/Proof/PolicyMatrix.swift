package import Residency

/// Every decision of a policy set on one day, as a table: from where, to where, of what, for what.
package struct PolicyMatrix: Sendable {
  /// What is decided, and by which rule.
  package struct Outcome: Hashable, Sendable {
    package let effect: CellOutcome.Effect
    package let rule: MatchedRule?
    /// The fields that the views are of, in order.
    package let fields: [String]
  }

  /// What is decided of one place in the table, for whom.
  package struct Entry: Hashable, Sendable {
    /// `explicit consent`, `residence RU`; empty where it is decided alike for everybody.
    package let condition: String
    /// Place among the matrix's outcomes.
    package let outcome: Int
  }

  /// One home's decisions on one action.
  package struct Plane: Sendable {
    package let action: Action
    package let home: Int
    /// By hop, cell and purpose, the last fastest: a place among the matrix's combinations; -1 where there is no such situation.
    package let combinations: [Int]
  }

  package let day: CalendarDate
  package let revision: String
  package let homes: [String]
  /// What each home's name stands for.
  package let homeMembers: [[Jurisdiction]]
  package let hops: [String]
  package let cells: [String]
  package let purposes: [String]
  package let outcomes: [Outcome]
  package let combinations: [[Entry]]
  package let planes: [Plane]
  package let situationCount: Int

  /// - Parameter actions: those that are asked about.
  package init(_ set: PolicySet, on day: CalendarDate, actions: [Action]) {
    let domain = Domain([set], on: day)
    let columns = Columns(domain)
    var collector = Collector()
    self.day = day
    revision = set.revision
    homes = domain.homes.indices.map(domain.name(ofHome:))
    homeMembers = domain.homes.map { home in home.region == nil ? domain.atoms.members[home.atom] : [] }
    hops = columns.names
    cells = domain.cells.map(\.name)
    purposes = domain.purposes.map(\.rawValue)
    var planes: [Plane] = []
    var situationCount = 0
    for action in actions {
      for home in domain.homes.indices {
        let slice = domain.slice(action, home: home)
        situationCount += slice.count
        planes.append(
          Plane(
            action: action, home: home,
            combinations: collector.combinations(of: slice, in: domain, columns, set, spread: action == .store)))
      }
    }
    self.planes = planes
    self.situationCount = situationCount
    outcomes = collector.outcomes
    combinations = collector.combinations
  }

  /// Where each hop is shown. What a home has near it has one column for all homes.
  private struct Columns {
    private enum Column: Hashable {
      case sameRegion, near, perhaps
      case target(DomainHop.Target)
      /// Where a home has both near and far places of one target.
      case nearTarget(DomainHop.Target, Truth)
    }

    let names: [String]
    private let places: [[Int]]

    init(_ domain: Domain) {
      let homes = domain.homes.indices
      let columns = homes.map { home in domain.hops.indices.map { Self.column(ofHop: $0, home: home, domain) } }
      let common: [Column] = [.sameRegion, .near, .perhaps]
      let targets = domain.hops.flatMap { hop -> [Column] in
        [.target(hop.target), .nearTarget(hop.target, .yes), .nearTarget(hop.target, .unknown)]
      }
      let used = Set(columns.joined().compactMap(\.self))
      var shown: [Column] = []
      for column in common + targets where used.contains(column) && !shown.contains(column) { shown.append(column) }
      names = shown.map { Self.name(of: $0, domain) }
      places = columns.map { $0.map { column in column.flatMap { shown.firstIndex(of: $0) } ?? 0 } }
    }

    func column(ofHop hop: Int, home: Int) -> Int { places[home][hop] }

    /// - Returns: `nil` where there is no such place for this home.
    private static func column(ofHop hop: Int, home: Int, _ domain: Domain) -> Column? {
      guard domain.places(of: hop, home: home) != nil else { return nil }
      let (target, isNear) = (domain.hops[hop].target, domain.hops[hop].isNear)
      if target == .sameRegion { return .sameRegion }
      if target == .atom(domain.homes[home].atom), isNear != .no { return isNear == .yes ? .near : .perhaps }
      let others = domain.hops.indices.filter {
        $0 != hop && domain.hops[$0].target == target && domain.places(of: $0, home: home) != nil
      }
      return others.isEmpty || isNear == .no ? .target(target) : .nearTarget(target, isNear)
    }

    private static func name(of column: Column, _ domain: Domain) -> String {
      func name(of target: DomainHop.Target) -> String {
        switch target {
        case .sameRegion: "same region"
        case .atom(let atom): domain.name(ofAtom: atom)
        case .region(let region): region.rawValue
        }
      }
      switch column {
      case .sameRegion: return "same region"
      case .near: return "another region there"
      case .perhaps: return "perhaps there"
      case .target(let target): return name(of: target)
      case .nearTarget(let target, let isNear): return "\(name(of: target)), \(isNear == .yes ? "there" : "perhaps there")"
      }
    }
  }

  /// Numbers what is found, each thing once.
  private struct Collector {
    private(set) var outcomes: [Outcome] = []
    private(set) var combinations: [[Entry]] = []
    private var outcomeNumbers: [Outcome: Int] = [:]
    private var combinationNumbers: [[Entry]: Int] = [:]

    mutating func number(_ outcome: Outcome) -> Int {
      if let known = outcomeNumbers[outcome] { return known }
      outcomeNumbers[outcome] = outcomes.count
      outcomes.append(outcome)
      return outcomes.count - 1
    }

    mutating func number(_ entries: [Entry]) -> Int {
      // Where everybody is treated alike, nobody has to be named.
      let all = Set(entries.map(\.outcome))
      let entries = all.count == 1 ? [Entry(condition: "", outcome: entries[0].outcome)] : entries
      if let known = combinationNumbers[entries] { return known }
      combinationNumbers[entries] = combinations.count
      combinations.append(entries)
      return combinations.count - 1
    }

    /// - Parameter spread: of an action that is not about records: one place stands for all.
    mutating func combinations(
      of slice: Domain.Slice, in domain: Domain, _ columns: Columns, _ set: PolicySet, spread: Bool
    ) -> [Int] {
      let fields = slice.cells.map(set.fields)
      var entries: [Domain.SlicePlace: [Entry]] = [:]
      domain.scan(slice) { place, applying in
        guard let bits = applying[0] else { return }
        let outcome = set.outcome(of: bits, slice.action, slice.cells[place.cell], fields: fields[place.cell])
        let number = number(
          Outcome(effect: outcome.effect, rule: outcome.rule.map { set.rules[$0].matched }, fields: fields[place.cell]))
        let consent =
          slice.consents.count > 1 ? (slice.consents[place.consent].map { "\($0.rawValue) consent" } ?? "no consent") : ""
        let condition = [consent, slice.people[place.person].description].filter { !$0.isEmpty }.joined(separator: ", ")
        entries[.init(hop: place.hop, cell: place.cell, purpose: place.purpose), default: []].append(
          Entry(condition: condition, outcome: number))
      }
      let cellCount = spread ? 1 : domain.cells.count
      let purposeCount = spread ? 1 : domain.purposes.count
      var places = [Int](repeating: -1, count: columns.names.count * cellCount * purposeCount)
      for (place, found) in entries {
        let column = columns.column(ofHop: slice.hops[place.hop], home: slice.home)
        places[(column * cellCount + place.cell) * purposeCount + place.purpose] = number(found)
      }
      return places
    }
  }
}

extension PolicyMatrix {
  /// Places of one plane that are decided alike: every combination of these, by their places in the matrix's lists.
  package struct Box: Hashable, Sendable {
    package let combination: Int
    package let hops: [Int]
    package let cells: [Int]
    package let purposes: [Int]
  }

  /// A plane in few words, in order of the first place that each box covers.
  package func boxes(of plane: Plane) -> [Box] {
    let isSpread = plane.combinations.count == hops.count
    let sizes = isSpread ? [hops.count, 1, 1] : [hops.count, cells.count, purposes.count]
    return Set(plane.combinations).subtracting([-1]).sorted().flatMap { combination in
      BoxCover(
        sizes: sizes, points: plane.combinations.map { $0 == combination ? .inside : $0 == -1 ? .void : .outside }
      ).boxes().map { Box(combination: combination, hops: $0[0], cells: $0[1], purposes: $0[2]) }
    }
  }
}

extension PolicyMatrix.Outcome {
  /// `denied: forbidden`, `permitted`, or the views: `email hash, name clear`.
  package var text: String {
    switch effect {
    case .deny(let reason): "denied: \(reason.rawValue)"
    case .permit(let views):
      views.isEmpty || views.allSatisfy { $0 == .clear }
        ? "permitted" : zip(fields, views).map { "\($0) \($1.name)" }.joined(separator: ", ")
    }
  }

  /// How much is shown, for a picture.
  package enum Shade: String, Sendable, CaseIterable {
    case open, masked, closed, forbidden
  }

  package var shade: Shade {
    switch effect {
    case .deny(.forbidden): .forbidden
    case .deny: .closed
    case .permit(let views): views.allSatisfy { $0 == .clear } ? .open : .masked
    }
  }
}
