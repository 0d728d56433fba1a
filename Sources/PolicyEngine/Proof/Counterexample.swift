package import Residency

/// A situation, told by its facts: what shows that something does not hold.
package struct SituationFacts: Hashable, Sendable {
  package let day: CalendarDate
  package let action: Action
  package let home: String
  /// Where the data goes, step by step: one for a read, more for what a copy reaches.
  package let hops: [String]
  package let collection: CollectionName?
  package let dataClass: DataClass?
  package let purpose: Purpose?
  /// `nil` where it does not matter, or none is given.
  package let consent: ConsentKind?
  /// The person's own facts, where they matter.
  package let person: String

  /// `read profile/contact from IE to US for support on 2026-11-22`
  package var description: String {
    let what = [collection?.rawValue, dataClass?.rawValue].compactMap(\.self).joined(separator: "/")
    let way = action == .store ? "in \(home)" : "from \(home) to \(hops.joined(separator: ", then "))"
    return [
      action.rawValue, what, way, purpose.map { "for \($0)" } ?? "", consent.map { "with \($0.rawValue) consent" } ?? "",
      person.isEmpty ? "" : "(\(person))", "on \(day)",
    ].filter { !$0.isEmpty }.joined(separator: " ")
  }

  package var json: JSONValue {
    var members: [String: JSONValue] = [
      "day": .string(day.description), "action": .string(action.rawValue), "home": .string(home),
      "hops": .array(hops.map(JSONValue.string)), "text": .string(description),
    ]
    if let collection { members["collection"] = .string(collection.rawValue) }
    if let dataClass { members["class"] = .string(dataClass.rawValue) }
    if let purpose { members["purpose"] = .string(purpose.rawValue) }
    if let consent { members["consent"] = .string(consent.rawValue) }
    if !person.isEmpty { members["person"] = .string(person) }
    return .object(members)
  }
}

extension Domain {
  func facts(_ coordinate: Coordinate) -> SituationFacts {
    SituationFacts(
      day: day, action: coordinate.action, home: name(ofHome: coordinate.home, for: coordinate.hop),
      hops: coordinate.action == .store ? [] : [name(of: coordinate.hop, home: coordinate.home)],
      collection: coordinate.cell.collection, dataClass: coordinate.cell.dataClass, purpose: coordinate.purpose,
      consent: coordinate.consent, person: coordinate.person.description)
  }
}
