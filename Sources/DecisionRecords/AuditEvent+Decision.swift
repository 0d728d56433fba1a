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
    facts = DecisionFacts(decision, in: self, by: policies)
  }

  /// The rule that settled it first.
  fileprivate static func rules(_ rules: [MatchedRule], settledBy settling: MatchedRule?) -> [Rule] {
    ((settling.map { [$0] } ?? []) + rules.filter { $0 != settling }).map { Rule(id: $0.id, location: $0.location.fileAndLine) }
  }

  /// Who receives what the event speaks of, by the event alone: the region that asked and the principal where that is elsewhere; for a
  /// placement, the home.
  func recipients(of action: Action, home: AuditEvent.Place?) -> [AuditEvent.Place] {
    if action == .store { return home.map { [$0] } ?? [] }
    let principal = hops.last?.to
    return [requester] + (principal?.region == nil ? principal.map { [$0] } ?? [] : [])
  }
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
  fileprivate init(_ decision: Decision, in event: AuditEvent, by policies: PolicySet) {
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
    if case .known(let residence) = request.residence, !asked.isDisjoint(with: [.residence, .subdivision, .citizenship]) {
      self.residence = residence.country
      subdivision = residence.subdivision
      if asked.contains(.citizenship) { citizenship = (residence.citizenship ?? []).sorted { $0.rawValue < $1.rawValue } }
    }
    let home = AuditEvent.Place(request.home)
    if home != event.home { self.home = home }
    if let wanted = request.purpose, wanted != event.purpose, policies.vocabulary.contains(wanted) { purpose = wanted }
    let recipients = request.hops.map(AuditEvent.Place.init)
    if recipients != event.recipients(of: request.action, home: home) { self.recipients = recipients }
    transferred = request.transferredThisYear
      .filter { $0.key == .any || decision.classes.contains($0.key) }
      .map { Transferred(dataClass: $0.key, people: UInt64(max(0, $0.value))) }
      .sorted { $0.dataClass < $1.dataClass }
  }
}
