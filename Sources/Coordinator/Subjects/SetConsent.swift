import AuditTrail
import ConnectRPC
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// Consent is written like the subject's other data: policy decides a `write` of the collection `subject`, for the purpose
/// `service`.
struct SetConsent: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.SubjectService", method: "SetConsent")
  static let activityAbroad = AuditActivity.setConsent

  let call: Call
  let request: Domicile_V1_SetConsentRequest
  let subject: SubjectTag
  let purpose: Purpose
  let kind: ConsentKind
  let requestKey: [UInt8]?

  init(_ request: Domicile_V1_SetConsentRequest, call: Call) throws(Refusal) {
    self.call = call
    self.request = request
    subject = try call.subject(request.subjectID)
    purpose = try call.consentPurpose(request.purpose)
    guard let kind = request.kind.isEmpty ? .explicit : ConsentKind(rawValue: request.kind) else {
      throw Refusal(.invalidArgument, .invalidArgument, "A consent's kind is 'explicit' or 'implied'.")
    }
    self.kind = kind
    requestKey = try call.requestKey(request.requestID, subject: subject)
  }

  var recordedPurpose: Purpose? { purpose }
  var recordedCollection: CollectionName? { GetSubject.collection }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject], requestKey: requestKey, mayWrite: true) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_SetConsentResponse> {
    var recorded = Recorded(
      activity: .setConsent, subject: subject, purpose: purpose, collection: GetSubject.collection)
    switch Gate.consents(of: subject).pass(call, facts) {
    case .elsewhere(let lookup):
      return .elsewhere(lookup)
    case .refused(let refusal, let decision):
      recorded.decision = decision
      return try call.refuse(refusal, recorded, facts, &effects)
    case .open(_, let decision):
      recorded.decision = decision
      if let earlier: HomeAnswer<Response> = try Idempotency.earlierAnswer(facts, key: requestKey, request: request, call: call) {
        return try call.answerAgain(earlier, recorded, facts, &effects)
      }
      let consent = ConsentFacts(purpose: purpose, kind: kind.rawValue, givenAt: call.now)
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

extension Gate {
  static func consents(of subject: SubjectTag) -> Gate {
    Gate(action: .write, subject: subject, collection: GetSubject.collection, fields: ["consents"], purpose: .service)
  }
}

extension Call {
  /// What a consent is for: a word of the vocabulary, whether or not the caller may use it.
  func consentPurpose(_ text: String) throws(Refusal) -> Purpose {
    let purpose = try purpose(text)
    guard policies.vocabulary.contains(purpose) else {
      let hint = nearest(text, in: policies.vocabulary.purposes.map(\.rawValue)).map { " Did you mean '\($0)'?" } ?? ""
      throw Refusal(.invalidArgument, .unknownPurpose, "The purpose '\(text.prefix(64))' is not in the vocabulary.\(hint)")
    }
    return purpose
  }
}

extension Domicile_V1_Consent {
  init(_ consent: ConsentFacts) {
    self.init()
    purpose = consent.purpose.rawValue
    kind = consent.kind
    givenAt = .init(milliseconds: consent.givenAt)
    if let withdrawn = consent.withdrawnAt { withdrawnAt = .init(milliseconds: withdrawn) }
  }
}
