package import Residency

extension Decision {
  /// The decision as `policy explain --json` and the Decide call show it.
  package var json: JSONValue {
    var members: [String: JSONValue] = [
      "decision": .string(effect.rawValue),
      "matched": .array(rules.map { .string($0.id) }),
      "rules": .array(rules.map(\.json)),
      "unknown": .array(unknown.map(JSONValue.string)),
      "revision": .string(revision),
    ]
    if let reason { members["reason"] = .string(reason.rawValue) }
    if let rule {
      members["rule"] = .string(rule.id)
      members["at"] = .string(rule.location.fileAndLine)
    }
    if let nearestPermit {
      members["nearest_permit"] = [
        "rule": .string(nearestPermit.rule), "at": .string(nearestPermit.location.fileAndLine),
        "missing": .array(nearestPermit.missing.map(JSONValue.string)),
      ]
    }
    if let legalBasis { members["legal_basis"] = .string(legalBasis) }
    if let safeguard { members["safeguard"] = .string(safeguard.rawValue) }
    if let agreement { members["agreement"] = ["id": .string(agreement.id), "reference": .string(agreement.reference)] }
    if !fieldViews.isEmpty {
      var views: [String: JSONValue] = [:]
      for field in fieldViews { views[field.field] = .string(field.view.name) }
      members["views"] = .object(views)
    }
    if let monitored { members["monitored"] = monitored.json }
    return .object(members)
  }
}

extension MonitoredOutcome {
  fileprivate var json: JSONValue {
    var members: [String: JSONValue] = ["decision": .string(effect.rawValue), "rules": .array(rules.map(\.json))]
    if let reason { members["reason"] = .string(reason.rawValue) }
    if let rule {
      members["rule"] = .string(rule.id)
      members["at"] = .string(rule.location.fileAndLine)
    }
    if !views.isEmpty {
      members["views"] = .object(Dictionary(uniqueKeysWithValues: views.map { ($0.field, JSONValue.string($0.view.name)) }))
    }
    return .object(members)
  }
}

extension MatchedRule {
  /// Id, kind, place and basis.
  package var json: JSONValue {
    var members: [String: JSONValue] = ["id": .string(id), "kind": .string(kind.rawValue), "at": .string(location.fileAndLine)]
    if let basis { members["basis"] = .string(basis) }
    return .object(members)
  }
}
