import AuditTrail
import DecisionRecords
import PolicyEngine
import Residency

/// All that a leaf says of a call at the subject's home, but its particulars: calls of one occasion share its form.
struct LeafOccasion: Sendable {
  let activity: AuditActivity
  let reason: Reason?
  let principal: String
  let requester: AuditEvent.Place
  let hops: [AuditEvent.Hop]
  let decision: Decision?
  let purpose: Purpose?
  let collection: CollectionName?
  let documentKey: String?
  let redactions: [Redaction]

  init(_ recorded: Recorded, of call: Call) {
    activity = recorded.activity
    reason = recorded.refusal?.reason
    principal = call.principal.name
    requester = AuditEvent.Place(region: call.asking.id, jurisdiction: call.asking.jurisdiction)
    hops = call.auditHops(from: call.region.descriptor)
    decision = recorded.decision
    purpose = call.recordable(recorded.purpose)
    collection = call.recordable(recorded.collection)
    documentKey = collection == nil ? nil : recorded.documentKey
    redactions = recorded.redactions
  }

  /// Whether others are to be expected: what was decided once is asked for again, and a document by its key seldom.
  var recurs: Bool { decision != nil && documentKey == nil }

  func event(_ particulars: AuditEvent.Particulars, in region: RegionContext, by policies: PolicySet) -> AuditEvent {
    var event = AuditEvent(particulars, activity: activity, effect: reason == nil ? .allowed : .denied, requester: requester)
    event.reason = reason?.rawValue
    event.principal = principal
    event.policyRevision = policies.revision
    event.home = AuditEvent.Place(region: region.descriptor.id, jurisdiction: region.descriptor.jurisdiction)
    event.hops = hops
    event.purpose = purpose
    event.collection = collection
    event.documentKey = documentKey
    event.redactions = redactions.map(AuditEvent.Redaction.init)
    if let decision { event.record(decision, by: policies) }
    return event
  }
}

extension LeafOccasion: Hashable {
  /// Decisions are one where they are the same object: those that are remembered are, and comparing others would take longer than writing.
  static func == (left: Self, right: Self) -> Bool {
    left.decision === right.decision && left.activity == right.activity && left.reason == right.reason
      && left.principal == right.principal && left.requester == right.requester && left.hops == right.hops
      && left.purpose == right.purpose && left.collection == right.collection && left.documentKey == right.documentKey
      && left.redactions == right.redactions
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(decision.map(ObjectIdentifier.init))
    hasher.combine(activity)
    hasher.combine(reason)
  }
}
