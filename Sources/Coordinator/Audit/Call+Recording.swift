import AuditTrail
import Cryptography
import DecisionRecords
import PolicyEngine
import RegionStore
import Residency

/// What a leaf says of a call, beside what every leaf of the call says.
struct Recorded {
  var activity: AuditActivity
  var subject: SubjectTag?
  var decision: Decision?
  /// `nil`: what was asked for was done.
  var refusal: Refusal?
  var purpose: Purpose?
  var collection: CollectionName?
  var redactions: [Redaction] = []
  var recordVersion: UInt64?
  /// Of a document that all regions hold: it names nobody.
  var documentKey: String?
  /// What names people or records: sealed under the subject's key.
  var details: JSONValue?
}

extension Recorded {
  /// A refusal of which no more is to be said.
  init<Procedure: SubjectProcedure>(refusing procedure: Procedure, with refusal: Refusal) {
    self.init(
      activity: Procedure.activityAtHome, subject: procedure.subject, refusal: refusal, purpose: procedure.recordedPurpose,
      collection: procedure.recordedCollection)
  }
}

extension Call {
  /// The leaf that records this call at the subject's home.
  func leaf(_ recorded: Recorded, facts: Facts) throws -> LeafDraft {
    var event = try event(recorded.activity, reason: recorded.refusal?.reason.rawValue)
    event.home = AuditEvent.Place(region: region.descriptor.id, jurisdiction: region.descriptor.jurisdiction)
    event.hops = auditHops(from: region.descriptor)
    event.purpose = recordable(recorded.purpose)
    event.collection = recordable(recorded.collection)
    event.recordVersion = recorded.recordVersion
    event.documentKey = event.collection == nil ? nil : recorded.documentKey
    event.redactions = recorded.redactions.map(AuditEvent.Redaction.init)
    if let decision = recorded.decision { event.record(decision, by: policies) }
    guard let tag = recorded.subject, let key = facts.auditKey(of: tag) else { return LeafDraft(event, details: nil) }
    event.subject = try pseudonym(of: tag, auditKey: key)
    event.subjectEpoch = facts.subjects[tag]?.epoch
    return LeafDraft(event, details: recorded.details.map { LeafDraft.Details(tag: tag, bytes: $0.canonicalBytes) })
  }

  /// A log names what the vocabulary names. Anything else that a caller writes in a name's place may be of any length, and about
  /// a person.
  func recordable(_ purpose: Purpose?) -> Purpose? { purpose.flatMap { policies.vocabulary.contains($0) ? $0 : nil } }

  func recordable(_ collection: CollectionName?) -> CollectionName? { collection.flatMap { policies.collection($0)?.name } }

  /// The name under which this region's log speaks of the subject this month.
  func pseudonym(of tag: SubjectTag, auditKey: RootKey) throws -> AuditPseudonym {
    try AuditPseudonym(of: tag, auditKey: auditKey, period: period)
  }

  /// What every leaf of this call says.
  /// - Parameter reason: why it was refused; `nil` where it was not.
  func event(_ activity: AuditActivity, reason: String?) throws -> AuditEvent {
    guard let salt = AuditEvent.Salt(salt) else { throw StoreError.corrupt(what: "a salt") }
    var event = AuditEvent(
      time: UTCTime(milliseconds: Int64(now)), id: id.hex, activity: activity, effect: reason == nil ? .allowed : .denied,
      requester: AuditEvent.Place(region: asking.id, jurisdiction: asking.jurisdiction), salt: salt)
    event.reason = reason
    event.principal = principal.name
    event.policyRevision = policies.revision
    event.request = AuditEvent.RequestNumber(coordinator: region.coordinator, number: ticket.record())
    return event
  }

  /// Every border that the answer crosses on its way from `home` to the principal.
  func auditHops(from home: RegionDescriptor) -> [AuditEvent.Hop] {
    let others = hops.filter { $0.region != home.id }
    guard !others.isEmpty else { return [] }
    let places =
      [AuditEvent.Place(region: home.id, jurisdiction: home.jurisdiction)]
      + others.map { AuditEvent.Place(region: $0.region, jurisdiction: $0.jurisdiction) }
    return zip(places, places.dropFirst()).map { AuditEvent.Hop(from: $0, to: $1) }
  }
}

extension LeafDraft {
  init(_ event: borrowing AuditEvent, details: Details?) {
    let form = event.form
    self.init(details: details) { sealed in
      let row = form.row(details: sealed)
      return Leaf(row: row.bytes, hash: try row.leafHash().bytes)
    }
  }
}
