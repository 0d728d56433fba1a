import AuditTrail
import ConnectRPC
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// From the commit on, no decision counts the consent. What was disclosed before stays recorded.
struct WithdrawConsent: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.SubjectService", method: "WithdrawConsent")
  static let activityAbroad = AuditActivity.withdrawConsent

  let call: Call
  let request: Domicile_V1_WithdrawConsentRequest
  let subject: SubjectTag
  let purpose: Purpose
  let requestKey: [UInt8]?

  init(_ request: Domicile_V1_WithdrawConsentRequest, call: Call) throws(Refusal) {
    self.call = call
    self.request = request
    subject = try call.subject(request.subjectID)
    purpose = try call.consentPurpose(request.purpose)
    requestKey = try call.requestKey(request.requestID, subject: subject)
  }

  var recordedPurpose: Purpose? { purpose }
  var recordedCollection: CollectionName? { GetSubject.collection }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject], requestKey: requestKey, mayWrite: true) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_WithdrawConsentResponse> {
    var recorded = Recorded(
      activity: .withdrawConsent, subject: subject, purpose: purpose, collection: GetSubject.collection)
    switch Gate.consents(of: subject).pass(call, facts) {
    case .elsewhere(let lookup):
      return .elsewhere(lookup)
    case .refused(let refusal, let decision):
      recorded.decision = decision
      return try call.refuse(refusal, recorded, facts, &effects)
    case .open(let person, let decision):
      recorded.decision = decision
      if let earlier: HomeAnswer<Response> = try Idempotency.earlierAnswer(facts, key: requestKey, request: request, call: call) {
        return try call.answerAgain(earlier, recorded, facts, &effects)
      }
      guard let given = person.consents.first(where: { $0.purpose == purpose && $0.withdrawnAt == nil }) else {
        let refusal = Refusal(.notFound, .consentUnknown, "The subject has no consent to '\(purpose)' that could be withdrawn.")
        return try call.refuse(refusal, recorded, facts, &effects)
      }
      let consent = ConsentFacts(purpose: purpose, kind: given.kind, givenAt: given.givenAt, withdrawnAt: call.now)
      effects.record(try call.leaf(recorded, facts: facts))
      effects.set(consent, of: subject)
      let response = Response.with {
        $0.consent = .init(consent)
        $0.decision = call.message(decision)
      }
      try Idempotency.remember(response, of: request, about: subject, key: requestKey, in: &effects)
      return .answered(response)
    }
  }
}
