import AuditTrail
import Cryptography
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// The subject's own data is the collection `subject`: policy decides its fields like those of any other.
struct GetSubject: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.SubjectService", method: "GetSubject")
  static let collection = CollectionName("subject")

  let call: Call
  let request: Domicile_V1_GetSubjectRequest
  let subject: SubjectTag
  let purpose: Purpose

  init(_ request: Domicile_V1_GetSubjectRequest, call: Call) throws(Refusal) {
    self.call = call
    self.request = request
    subject = try call.subject(request.subjectID)
    purpose = try call.purpose(request.purpose)
  }

  var recordedPurpose: Purpose? { purpose }
  var recordedCollection: CollectionName? { GetSubject.collection }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject]) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_GetSubjectResponse> {
    var recorded = Recorded(activity: .read, subject: subject, purpose: purpose, collection: Self.collection)
    let gate = Gate(action: .read, subject: subject, collection: Self.collection, purpose: purpose)
    switch gate.pass(call, facts) {
    case .elsewhere(let lookup):
      return .elsewhere(lookup)
    case .refused(let refusal, let decision):
      recorded.decision = decision
      return try call.refuse(refusal, recorded, facts, &effects)
    case .open(let person, let decision):
      recorded.decision = decision
      guard let permitted = decision.permittedRead else {
        return try call.refuse(call.refusal(for: decision), recorded, facts, &effects)
      }
      let released = permitted.redact(person.document) { HMACSHA256.code(for: $0, key: call.region.viewKey) }
      call.count(released.classes, of: subject, &effects)
      recorded.redactions = released.redactions
      effects.record(try call.leaf(recorded, facts: facts))
      return .answered(
        .with {
          $0.subject = Domicile_V1_Subject(released.document)
          $0.subject.subjectID = request.subjectID
          $0.subject.homeRegion = call.region.descriptor.id.rawValue
          $0.subject.state = .init(person.state)
          $0.subject.epoch = person.epoch.rawValue
          $0.decision = call.message(decision, redactions: released.redactions)
          $0.evidence = .init(facts, epoch: person.epoch)
        })
    }
  }
}

extension SubjectFacts {
  /// As a document with the fields that `policies/collections.yaml` gives the collection `subject`.
  fileprivate var document: JSONValue {
    var residence: [String: JSONValue] = ["country": .string(self.residence.country.rawValue)]
    if let subdivision = self.residence.subdivision { residence["subdivision"] = .string(subdivision.rawValue) }
    if let citizenship = self.residence.citizenship {
      residence["citizenship"] = .array(citizenship.sorted().map { .string($0.rawValue) })
    }
    let consents = consents.sorted { $0.purpose < $1.purpose }.map { consent -> JSONValue in
      var members: [String: JSONValue] = [
        "purpose": .string(consent.purpose.rawValue), "kind": .string(consent.kind), "given_at": .integer(consent.givenAt),
      ]
      if let withdrawn = consent.withdrawnAt { members["withdrawn_at"] = .integer(withdrawn) }
      return .object(members)
    }
    return .object(["residence": .object(residence), "consents": .array(consents)])
  }
}

extension Domicile_V1_Subject {
  /// From what policy left of the document.
  fileprivate init(_ document: JSONValue) {
    self.init()
    if let country = document["residence"]?["country"]?.stringValue {
      residence = .with {
        $0.country = country
        $0.subdivision = document["residence"]?["subdivision"]?.stringValue ?? ""
        $0.citizenship = document["residence"]?["citizenship"]?.arrayValue?.compactMap(\.stringValue) ?? []
      }
    }
    consents = (document["consents"]?.arrayValue ?? []).map { item in
      .with {
        $0.purpose = item["purpose"]?.stringValue ?? ""
        $0.kind = item["kind"]?.stringValue ?? ""
        if let given = item["given_at"]?.numberValue { $0.givenAt = .init(milliseconds: UInt64(given)) }
        if let withdrawn = item["withdrawn_at"]?.numberValue { $0.withdrawnAt = .init(milliseconds: UInt64(withdrawn)) }
      }
    }
  }
}

extension Domicile_V1_Subject.State {
  init(_ state: SubjectState) {
    switch state {
    case .active: self = .active
    case .frozen: self = .frozen
    case .moved: self = .moved
    case .restricted: self = .restricted
    case .erased: self = .erased
    }
  }
}
