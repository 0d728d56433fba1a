package import Residency

/// Why a request is denied. A closed list: the text is what answers and audit leaves carry.
package enum DenyReason: String, Hashable, Sendable, CaseIterable {
  /// A `forbid` applies.
  case forbidden
  /// No `permit` applies.
  case noMatchingRule = "no_matching_rule"
  /// No `permit` applies, and one might have if a fact were known.
  case missingFact = "missing_fact"
  /// Something is permitted, but every field of it would be dropped.
  case everythingDropped = "everything_dropped"
  /// A whole record would cross, and a rule demands that part of it be masked.
  case redactionRequired = "redaction_required"
  case unknownAction = "unknown_action"
  case unknownPurpose = "unknown_purpose"
  case unknownCollection = "unknown_collection"
  /// A region that the catalog lacks, or that the catalog places elsewhere; or no recipient at all.
  case unknownRegion = "unknown_region"
  case purposeNotAllowedForPrincipal = "purpose_not_allowed_for_principal"
  /// The region has not been able to confirm its policies for too long, and the data would leave its home region.
  case policiesOutdated = "policies_outdated"
}

extension DenyReason {
  /// Whether the request itself was wrong, so that no rule was asked.
  var isOfTheRequest: Bool {
    switch self {
    case .unknownAction, .unknownPurpose, .unknownCollection, .unknownRegion, .purposeNotAllowedForPrincipal: true
    case .forbidden, .noMatchingRule, .missingFact, .everythingDropped, .redactionRequired, .policiesOutdated: false
    }
  }
}

package enum RuleKind: String, Hashable, Sendable, CaseIterable {
  case permit, forbid, require
}

/// A rule that had a part in a decision, and where it is written.
package struct MatchedRule: Hashable, Sendable {
  package let id: String
  package let kind: RuleKind
  package let location: SourceLocation
  /// The law or the house rule it rests on, as its author wrote it.
  package let basis: String?
  /// `policies/eu-transfers.yaml:28`.
  package let place: String

  init(id: String, kind: RuleKind, location: SourceLocation, basis: String?) {
    self.id = id
    self.kind = kind
    self.location = location
    self.basis = basis
    place = location.fileAndLine
  }
}

/// The permit that came closest, and the conditions that stood in its way.
package struct NearestPermit: Hashable, Sendable {
  package let rule: String
  package let location: SourceLocation
  /// Keys of the rule's clauses that do not hold or could not be known (`purpose`, `locality`, `from` …). Empty where the rule applies.
  package let missing: [String]
}

/// A field of which a reader gets less than the whole.
package struct Redaction: Hashable, Sendable {
  /// `*`: the fields that the schema does not name.
  package let field: String
  package let view: View

  package init(field: String, view: View) {
    self.field = field
    self.view = view
  }
}

/// What ``PolicySet/decide(_:)`` found. Nothing else can make one. A class, since a decision that is remembered goes to many who ask.
package final class Decision: Sendable {
  package enum Effect: String, Hashable, Sendable { case permit, deny }

  /// What was decided on.
  package let request: AccessRequest
  package let effect: Effect
  /// `nil` exactly where the effect is `permit`.
  package let reason: DenyReason?
  /// Every rule that applied on any hop to any field, in order of id.
  package let rules: [MatchedRule]
  /// The rule that settled it: the forbid or requirement that denies, or the permit for the first hop that leaves the home's jurisdiction.
  /// `nil` where no rule applied.
  package let rule: MatchedRule?
  /// Facts that were needed and not known (keys of clauses).
  package let unknown: [String]
  package let nearestPermit: NearestPermit?
  /// Of the policy files that decided: `sha256:<hex>`.
  package let revision: String
  /// What the deciding permits rest on, hop by hop. `nil` on a denial.
  package let legalBasis: String?
  /// The transfer mechanism that the deciding permit rests on.
  package let safeguard: Safeguard?
  /// The agreement on file (`agreements.yaml`) that the deciding permit rests on: its id and reference.
  package let agreement: AgreementReference?
  /// The classes that the request was about.
  package let classes: [DataClass]
  let access: FieldAccess?
  /// What packs in `monitor` would have made of it, where that is something else.
  package let monitored: MonitoredOutcome?

  init(
    request: AccessRequest, effect: Effect, reason: DenyReason?, rules: [MatchedRule], rule: MatchedRule?, unknown: [String],
    nearestPermit: NearestPermit?, revision: String, legalBasis: String?, safeguard: Safeguard?, agreement: AgreementReference?,
    classes: [DataClass], access: FieldAccess?, monitored: MonitoredOutcome? = nil
  ) {
    self.request = request
    self.effect = effect
    self.reason = reason
    self.rules = rules
    self.rule = rule
    self.unknown = unknown
    self.nearestPermit = nearestPermit
    self.revision = revision
    self.legalBasis = legalBasis
    self.safeguard = safeguard
    self.agreement = agreement
    self.classes = classes
    self.access = access
    self.monitored = monitored
  }

  /// The same decision, watched.
  convenience init(_ decision: Decision, monitored: MonitoredOutcome?) {
    self.init(
      request: decision.request, effect: decision.effect, reason: decision.reason, rules: decision.rules, rule: decision.rule,
      unknown: decision.unknown, nearestPermit: decision.nearestPermit, revision: decision.revision,
      legalBasis: decision.legalBasis,
      safeguard: decision.safeguard, agreement: decision.agreement, classes: decision.classes, access: decision.access,
      monitored: monitored)
  }

  /// What the last recipient gets of a top-level field: `drop` unless this is a permit.
  package func view(of field: String) -> View { access?.view(of: field) ?? .drop }

  /// The fields of the schema (`*`: all others) that the request was about and that are not given in the clear.
  package var redactions: [Redaction] {
    fieldViews.filter { $0.view != .clear }
  }

  /// The view of every field that the request was about, in order of names, `*` last.
  package var fieldViews: [Redaction] {
    access.map { access in access.requested.map { Redaction(field: $0, view: access.view(of: $0)) } } ?? []
  }
}

/// Which agreement on file a transfer rests on.
package struct AgreementReference: Hashable, Sendable {
  package let id: String
  package let reference: String
}
