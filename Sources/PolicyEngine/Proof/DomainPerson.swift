import Residency

/// A person's own facts, and who asks: what rules seldom speak of. One combination of those that matter for an action and a home.
struct DomainPerson: Hashable, Sendable {
  var principal: String?
  var residence: Residence?
  var firstWrite: Jurisdiction?
  /// Of how many people data of the class left, this one included.
  var transferredThisYear: Int?
  /// The same of any class.
  var transferredOfAny: Int?

  /// For people: `residence RU, citizenship RU`. Empty where nothing of it matters.
  var description: String {
    var words: [String] = []
    if let principal { words.append("principal \(principal)") }
    if let residence {
      words.append("residence \(residence.subdivision ?? residence.country)")
      if let citizenship = residence.citizenship {
        words.append("citizenship \(citizenship.sorted().map(\.rawValue).joined(separator: "+"))")
      }
    }
    if let firstWrite { words.append("first written in \(firstWrite)") }
    if let transferredThisYear { words.append("\(transferredThisYear) transferred this year") }
    if let transferredOfAny { words.append("\(transferredOfAny) transferred this year, of any class") }
    return words.joined(separator: ", ")
  }

  func transferred(_ dataClass: DataClass?) -> [DataClass: Int] {
    var counts: [DataClass: Int] = [:]
    if let dataClass { counts[dataClass] = transferredThisYear }
    counts[.any] = transferredOfAny
    return counts
  }

  /// How many facts it takes to tell it.
  var size: Int {
    [
      principal != nil, residence != nil, residence?.citizenship != nil, firstWrite != nil, transferredThisYear != nil,
      transferredOfAny != nil,
    ].count {
      $0
    }
  }
}

extension DomainPerson {
  /// Every combination of the values that `rules` tell apart, of the facts in `keys`. One without facts where there is none.
  static func all(_ keys: Set<ConditionKey>, _ rules: [Rule], _ principals: [PrincipalEntry], on day: CalendarDate)
    -> [DomainPerson]
  {
    let conditions = rules.flatMap { $0.conditions + $0.exceptions }
    var people = [DomainPerson()]
    if !keys.isDisjoint(with: [.principal, .certified]) {
      people = product(people, principalNames(conditions, principals)) { $0.principal = $1 }
    }
    if !keys.isDisjoint(with: [.residence, .subdivision, .citizenship]) {
      let homes = representatives(
        conditions.compactMap {
          switch $0 {
          case .residence(let set), .subdivision(let set): set
          default: nil
          }
        }, on: day)
      people = product(people, homes) {
        $0.residence = Residence(country: $1.country, subdivision: $1.isSubdivision ? $1 : nil)
      }
    }
    if keys.contains(.citizenship) {
      let held = citizenships(conditions.compactMap { if case .citizenship(let set) = $0 { set } else { nil } }, on: day)
      people = product(people, held) { person, citizenships in
        person.residence = person.residence.map {
          Residence(country: $0.country, subdivision: $0.subdivision, citizenship: citizenships)
        }
      }
    }
    if keys.contains(.firstWrite) {
      let places = representatives(conditions.compactMap { if case .firstWrite(let set) = $0 { set } else { nil } }, on: day)
      people = product(people, places) { $0.firstWrite = $1 }
    }
    if keys.contains(.transferredThisYear) {
      func limits(_ counted: CountRange.Counted) -> [Int] {
        conditions.flatMap { condition -> [Int] in
          guard case .transferredThisYear(let range) = condition, range.of == counted else { return [] }
          return [range.atLeast, range.below].compactMap(\.self)
        }
      }
      // That there are never fewer of any class than of one is left out of account: it could only lessen the situations.
      let (own, any) = (limits(.sameClass), limits(.any))
      if !own.isEmpty { people = product(people, Set(own + [1]).sorted()) { $0.transferredThisYear = $1 } }
      if !any.isEmpty { people = product(people, Set(any + [1]).sorted()) { $0.transferredOfAny = $1 } }
    }
    return people
  }

  private static func product<Value>(
    _ people: [DomainPerson], _ values: some Sequence<Value>, _ change: (inout DomainPerson, Value) -> Void
  ) -> [DomainPerson] {
    people.flatMap { person in
      values.map { value in
        var changed = person
        change(&changed, value)
        return changed
      }
    }
  }

  /// One jurisdiction for all that the sets do not tell apart. A country of which a set names a part is there by its parts alone: somebody
  /// lives in one of them.
  private static func representatives(_ sets: [JurisdictionSet], on day: CalendarDate) -> [Jurisdiction] {
    let atoms = JurisdictionAtoms(of: sets, on: day)
    let divided = Set(atoms.members.joined().filter(\.isSubdivision).map(\.country))
    return atoms.members.compactMap { members in members.first { !divided.contains($0) } }
  }

  /// What one person may hold together, as far as the sets tell it apart: the fewest citizenships for each combination.
  private static func citizenships(_ sets: [JurisdictionSet], on day: CalendarDate) -> [Set<Jurisdiction>] {
    let memberships = sets.map { Membership($0, on: day) }
    let countries = representatives(sets, on: day).map(\.country)
    var told: Set<[Truth]> = []
    var found: [Set<Jurisdiction>] = []
    var latest: [Set<Jurisdiction>] = [[]]
    while !latest.isEmpty {
      latest = latest.flatMap { held in countries.map { held.union([$0]) } }.filter { held in
        told.insert(memberships.map { membership in held.some { membership.contains($0) } }).inserted
      }
      found += latest
    }
    return told.insert(sets.map { _ in .no }).inserted ? found + [[]] : found
  }

  /// A name for every combination of patterns that some name matches.
  private static func principalNames(_ conditions: [Condition], _ principals: [PrincipalEntry]) -> [String] {
    let asked = conditions.flatMap { condition -> [NamePattern] in
      if case .principal(let patterns) = condition { patterns } else { [] }
    }
    // Of a set that was loaded there are not too many.
    return NamePattern.names(tellingApart: asked + principals.filter { !$0.certifications.isEmpty }.map(\.pattern)) ?? []
  }
}
