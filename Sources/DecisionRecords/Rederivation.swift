package import AuditTrail
package import PolicyEngine
import Residency

/// A recorded decision, made again of its recorded facts by the policies that decided it.
package enum Rederivation: Hashable, Sendable {
  /// The same again.
  case agrees
  /// Something else: what the leaf says was not what those policies make of those facts.
  case differs(AuditEvent, [Difference])
  /// No rule was asked: the policies could not be confirmed for too long.
  case outdated
  /// It does not say on what it rests, or of places without a jurisdiction.
  case withoutFacts
  /// Nothing that policy decides.
  case undecided

  /// What comes out otherwise than it was recorded.
  package enum Difference: String, Hashable, Sendable, CaseIterable {
    /// They speak of something else than the leaf does.
    case facts
    case effect, rules, monitored
    case legalBasis = "legal_basis"
    case safeguard, agreement, classes
  }

  /// - Parameter policies: of the event's revision; `nil` where it names none.
  package init(_ event: AuditEvent, by policies: PolicySet?) {
    guard let facts = event.facts, let policies else {
      self = event.needsDecision ? .withoutFacts : .undecided
      return
    }
    guard facts.fit(event) else {
      self = .differs(event, [.facts])
      return
    }
    guard let request = AccessRequest(event, facts) else {
      self = .withoutFacts
      return
    }
    guard !facts.wasOutdated else {
      // Only what leaves its home is then denied without a rule.
      self = event.effect == .denied && request.leavesHome ? .outdated : .differs(event, [.effect])
      return
    }
    let decision = policies.decide(request)
    var again = event
    again.record(decision, by: policies)
    var differences: [Difference] = []
    if !event.isDone(by: decision) { differences.append(.effect) }
    if again.rules != event.rules { differences.append(.rules) }
    if again.monitored?.effect != event.monitored?.effect || again.monitored?.rules != event.monitored?.rules {
      differences.append(.monitored)
    }
    if again.legalBasis != event.legalBasis { differences.append(.legalBasis) }
    if again.safeguard != event.safeguard { differences.append(.safeguard) }
    if again.agreement != event.agreement { differences.append(.agreement) }
    if again.classes != event.classes { differences.append(.classes) }
    again.effect = decision.effect == .permit ? .allowed : .denied
    self = differences.isEmpty ? .agrees : .differs(again, differences)
  }
}

extension AuditEvent {
  /// Reasons with which policy refuses; with any other one it had nothing against it, or was not asked.
  private static let policyReasons: Set<String> = [
    "POLICY_DENIED", "RESIDENCE_NOT_ALLOWED", "PURPOSE_NOT_ALLOWED", "UNKNOWN_PURPOSE", "UNKNOWN_COLLECTION",
  ]

  /// Whether what was done follows from a decision: nothing without a permit, and no refusal in the name of a policy that permits.
  fileprivate func isDone(by decision: Decision) -> Bool {
    switch effect {
    case .allowed: decision.effect == .permit
    case .denied: decision.effect == .deny || !(reason.map(Self.policyReasons.contains) ?? true)
    }
  }

  /// Whether it gave or changed something of a person's, so that policy has to have permitted it. The asking side of a transfer decides
  /// nothing: its home does. Of itself a coordinator only registers and erases, to settle a contest.
  fileprivate var needsDecision: Bool {
    guard effect == .allowed, home == nil || home?.region == requester.region || counterpart == nil else { return false }
    switch activity {
    case .read, .list, .write, .delete, .setConsent, .withdrawConsent, .export, .replicate, .move: return true
    case .register, .erase: return principal != nil
    default: return false
    }
  }
}

extension AuditEvent.DecisionFacts {
  /// Whether they are of what the event says was done, for whom it says: facts that say otherwise would make a decision about something
  /// else of it.
  fileprivate func fit(_ event: AuditEvent) -> Bool {
    guard event.canRest(on: action) else { return false }
    let isOfConsent = event.activity == .setConsent || event.activity == .withdrawConsent
    return (home == nil || action == .store) && (recipients.isEmpty || action == .replicate) && (purpose == nil || isOfConsent)
  }
}

extension AuditEvent {
  fileprivate func canRest(on action: Action) -> Bool {
    switch activity {
    case .read, .list: action == .read
    // A document that may not be copied to every region is not written.
    case .write, .delete: action == .write || (action == .replicate && effect == .denied)
    case .setConsent, .withdrawConsent, .erase: action == .write
    case .register, .resolveContest: action == .store
    case .export: action == .export
    case .replicate: action == .replicate
    case .move: action == .move
    default: false
    }
  }
}

extension AccessRequest {
  /// What was decided on.
  /// - Parameter day: another one than the event's.
  /// - Returns: `nil` where a place has no jurisdiction, so that no law is known to ask.
  package init?(_ event: AuditEvent, _ facts: AuditEvent.DecisionFacts, on day: CalendarDate? = nil) {
    let recordedHome = facts.home ?? event.home
    guard let home = recordedHome.flatMap(Place.init) else { return nil }
    let recipients = facts.recipients.isEmpty ? event.recipients(of: facts.action, home: recordedHome) : facts.recipients
    let hops = recipients.compactMap(Place.init)
    guard hops.count == recipients.count else { return nil }
    let consent: Fact<ConsentKind?> =
      switch facts.consent {
      case nil: .unknown
      case AuditEvent.DecisionFacts.Consent.none?: .known(nil)
      case .explicit?: .known(.explicit)
      case .implied?: .known(.implied)
      }
    let fields: [String]? =
      switch facts.fields {
      case .all: nil
      case .named(let names): names
      case .none: []
      }
    let residence: Fact<Residence> =
      facts.residence.map { country in
        .known(
          Residence(
            country: country, subdivision: facts.subdivision,
            citizenship: facts.citizenship.isEmpty ? nil : Set(facts.citizenship)))
      } ?? .unknown
    self.init(
      action: facts.action, home: home, hops: hops, collection: facts.action == .store ? nil : event.collection, fields: fields,
      purpose: facts.purpose ?? (facts.action.isForPurpose ? event.purpose : nil), principal: event.principal ?? "",
      consent: consent, residence: residence, firstWrite: facts.firstWrite.map(Fact.known) ?? .unknown,
      transferredThisYear: Dictionary(
        facts.transferred.map { ($0.dataClass, Int(clamping: $0.people)) }, uniquingKeysWith: { first, _ in first }),
      now: day ?? CalendarDate(secondsSince1970: event.time.milliseconds / 1_000))
  }
}

extension Action {
  /// Whether it is done for somebody who says why.
  fileprivate var isForPurpose: Bool {
    switch self {
    case .read, .write, .export: true
    case .store, .replicate, .move: false
    }
  }
}

extension Place {
  init?(_ place: AuditEvent.Place) {
    guard let jurisdiction = place.jurisdiction else { return nil }
    self.init(region: place.region, jurisdiction: jurisdiction)
  }
}
