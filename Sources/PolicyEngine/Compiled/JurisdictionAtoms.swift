import Residency

/// Who is in a set of jurisdictions on one day: what ``JurisdictionSet/contains(_:on:)`` says, in one look.
struct Membership: Sendable {
  private var members: Set<Jurisdiction> = []
  /// Countries of which a part is a member.
  private var partly: Set<Jurisdiction> = []
  /// Part of the set says nothing yet.
  private var isPending = false

  init(_ set: JurisdictionSet, on day: CalendarDate) {
    for group in set.groups {
      if let start = group.effectiveFrom, day < start {
        isPending = true
        continue
      }
      for member in group.members where member.period.contains(day) {
        members.insert(member.jurisdiction)
        if member.jurisdiction.isSubdivision { partly.insert(member.jurisdiction.country) }
      }
    }
  }

  func contains(_ jurisdiction: Jurisdiction) -> Truth {
    if members.contains(jurisdiction) || (jurisdiction.isSubdivision && members.contains(jurisdiction.country)) { return .yes }
    return isPending || (!jurisdiction.isSubdivision && partly.contains(jurisdiction)) ? .unknown : .no
  }
}

/// The world's jurisdictions, as far as some sets tell them apart: those that are in the same sets are one atom.
struct JurisdictionAtoms: Sendable {
  /// One of each atom, in order of first mention. The last word on a place that no set mentions has ``elsewhere``.
  private(set) var representatives: [Jurisdiction] = []
  /// Those that a set mentions, or stand for all others, by atom.
  private(set) var members: [[Jurisdiction]] = []
  /// What each set says of each atom.
  private(set) var truths: [[Truth]] = []
  private var atoms: [Jurisdiction: Int] = [:]
  /// The parts of a country that no set mentions, where it mentions others.
  private var otherParts: [Jurisdiction: Int] = [:]
  /// The atom of every country that no set mentions.
  private(set) var elsewhere = 0
  /// Two countries that no set mentions.
  private var others: [Jurisdiction] = []

  init(of sets: [JurisdictionSet], on day: CalendarDate) {
    let named = Set(sets.flatMap { $0.groups.flatMap { $0.members.map(\.jurisdiction) } })
    let sets = sets.map { Membership($0, on: day) }
    var bySignature: [[Truth]: Int] = [:]
    func atom(of jurisdiction: Jurisdiction) -> Int {
      let signature = sets.map { $0.contains(jurisdiction) }
      if let known = bySignature[signature] {
        members[known].append(jurisdiction)
        return known
      }
      bySignature[signature] = representatives.count
      representatives.append(jurisdiction)
      members.append([jurisdiction])
      truths.append(signature)
      return representatives.count - 1
    }
    let countries = named.filter(\.isSubdivision).map(\.country)
    let all = named.union(countries)
    for jurisdiction in all.sorted() { atoms[jurisdiction] = atom(of: jurisdiction) }
    for country in Set(countries).sorted() {
      otherParts[country] = atom(of: country.inventedPart(.first))
    }
    let unmentioned = Jurisdiction.countries.sorted().lazy.compactMap { Jurisdiction($0) }.filter { !all.contains($0) }.prefix(2)
    if let first = unmentioned.first { elsewhere = atom(of: first) }
    others = Array(unmentioned)
  }

  /// Jurisdictions of an atom, such that of any two that are in each other, apart, or may be, two are here: its members, parts of its
  /// countries that no set mentions, and for all others two.
  func candidates(_ atom: Int) -> [Jurisdiction] {
    let known = members[atom] + (atom == elsewhere ? others : [])
    let parts = known.filter { !$0.isSubdivision || $0.isInvented }.map(\.country).flatMap { country in
      Jurisdiction.InventedPart.allCases.map(country.inventedPart).filter { self.atom(of: $0) == atom }
    }
    return known + parts.filter { !known.contains($0) }
  }

  var count: Int { representatives.count }

  func atom(of jurisdiction: Jurisdiction) -> Int {
    if let atom = atoms[jurisdiction] { return atom }
    guard jurisdiction.isSubdivision else { return elsewhere }
    let country = jurisdiction.country
    return otherParts[country] ?? atoms[country] ?? elsewhere
  }

  /// Whether a place of one atom may be in, or around, a place of the other.
  func mayOverlap(_ left: Int, _ right: Int) -> Bool {
    if left == right { return true }
    let countries = Set(members[left].map(\.country))
    return members[right].contains { countries.contains($0.country) }
  }
}
