import AuditTrail
import DecisionRecords
import PolicyEngine
import Residency

/// One recorded decision, made again by other policies.
///
/// A leaf says on which facts it was decided, as far as the rules of that time asked for them. Older leaves do not: then a decision is made for
/// each consent that could have been given, and what is not known is said.
struct Replay {
  enum Outcome: String, CaseIterable {
    case same
    /// Denied then, permitted now.
    case opens
    /// Permitted then, denied now.
    case closes
    /// Permitted both times, and some field is shown more clearly, or less.
    case showsMore = "shows_more"
    case showsLess = "shows_less"
    /// It turns on facts that the log does not tell.
    case depends
  }

  let event: AuditEvent
  let outcome: Outcome
  /// The rule that would settle it; of several decisions, the first.
  let decision: Decision
  /// Fields that would be shown otherwise.
  let fields: [String]

  /// - Returns: `nil` for an event that policy did not decide.
  init?(_ event: AuditEvent, by policies: PolicySet, on day: CalendarDate?) {
    guard event.reason == nil || event.reason == "POLICY_DENIED" || event.reason == "RESIDENCE_NOT_ALLOWED" else { return nil }
    let recorded = event.facts.flatMap { AccessRequest(event, $0, on: day) }
    guard let request = recorded ?? Self.request(event, on: day) else { return nil }
    let consents: [Fact<ConsentKind?>] = recorded.map { [$0.consent] } ?? [.known(nil), .known(.implied), .known(.explicit)]
    func decisions(fields: [String]?) -> [Decision] {
      consents.map { consent in
        var request = request
        request.consent = consent
        request.fields = fields
        return policies.decide(request)
      }
    }
    let whole = decisions(fields: recorded.flatMap(\.fields))
    // Which fields were asked for a log does not tell, but of which classes they then were. Where that makes a difference, it depends.
    let asked = recorded == nil ? Self.fieldsAskedFor(event, policies) : nil
    let decisions = whole + (asked.map { decisions(fields: $0) } ?? [])
    self.event = event
    decision = decisions[0]
    let wasPermitted = event.effect == .allowed
    let isSame = decisions.map { ($0.effect == .permit) == wasPermitted }
    let changed = wasPermitted ? Self.changedViews(event, whole) : (weaker: [], stronger: [])
    switch (isSame.contains(true), isSame.contains(false)) {
    case (true, true): outcome = .depends
    case (false, _) where decisions.contains { !$0.unknown.isEmpty }: outcome = .depends
    case (false, _): outcome = wasPermitted ? .closes : .opens
    // What is denied for want of a fact that the log does not tell may be opened by it.
    case (true, false) where !wasPermitted && decisions.contains { $0.reason == .missingFact }: outcome = .depends
    case (true, false):
      outcome = !changed.weaker.isEmpty ? .showsMore : !changed.stronger.isEmpty ? .showsLess : .same
    }
    fields = outcome == .showsMore || outcome == .showsLess ? (changed.weaker + changed.stronger).sorted() : []
  }

  /// Of the fields that were withheld then: those that every consent would show more clearly, and less.
  private static func changedViews(_ event: AuditEvent, _ decisions: [Decision]) -> (weaker: [String], stronger: [String]) {
    var weaker: [String] = []
    var stronger: [String] = []
    for redaction in event.redactions where redaction.field != "*" {
      let views = decisions.map { $0.view(of: redaction.field) }
      if views.allSatisfy({ $0 < redaction.view }) { weaker.append(redaction.field) }
      if views.allSatisfy({ $0 > redaction.view }) { stronger.append(redaction.field) }
    }
    return (weaker, stronger)
  }

  /// Those of the classes that the event names; `nil` where it was about all, or none is known any more.
  private static func fieldsAskedFor(_ event: AuditEvent, _ policies: PolicySet) -> [String]? {
    guard let schema = event.collection.flatMap(policies.collection) else { return nil }
    let all = schema.fields + ["*"]
    let asked = all.filter { event.classes.contains(schema.dataClass(of: $0)) }
    return asked.isEmpty || asked.count == all.count ? nil : asked
  }

  private static func request(_ event: AuditEvent, on day: CalendarDate?) -> AccessRequest? {
    guard let action = action(event.activity), let home = event.home.flatMap(place) else { return nil }
    let hops = event.hops.compactMap { place($0.to) }
    guard hops.count == event.hops.count else { return nil }
    return AccessRequest(
      action: action, home: home, hops: hops.isEmpty || action == .store ? [home] : hops,
      collection: action == .store ? nil : event.collection, purpose: action == .store ? nil : event.purpose,
      principal: event.principal ?? "", now: day ?? CalendarDate(secondsSince1970: event.time.milliseconds / 1_000))
  }

  /// `nil` for what no rule is asked about, or another region's log records.
  private static func action(_ activity: AuditActivity) -> Action? {
    switch activity {
    case .read, .list: .read
    case .export: .export
    case .write, .delete: .write
    case .register: .store
    case .replicate: .replicate
    case .move: .move
    default: nil
    }
  }

  static func place(_ place: AuditEvent.Place) -> Place? {
    place.jurisdiction.map { Place(region: place.region, jurisdiction: $0) }
  }
}
