package import AuditTrail
package import PolicyEngine
import Residency

extension AuditEvent {
  /// Takes in what was decided, and on what. After the event's home, hops, requester, principal, purpose and collection.
  package mutating func record(_ decision: Decision, by policies: PolicySet) {
    rules = Self.rules(decision.rules, settledBy: decision.rule)
    monitored = decision.monitored.map { Monitored($0, policies.recordable($0.views, of: decision.request)) }
    legalBasis = decision.legalBasis
    safeguard = decision.safeguard
    agreement = decision.agreement.map { Agreement(id: $0.id, reference: $0.reference) }
    classes = decision.classes
    let home = Place(decision.request.home)
    facts = DecisionFacts(
      decision, beside: (self.home, purpose, recipients(of: decision.request.action, home: home)), by: policies)
  }

  /// The rule that settled it first.
  fileprivate static func rules(_ rules: [MatchedRule], settledBy settling: MatchedRule?) -> [Rule] {
    var recorded: [Rule] = []
    recorded.reserveCapacity(rules.count + 1)
    if let settling { recorded.append(Rule(settling)) }
    for rule in rules where rule.id != settling?.id { recorded.append(Rule(rule)) }
    return recorded
  }

  /// Who receives what the event speaks of, by the event alone: the region that asked and the principal where that is elsewhere; for a
  /// placement, the home.
  func recipients(of action: Action, home: AuditEvent.Place?) -> [AuditEvent.Place] {
    if action == .store { return home.map { [$0] } ?? [] }
    guard let principal = hops.last?.to, principal.region == nil else { return [requester] }
    return [requester, principal]
  }
}

extension AuditEvent.Rule {
  fileprivate init(_ rule: MatchedRule) { self.init(id: rule.id, location: rule.place) }
}

extension AuditEvent.Redaction {
  package init(_ redaction: Redaction) { self.init(field: redaction.field, view: redaction.view) }
}

extension AuditEvent.Monitored {
  fileprivate init(_ monitored: MonitoredOutcome, _ views: [Redaction]) {
    self.init(
      effect: monitored.effect == .permit ? .allowed : .denied,
      rules: AuditEvent.rules(monitored.rules, settledBy: monitored.rule),
      redactions: views.map(AuditEvent.Redaction.init))
  }
}

extension AuditEvent.Place {
  fileprivate init(_ place: PolicyEngine.Place) { self.init(region: place.region, jurisdiction: place.jurisdiction) }
}

extension AuditEvent.DecisionFacts {
  /// - Parameter event: what it says in any case, and what follows from that.
  fileprivate init(
    _ decision: Decision, beside event: (home: AuditEvent.Place?, purpose: Purpose?, recipients: [AuditEvent.Place]),
    by policies: PolicySet
  ) {
    let request = decision.request
    self.init(action: request.action)
    wasOutdated = decision.reason == .policiesOutdated
    switch request.consent {
    case .unknown: consent = nil
    case .known(nil): consent = Consent.none
    case .known(.explicit): consent = .explicit
    case .known(.implied): consent = .implied
    }
    let named = policies.recordableFields(of: request)
    fields = named.map { $0.isEmpty ? .none : .named($0) } ?? .all
    let asked = policies.factsAsked(for: request.action)
    if case .known(let place) = request.firstWrite, asked.contains(.firstWrite) { firstWrite = place }
    if case .known(let residence) = request.residence,
      asked.contains(.residence) || asked.contains(.subdivision) || asked.contains(.citizenship)
    {
      self.residence = residence.country
      subdivision = residence.subdivision
      if asked.contains(.citizenship) { citizenship = (residence.citizenship ?? []).sorted { $0.rawValue < $1.rawValue } }
    }
    let home = AuditEvent.Place(request.home)
    if home != event.home { self.home = home }
    if let wanted = request.purpose, wanted != event.purpose, policies.vocabulary.contains(wanted) { purpose = wanted }
    if !request.hops.elementsEqual(event.recipients, by: { AuditEvent.Place($0) == $1 }) {
      recipients = request.hops.map(AuditEvent.Place.init)
    }
    let classes = decision.classes
    for (dataClass, people) in request.transferredThisYear where dataClass == .any || classes.contains(dataClass) {
      transferred.append(Transferred(dataClass: dataClass, people: UInt64(max(0, people))))
    }
    transferred.sort { $0.dataClass < $1.dataClass }
  }
}
