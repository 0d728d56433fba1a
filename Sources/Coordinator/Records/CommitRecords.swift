import AuditTrail
import ConnectRPC
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// Several changes of one subject's records, all or nothing. Each is decided and recorded as the single write that it could have been.
struct CommitRecords: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.RecordService", method: "CommitRecords")
  static let activityAbroad = AuditActivity.write
  private static let changesMax = 100

  /// One change, checked for form.
  struct Change {
    enum Action {
      case put(JSONValue, [UInt8])
      case delete
      /// Only a precondition.
      case check
    }

    let address: RecordAddress
    let expected: UInt64?
    let action: Action
    /// With a decision and a leaf of its own.
    let call: Call
  }

  let call: Call
  let request: Domicile_V1_CommitRecordsRequest
  let subject: SubjectTag
  let changes: [Change]
  let purpose: Purpose
  let requestKey: [UInt8]?
  let concern: WriteConcern

  init(_ request: Domicile_V1_CommitRecordsRequest, call: Call) throws(Refusal) {
    self.call = call
    self.request = request
    subject = try call.subject(request.subjectID)
    purpose = request.purpose.isEmpty ? .service : try call.purpose(request.purpose)
    guard (1...Self.changesMax).contains(request.changes.count) else {
      throw Refusal(
        .invalidArgument, .invalidArgument,
        "A commit has 1 to \(Self.changesMax) changes; this one has \(request.changes.count).")
    }
    var changes: [Change] = []
    for (index, change) in request.changes.enumerated() {
      changes.append(try Change(change, of: subject, call: call.part(index), index: index))
    }
    try Self.checkTogether(changes)
    self.changes = changes
    requestKey = try call.requestKey(request.requestID, subject: subject)
    concern = try call.concern(request.writeConcern, of: changes.map(\.address.collection))
  }

  private static func checkTogether(_ changes: [Change]) throws(Refusal) {
    guard Set(changes.map(\.address)).count == changes.count else {
      throw Refusal(.invalidArgument, .invalidArgument, "A commit changes each record once at most: put its changes together.")
    }
    guard changes.contains(where: { !$0.isCheck }) else {
      throw Refusal(.invalidArgument, .invalidArgument, "A commit of checks alone changes nothing: read the records instead.")
    }
  }

  var recordedPurpose: Purpose? { purpose }
  var recordedCollection: CollectionName? {
    let collections = Set(changes.map(\.address.collection))
    return collections.count == 1 ? collections.first : nil
  }

  var needs: FactsNeeded {
    FactsNeeded(subjects: [subject], records: call.known(changes.map(\.address)), requestKey: requestKey, mayWrite: true)
  }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_CommitRecordsResponse> {
    var decisions: [Decision] = []
    for (index, change) in changes.enumerated() {
      let gate = Gate(
        action: .write, subject: subject, collection: change.address.collection, fields: change.fields, purpose: purpose)
      switch gate.pass(call, facts) {
      case .elsewhere(let lookup):
        return .elsewhere(lookup)
      case .refused(let refusal, let decision):
        return try refuse(refusal, at: index, decision, facts, &effects)
      case .open(_, let decision):
        decisions.append(decision)
      }
    }
    if let earlier: HomeAnswer<Response> = try Idempotency.earlierAnswer(facts, key: requestKey, request: request, call: call) {
      return try call.answerAgain(earlier, recordedRepeat(decisions.first), facts, &effects)
    }
    for (index, change) in changes.enumerated() {
      if let refusal = change.refusal(facts.records[change.address]) {
        return try refuse(refusal, at: index, decisions[index], facts, &effects)
      }
    }
    var response = Response()
    for (change, decision) in zip(changes, decisions) {
      response.results.append(try change.apply(decision, self, facts, &effects))
    }
    response.evidence = Domicile_V1_Evidence()
    try Idempotency.remember(response, of: request, about: subject, key: requestKey, in: &effects)
    return .answered(response)
  }

  /// One that may not be, or whose precondition does not hold, stops all.
  private func refuse(
    _ refusal: Refusal, at index: Int, _ decision: Decision?, _ facts: Facts, _ effects: inout Effects
  ) throws -> HomeAnswer<Response> {
    var refusal = refusal
    refusal.metadata["change"] = String(index)
    return try call.refuse(refusal, changes[index].recorded(purpose, decision), facts, &effects)
  }

  /// - Parameter decision: on the first change, whose collection the leaf names.
  private func recordedRepeat(_ decision: Decision?) -> Recorded {
    let keys = changes.map { JSONValue.array([.string($0.address.collection.rawValue), .string($0.address.key)]) }
    return Recorded(
      activity: .write, subject: subject, decision: decision, purpose: purpose, collection: changes.first?.address.collection,
      details: ["keys": .array(keys)])
  }
}

extension CommitRecords.Change {
  fileprivate init(
    _ change: Domicile_V1_CommitRecordsRequest.Change, of subject: SubjectTag, call: Call, index: Int
  ) throws(Refusal) {
    self.call = call
    address = RecordAddress(tag: subject, collection: CollectionName(change.collection), key: try call.recordKey(change.key))
    expected = change.hasExpectedVersion ? change.expectedVersion : nil
    switch change.action {
    case .put(let document):
      let value = JSONValue(document)
      action = .put(value, value.canonicalBytes)
    case .delete: action = .delete
    case .check:
      guard change.hasExpectedVersion else {
        throw Refusal(.invalidArgument, .invalidArgument, "Change \(index) checks a record, but names no expected_version.")
      }
      action = .check
    case nil:
      throw Refusal(.invalidArgument, .invalidArgument, "Change \(index) says nothing to do: put, delete or check.")
    }
  }

  fileprivate var isCheck: Bool {
    if case .check = action { true } else { false }
  }

  /// Those that a rule is asked about; `nil` for all.
  fileprivate var fields: [String]? {
    if case .put(let value, _) = action { value.policyFields } else { nil }
  }

  /// Why it cannot be done to what is there.
  fileprivate func refusal(_ current: StoredRecord?) -> Refusal? {
    if case .put(_, let bytes) = action, let refusal = PutRecord.sizeRefusal(bytes.count) { return refusal }
    if let refusal = PutRecord.versionRefusal(expected: expected, current) { return refusal }
    if case .delete = action, current?.value == nil { return .noSuchRecord }
    return nil
  }

  fileprivate func recorded(_ purpose: Purpose, _ decision: Decision?) -> Recorded {
    let activity: AuditActivity = if case .delete = action { .delete } else { .write }
    return Recorded(
      activity: activity, subject: address.tag, decision: decision, purpose: purpose, collection: address.collection,
      details: ["key": .string(address.key)])
  }

  fileprivate func apply(
    _ decision: Decision, _ commit: CommitRecords, _ facts: Facts, _ effects: inout Effects
  ) throws -> Domicile_V1_CommitRecordsResponse.Result {
    let current = facts.records[address]?.version ?? 0
    var result = Domicile_V1_CommitRecordsResponse.Result.with {
      $0.collection = address.collection.rawValue
      $0.key = address.key
      $0.version = isCheck ? current : current + 1
      $0.decision = call.message(decision)
    }
    if isCheck { return result }
    var recorded = recorded(commit.purpose, decision)
    recorded.recordVersion = current + 1
    effects.record(try call.leaf(recorded, facts: facts))
    result.receipt = Domicile_V1_Receipt()
    if case .put(_, let bytes) = action {
      effects.put(address, version: current + 1, value: bytes)
    } else {
      effects.delete(address, version: current + 1)
    }
    return result
  }
}
