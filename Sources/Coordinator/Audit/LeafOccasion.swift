import AuditTrail
import DecisionRecords
import PolicyEngine
import Residency

/// All that a leaf says of a call at the subject's home, but its particulars: calls of one occasion share its form.
///
/// Texts that callers write are told apart by their bytes: a leaf has them as its own caller spelled them.
struct LeafOccasion: Hashable, Sendable {
  /// What is shown of a field otherwise than it is.
  private struct FieldView: Hashable {
    let field: ByteText
    let view: View
  }

  /// The same decision, not one that says the same: those that are remembered are, and comparing others would take longer than writing.
  private struct DecisionIdentity: Hashable {
    let decision: Decision

    static func == (left: Self, right: Self) -> Bool { left.decision === right.decision }

    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(decision)) }
  }

  private let activity: AuditActivity
  private let reason: Reason?
  private let principal: ByteText
  private let requester: AuditEvent.Place
  private let hops: [AuditEvent.Hop]
  private let decision: DecisionIdentity?
  private let purpose: ByteText?
  private let collection: ByteText?
  private let documentKey: ByteText?
  private let redactions: [FieldView]

  init(_ recorded: Recorded, of call: Call) {
    activity = recorded.activity
    reason = recorded.refusal?.reason
    principal = ByteText(call.principal.name)
    requester = AuditEvent.Place(region: call.asking.id, jurisdiction: call.asking.jurisdiction)
    hops = call.auditHops(from: call.region.descriptor)
    decision = recorded.decision.map(DecisionIdentity.init)
    purpose = call.recordable(recorded.purpose).map { ByteText($0.rawValue) }
    collection = call.recordable(recorded.collection).map { ByteText($0.rawValue) }
    documentKey = collection == nil ? nil : recorded.documentKey.map(ByteText.init)
    redactions = recorded.redactions.map { FieldView(field: ByteText($0.field), view: $0.view) }
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(decision)
    hasher.combine(activity)
    hasher.combine(reason)
    if !redactions.isEmpty { hasher.combine(redactions) }
  }

  /// Whether others are to be expected. Not of a document by its key, which is asked for seldom, and not where a decision counted people,
  /// who become more.
  var recurs: Bool {
    guard let decision = decision?.decision else { return false }
    return documentKey == nil && decision.request.transferredThisYear.isEmpty
  }

  func event(_ particulars: AuditEvent.Particulars, in region: RegionContext, by policies: PolicySet) -> AuditEvent {
    var event = AuditEvent(particulars, activity: activity, effect: reason == nil ? .allowed : .denied, requester: requester)
    event.reason = reason?.rawValue
    event.principal = principal.text
    event.policyRevision = policies.revision
    event.home = AuditEvent.Place(region: region.descriptor.id, jurisdiction: region.descriptor.jurisdiction)
    event.hops = hops
    event.purpose = purpose.map { Purpose($0.text) }
    event.collection = collection.map { CollectionName($0.text) }
    event.documentKey = documentKey?.text
    event.redactions = redactions.map { AuditEvent.Redaction(field: $0.field.text, view: $0.view) }
    if let decision { event.record(decision.decision, by: policies) }
    return event
  }
}
