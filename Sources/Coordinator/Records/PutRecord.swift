import AuditTrail
import ConnectRPC
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

struct PutRecord: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.RecordService", method: "PutRecord")
  static let activityAbroad = AuditActivity.write
  /// Of the canonical JSON: 1 MiB.
  static let valueBytesMax = 1_048_576

  let call: Call
  let request: Domicile_V1_PutRecordRequest
  let subject: SubjectTag
  let address: RecordAddress
  let purpose: Purpose
  let value: JSONValue
  private let bytes: [UInt8]
  let requestKey: [UInt8]?
  let concern: WriteConcern

  init(_ request: Domicile_V1_PutRecordRequest, call: Call) throws(Refusal) {
    self.call = call
    self.request = request
    subject = try call.subject(request.subjectID)
    purpose = request.purpose.isEmpty ? .service : try call.purpose(request.purpose)
    address = RecordAddress(
      tag: subject, collection: try call.homeCollection(request.collection), key: try call.recordKey(request.key))
    guard request.hasValue else {
      throw Refusal(.invalidArgument, .invalidArgument, "The request has no value: send a JSON object.")
    }
    value = JSONValue(request.value)
    bytes = value.canonicalBytes
    requestKey = try call.requestKey(request.requestID, subject: subject)
    concern = try call.concern(request.writeConcern, of: [address.collection])
  }

  var recordedPurpose: Purpose? { purpose }
  var recordedCollection: CollectionName? { address.collection }

  var needs: FactsNeeded {
    FactsNeeded(subjects: [subject], records: call.known([address]), requestKey: requestKey, mayWrite: true)
  }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_PutRecordResponse> {
    var recorded = Recorded(
      activity: .write, subject: subject, purpose: purpose, collection: address.collection,
      details: ["key": .string(address.key)])
    let gate = Gate(
      action: .write, subject: subject, collection: address.collection, fields: value.policyFields, purpose: purpose)
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
      if let refusal = Self.sizeRefusal(bytes.count)
        ?? Self.versionRefusal(expected: request.hasExpectedVersion ? request.expectedVersion : nil, current)
      {
        return try call.refuse(refusal, recorded, facts, &effects)
      }
      let version = (current?.version ?? 0) + 1
      recorded.recordVersion = version
      effects.record(try call.leaf(recorded, facts: facts))
      effects.put(address, version: version, value: bytes)
      let response = Response.with {
        $0.version = version
        $0.decision = call.message(decision)
      }
      try Idempotency.remember(response, of: request, about: subject, key: requestKey, in: &effects)
      return .answered(response)
    }
  }

  /// - Parameter count: Bytes of canonical JSON.
  static func sizeRefusal(_ count: Int) -> Refusal? {
    guard count > valueBytesMax else { return nil }
    return Refusal(
      .resourceExhausted, .valueTooLarge,
      "A value is at most \(valueBytesMax) bytes of JSON; this one has \(count). Split it into several records.")
  }

  /// - Parameter expected: `nil`: whatever is there; 0: nothing must be there.
  static func versionRefusal(expected: UInt64?, _ current: StoredRecord?) -> Refusal? {
    guard let expected else { return nil }
    let found = current?.value == nil ? 0 : current?.version ?? 0
    guard expected != found else { return nil }
    return Refusal(
      .aborted, .versionMismatch,
      "The record is at version \(found), not at \(expected). Read it again, and decide again.",
      metadata: ["expected_version": String(expected), "version": String(found)])
  }
}

extension Purpose {
  /// What a write is for where its request does not say.
  static let service = Purpose("service")
}

extension JSONValue {
  /// What policy calls an object's members; none for anything else.
  var policyFields: [String] {
    guard case .object(let members) = self else { return [] }
    return Set(members.keys.map(CollectionSchema.field(ofMember:))).sorted()
  }
}
