import Residency

/// Where copies get to, by however many steps.
///
/// A copy that is replicated or exported keeps its home: the home's law travels with it, and decides every further step. A move gives it
/// a new home, whose law decides from then on.
struct Reachability {
  private let situations: Situations
  private let set: PolicySet
  private var domain: Domain { situations.domain }

  init(_ situations: Situations, _ set: PolicySet) {
    self.situations = situations
    self.set = set
  }

  /// A copy on its way.
  private struct Copy {
    let home: Int
    let steps: [Situations.Edge]
  }

  /// Ways that lead where no copy must get, of homes and cells that `scope` is about.
  func violations(of scope: Rule, _ reach: Invariant.Reach) -> [(PolicyProof.Counterexample, size: Int)] {
    var found: [(PolicyProof.Counterexample, size: Int)] = []
    for start in domain.homes.indices where isHome(start, in: scope) {
      for cell in domain.cells where isCell(cell, in: scope) {
        if let way = way(from: start, cell, allowed: scope.actions, reach) {
          found.append((counterexample(way, start), way.count))
        }
      }
    }
    return found
  }

  private func isHome(_ home: Int, in scope: Rule) -> Bool {
    let jurisdiction = domain.place(ofHome: home).jurisdiction
    return scope.pack.map { $0.contains(jurisdiction, on: domain.day) != .no } ?? true
  }

  private func isCell(_ cell: RuleTable.Cell, in scope: Rule) -> Bool {
    scope.conditions.allSatisfy { condition in
      switch condition {
      case .dataClass(let classes): cell.dataClass.map(classes.contains) ?? true
      case .collection(let names): cell.collection.map(names.contains) ?? true
      default: true
      }
    }
  }

  /// The shortest way, breadth first.
  private func way(
    from start: Int, _ cell: RuleTable.Cell, allowed: Set<Action>, _ reach: Invariant.Reach
  ) -> [Situations.Edge]? {
    var seen: Set<Int> = [start]
    var queue = [Copy(home: start, steps: [])]
    while !queue.isEmpty {
      let copy = queue.removeFirst()
      for action in [Action.replicate, .export, .move] where allowed.contains(action) {
        for hop in domain.hops.indices {
          let edge = Situations.Edge(action: action, home: copy.home, hop: hop, cell: cell)
          guard situations.edges[edge] != nil, let places = domain.places(of: hop, home: copy.home) else { continue }
          let steps = copy.steps + [edge]
          if isForbidden(places, edge, from: start, isFirst: copy.steps.isEmpty, reach) { return steps }
          if action == .move, let next = home(at: places.hop), seen.insert(next).inserted {
            queue.append(Copy(home: next, steps: steps))
          }
        }
      }
    }
    return nil
  }

  private func home(at place: Place) -> Int? {
    if let region = place.region, let named = domain.homes.firstIndex(where: { $0.region == region }) { return named }
    let atom = domain.atoms.atom(of: place.jurisdiction)
    return domain.homes.firstIndex { $0.atom == atom && $0.region == nil }
  }

  private func isForbidden(
    _ places: (home: Place, hop: Place), _ edge: Situations.Edge, from start: Int, isFirst: Bool, _ reach: Invariant.Reach
  ) -> Bool {
    switch reach {
    // After a move, the first region may be another one again; on the first step only the home itself is none.
    case .anyOther: return !isFirst || domain.hops[edge.hop].target != .sameRegion
    // Every step before was one within the jurisdiction: the first that is not ends the way.
    case .abroad: return places.hop.jurisdiction.isWithin(places.home.jurisdiction) != .yes
    case .jurisdictions(let set): return set.contains(places.hop.jurisdiction, on: domain.day) != .no
    }
  }

  private func counterexample(_ way: [Situations.Edge], _ start: Int) -> PolicyProof.Counterexample {
    let steps = way.map { edge in
      "\(domain.name(of: edge.hop, home: edge.home)) (\(edge.action.rawValue))"
    }
    let last = way.last.flatMap { situations.edges[$0] }
    let first = way.first.flatMap { situations.edges[$0] }
    let rule = last.flatMap { coordinate -> MatchedRule? in
      var request = domain.request(coordinate)
      request.fields = set.fields(of: coordinate.cell)
      // The domain's own regions are in no catalog, for which the set itself would refuse them.
      return Deliberation(policies: set, request: request).decision().rule
    }
    return PolicyProof.Counterexample(
      facts: SituationFacts(
        day: domain.day, action: way.last?.action ?? .replicate,
        home: way.count == 1 ? domain.name(ofHome: start, for: way[0].hop) : domain.name(ofHome: start), hops: steps,
        collection: way.last?.cell.collection, dataClass: way.last?.cell.dataClass, purpose: first?.purpose,
        consent: first?.consent, person: first?.person.description ?? ""),
      rule: rule, what: "gets there")
  }
}
