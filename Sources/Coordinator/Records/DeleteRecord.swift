import AuditTrail
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

struct DeleteRecord: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.RecordService", method: "DeleteRecord")
  static let activityAbroad = AuditActivity.delete

  let call: Call
  let request: Domicile_V1_DeleteRecordRequest
  let subject: SubjectTag
  let address: RecordAddress
  let purpose: Purpose
  let requestKey: [UInt8]?
  let concern: WriteConcern

  init(_ request: Domicile_V1_DeleteRecordRequest, call: Call) throws(Refusal) {
    self.call = call
    self.request = request
    subject = try call.subject(request.subjectID)
    purpose = request.purpose.isEmpty ? .service : try call.purpose(request.purpose)
    address = RecordAddress(
      tag: subject, collection: try call.homeCollection(request.collection), key: try call.recordKey(request.key))
    requestKey = try call.requestKey(request.requestID, subject: subject)
    concern = try call.concern(request.writeConcern, of: [address.collection])
  }

  var recordedPurpose: Purpose? { purpose }
  var recordedCollection: CollectionName? { address.collection }

  var needs: FactsNeeded {
    FactsNeeded(subjects: [subject], records: call.known([address]), requestKey: requestKey, mayWrite: true)
  }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_DeleteRecordResponse> {
    var recorded = Recorded(
      activity: .delete, subject: subject, purpose: purpose, collection: address.collection,
      details: ["key": .string(address.key)])
    let gate = Gate(action: .write, subject: subject, collection: address.collection, purpose: purpose)
    switch gate.pass(call, facts) {
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
      let current = facts.records[address]
      if let refusal = PutRecord.versionRefusal(
        expected: request.hasExpectedVersion ? request.expectedVersion : nil, current)
      {
        return try call.refuse(refusal, recorded, facts, &effects)
      }
      guard let current, current.value != nil else { return try call.refuse(.noSuchRecord, recorded, facts, &effects) }
      recorded.recordVersion = current.version + 1
      effects.record(try call.leaf(recorded, facts: facts))
      effects.delete(address, version: current.version + 1)
      let response = Response.with { $0.decision = call.message(decision) }
      try Idempotency.remember(response, of: request, about: subject, key: requestKey, in: &effects)
      return .answered(response)
    }
  }
}
