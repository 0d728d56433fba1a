import AuditTrail
import Cryptography
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
    var particulars = try particulars()
    particulars.recordVersion = recorded.recordVersion
    var details: LeafDraft.Details?
    if let tag = recorded.subject, let key = facts.auditKey(of: tag) {
      particulars.subject = try pseudonym(of: tag, auditKey: key)
      particulars.subjectEpoch = facts.subjects[tag]?.epoch
      details = recorded.details.map { LeafDraft.Details(tag: tag, bytes: $0.canonicalBytes) }
    }
    let form = inForce.form(of: LeafOccasion(recorded, of: self), particulars, in: region)
    return LeafDraft(form, particulars, details: details)
  }

  /// A log names what the vocabulary names. Anything else that a caller writes in a name's place may be of any length, and about
  /// a person.
  func recordable(_ purpose: Purpose?) -> Purpose? { purpose.flatMap { policies.vocabulary.contains($0) ? $0 : nil } }

  func recordable(_ collection: CollectionName?) -> CollectionName? { collection.flatMap { policies.collection($0)?.name } }

  /// The name under which this region's log speaks of the subject this month.
  func pseudonym(of tag: SubjectTag, auditKey: RootKey) throws -> AuditPseudonym {
    try AuditPseudonym(of: tag, auditKey: auditKey, period: period)
  }

  /// What every leaf of this call says that is not recorded at the subject's home.
  /// - Parameter reason: why it was refused; `nil` where it was not.
  func event(_ activity: AuditActivity, reason: String?) throws -> AuditEvent {
    var event = AuditEvent(
      try particulars(), activity: activity, effect: reason == nil ? .allowed : .denied,
      requester: AuditEvent.Place(region: asking.id, jurisdiction: asking.jurisdiction))
    event.reason = reason
    event.principal = principal.name
    event.policyRevision = policies.revision
    return event
  }

  /// What each leaf of this call says that no other call's does.
  private func particulars() throws -> AuditEvent.Particulars {
    guard let salt = AuditEvent.Salt(salt) else { throw StoreError.corrupt(what: "a salt") }
    return AuditEvent.Particulars(
      time: UTCTime(milliseconds: Int64(now)), id: .digits(id),
      request: AuditEvent.RequestNumber(coordinator: region.coordinator, number: ticket.record()), salt: salt)
  }

  /// Every border that the answer crosses on its way from `home` to the principal.
  func auditHops(from home: RegionDescriptor) -> [AuditEvent.Hop] {
    guard hops.contains(where: { $0.region != home.id }) else { return [] }
    let others = hops.filter { $0.region != home.id }
    let places =
      [AuditEvent.Place(region: home.id, jurisdiction: home.jurisdiction)]
      + others.map { AuditEvent.Place(region: $0.region, jurisdiction: $0.jurisdiction) }
    return zip(places, places.dropFirst()).map { AuditEvent.Hop(from: $0, to: $1) }
  }
}

extension LeafDraft {
  init(_ event: borrowing AuditEvent, details: Details?) {
    self.init(event.form, event.particulars, details: details)
  }

  init(_ form: LeafForm, _ particulars: AuditEvent.Particulars, details: Details?) {
    self.init(details: details) { sealed in
      let (row, hash) = try form.rowAndHash(particulars, sealedDetails: sealed)
      return Leaf(row: row.bytes, hash: hash.bytes)
    }
  }
}
