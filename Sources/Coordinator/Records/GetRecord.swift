import AuditTrail
import ConnectRPC
import Cryptography
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

struct GetRecord: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.RecordService", method: "GetRecord")

  let call: Call
  let subject: SubjectTag
  let address: RecordAddress
  let purpose: Purpose
  let readPreference: ReadPreference
  let fields: [String]?

  init(_ request: Domicile_V1_GetRecordRequest, call: Call) throws(Refusal) {
    self.call = call
    subject = try call.subject(request.subjectID)
    purpose = try call.purpose(request.purpose)
    fields = try call.fields(request.fields)
    address = RecordAddress(
      tag: subject, collection: try call.homeCollection(request.collection), key: try call.recordKey(request.key))
    readPreference = try call.readPreference(request.readPreference, of: address.collection)
  }

  var recordedPurpose: Purpose? { purpose }
  var recordedCollection: CollectionName? { address.collection }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject], records: call.known([address])) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_GetRecordResponse> {
    var recorded = Recorded(
      activity: .read, subject: subject, purpose: purpose, collection: address.collection,
      details: ["key": .string(address.key)])
    let gate = Gate(action: .read, subject: subject, collection: address.collection, fields: fields, purpose: purpose)
    switch gate.pass(call, facts) {
    case .elsewhere(let lookup):
      return .elsewhere(lookup)
    case .refused(let refusal, let decision):
      recorded.decision = decision
      return try call.refuse(refusal, recorded, facts, &effects)
    case .open(let person, let decision):
      recorded.decision = decision
      guard let permitted = decision.permittedRead, let record = facts.records[address], let value = record.value else {
        return try call.refuse(.noSuchRecord, recorded, facts, &effects)
      }
      let released = try call.release(record, value: value, under: permitted, fields: fields)
      call.count(released.classes, of: subject, &effects)
      recorded.redactions = released.redactions
      recorded.recordVersion = record.version
      effects.record(try call.leaf(recorded, facts: facts))
      return .answered(
        .with {
          $0.record = released.record
          $0.decision = call.message(decision, redactions: released.redactions)
          $0.evidence = .init(facts, epoch: person.epoch)
        })
    }
  }
}

extension Refusal {
  static let noSuchRecord = Refusal(.notFound, .recordUnknown, "The subject has no record under that collection and key.")
}

extension Call {
  /// The only way in which a stored document becomes part of an answer.
  func release(
    _ record: StoredRecord, value: [UInt8], under permitted: PermittedRead, fields: [String]? = nil
  ) throws -> Released {
    let stored = try Google_Protobuf_Struct(jsonUTF8Bytes: value)
    let revealed = reveal(stored, of: record.address.collection, under: permitted, fields: fields)
    return Released(
      record: message(record, revealed.value), redactions: revealed.redactions, classes: revealed.classes)
  }

  /// What may be seen of a value.
  struct Revealed {
    let value: Google_Protobuf_Struct
    let redactions: [Redaction]
    /// The classes of which something is shown.
    let classes: Set<DataClass>
  }

  func reveal(
    _ value: Google_Protobuf_Struct, of collection: CollectionName, under permitted: PermittedRead, fields: [String]? = nil
  ) -> Revealed {
    if fields == nil, permitted.isClear(for: value.fields.keys) {
      return Revealed(value: value, redactions: [], classes: permitted.classes(ofMembers: value.fields.keys))
    }
    let redacted = permitted.redact(JSONValue(value)) { HMACSHA256.code(for: $0, key: region.viewKey) }
    return Revealed(
      value: .init(redacted.document), redactions: redactions(redacted.redactions, of: collection), classes: redacted.classes)
  }

  /// A record as it leaves.
  struct Released {
    let record: Domicile_V1_Record
    let redactions: [Redaction]
    /// The classes of which something leaves.
    let classes: Set<DataClass>
  }

  private func message(_ record: StoredRecord, _ value: Google_Protobuf_Struct) -> Domicile_V1_Record {
    .with {
      $0.collection = record.address.collection.rawValue
      $0.key = record.address.key
      $0.version = record.version
      $0.value = value
      $0.updatedAt = .init(milliseconds: record.updatedAt)
    }
  }

  /// Fields that no schema names are one, `*`: their names may be about a person, and no rule permitted them.
  private func redactions(_ found: [Redaction], of collection: CollectionName) -> [Redaction] {
    let classes = policies.collection(collection)?.classes ?? [:]
    let others = found.filter { classes[$0.field] == nil }.map(\.view).max()
    return found.filter { classes[$0.field] != nil } + (others.map { [Redaction(field: "*", view: $0)] } ?? [])
  }
}
