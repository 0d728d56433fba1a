import Residency

extension PolicySet {
  /// Decides one request. Total and deterministic: everything that is not permitted is denied, with a reason.
  ///
  /// - Any `forbid` that applies, or that an unknown fact keeps from being ruled out, on any hop to any class of the request: deny.
  /// - Else each field needs a `permit` on every hop. `write`, `replicate` and `move` take all fields or none; `read` and
  ///   `export` give those that are permitted, each in its view, and are denied where none is left.
  package func decide(_ request: AccessRequest) -> Decision {
    if let reason = refusal(of: request) {
      return Decision(denying: request, reason, revision: revision)
    }
    return watched(Deliberation(policies: self, request: request).decision(), of: request)
  }

  /// A denial that no rule is needed for.
  package func denial(of request: AccessRequest, _ reason: DenyReason) -> Decision {
    Decision(denying: request, reason, revision: revision)
  }

  /// Those of `items` that are permitted, in their order: what remains of a list.
  package func filter<Item>(_ items: [Item], asking request: (Item) -> AccessRequest) -> [Item] {
    items.filter { item in
      let request = request(item)
      return refusal(of: request) == nil && Deliberation(policies: self, request: request).isPermitted
    }
  }

  /// What is wrong with the request itself, before any rule is asked.
  private func refusal(of request: AccessRequest) -> DenyReason? {
    guard vocabulary.actions.contains(request.action) else { return .unknownAction }
    guard !request.hops.isEmpty, (request.hops + [request.home]).allSatisfy(isKnown) else { return .unknownRegion }
    if let name = request.collection {
      guard collections[name] != nil else { return .unknownCollection }
    } else if !request.action.spansCollections {
      return .unknownCollection
    }
    guard let purpose = request.purpose else { return request.action.givesViews ? .unknownPurpose : nil }
    guard vocabulary.contains(purpose) else { return .unknownPurpose }
    guard purposes(allowedFor: request.principal).contains(purpose) else { return .purposeNotAllowedForPrincipal }
    return nil
  }

  private func isKnown(_ place: Place) -> Bool {
    place.region.map { regions[$0] == place.jurisdiction } ?? true
  }
}

extension Action {
  /// Whether the data leaves field by field, so that part of it can be masked.
  var givesViews: Bool { self == .read || self == .export }
  /// Whether a request may be about a whole subject.
  var spansCollections: Bool { self == .store || self == .replicate || self == .move }
}

extension Decision {
  /// A denial that no rule was needed for.
  convenience init(denying request: AccessRequest, _ reason: DenyReason, revision: String) {
    self.init(
      request: request, effect: .deny, reason: reason, rules: [], rule: nil, unknown: [], nearestPermit: nil, revision: revision,
      legalBasis: nil,
      safeguard: nil, agreement: nil, classes: [], access: nil)
  }
}
