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
    // Of fields that lie in one that is named, and that no rule tells apart, one stands for the others.
    var nested: [String: String] = [:]
    var recorded: Set<String> = []
    for field in fields.sorted() {
      if schema.classes[field] != nil || schema.isDivided(field) || isViewed(field) {
        recorded.insert(field)
      } else if let outer = schema.named(field) {
        if nested.updateValue(field, forKey: outer) == nil { recorded.insert(field) }
      } else {
        recorded.insert("*")
      }
    }
    return recorded.sorted()
  }

  private func isViewed(_ field: String) -> Bool {
    guard !viewedFields.isEmpty else { return false }
    let field = FieldPath.shapeless(field)
    return viewedFields.contains(field) || FieldPath.ancestors(of: field).contains(where: viewedFields.contains)
  }
}
