package import Residency

/// What rules may ask about a person's ties.
package enum PersonalFact: Hashable, Sendable, CaseIterable {
  case residence, subdivision, citizenship, firstWrite

  static func asked(by rules: [Rule]) -> [Action: Set<PersonalFact>] {
    rules.reduce(into: [:]) { asked, rule in
      let facts = Set((rule.conditions + rule.exceptions).compactMap { PersonalFact($0.key) })
      guard !facts.isEmpty else { return }
      for action in rule.actions { asked[action, default: []].formUnion(facts) }
    }
  }

  private init?(_ key: ConditionKey) {
    switch key {
    case .residence: self = .residence
    case .subdivision: self = .subdivision
    case .citizenship: self = .citizenship
    case .firstWrite: self = .firstWrite
    default: return nil
    }
  }
}

extension PolicySet {
  /// What some rule for `action` asks about a person: what a decision on it may have rested on. Everything else about the person may be left
  /// out, and the decision is the same.
  package func factsAsked(for action: Action) -> Set<PersonalFact> { personalFacts[action] ?? [] }

  /// The fields of `request` as a record of it may name them: without names that only an app knows, and such that the decision is the same.
  /// - Returns: `nil` for all fields.
  package func recordableFields(of request: AccessRequest) -> [String]? {
    guard let fields = request.fields else { return nil }
    guard let schema = request.collection.flatMap(collection) else { return [] }
    return Set(fields.map { recordable($0, schema) }).sorted()
  }

  /// Views of fields of `request`, under names that a record of it may have.
  package func recordable(_ views: [Redaction], of request: AccessRequest) -> [Redaction] {
    guard let schema = request.collection.flatMap(collection) else { return [] }
    var seen: Set<Redaction> = []
    return views.map { Redaction(field: recordable($0.field, schema), view: $0.view) }.filter { seen.insert($0).inserted }
  }

  /// A field that only an app names is told by the nearest known one that it lies in: `contact.*`.
  private func recordable(_ field: String, _ schema: CollectionSchema) -> String {
    let shapeless = FieldPath.shapeless(field)
    func isKnown(_ path: String) -> Bool {
      viewedFields.contains(path) || schema.isDivided(path) || schema.named(path).map(FieldPath.shapeless) == path
    }
    guard !isKnown(shapeless) else { return shapeless }
    guard let outer = FieldPath.ancestors(of: shapeless).first(where: isKnown) else { return "*" }
    return "\(outer).*"
  }
}
