import AuditTrail
import ConnectRPC
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// A call about documents that all regions hold, as the region executes it that was asked. A pure value, as ``SubjectProcedure`` is.
protocol DocumentProcedure: Sendable {
  associatedtype Request: Message & Sendable
  associatedtype Response: ReceiptCarrying

  static var method: String { get }
  static var activity: AuditActivity { get }
  /// Checks the request's form.
  /// - Parameter contextKey: signs contexts.
  init(_ request: Request, call: Call, contextKey: [UInt8]) throws(Refusal)
  var call: Call { get }
  var collection: CollectionName { get }
  /// `nil` where it is about a whole collection.
  var key: String? { get }
  var purpose: Purpose { get }
  /// Of a value that is written: its members, as policy calls them.
  var fields: [String]? { get }
  var needs: FactsNeeded { get }
  /// - Parameter decision: a permit.
  func decide(
    _ facts: Facts, under decision: Decision, _ recorded: inout Recorded, _ effects: inout Effects
  ) throws -> DocumentAnswer<Response>
  /// Adds what is known once the write has its place.
  func complete(_ response: inout Response, writtenAt dot: LogPosition) throws(Refusal)
}

extension DocumentProcedure {
  static var writes: Bool { activity == .write || activity == .delete }
  var fields: [String]? { nil }
  func complete(_ response: inout Response, writtenAt dot: LogPosition) {}
}

enum DocumentAnswer<Response: Sendable>: Sendable {
  /// - Parameter saw: the entries that the answer shows.
  case answered(Response, saw: [LogPosition])
  /// Recorded, and not answered.
  case refused(Refusal)
}

extension DocumentProcedure {
  /// What stands between the call and the documents, then what it decides; a leaf of it in any case.
  func run(_ facts: Facts, _ effects: inout Effects) throws -> DocumentAnswer<Response> {
    var recorded = Recorded(activity: Self.activity, purpose: purpose, collection: collection)
    recorded.documentKey = key
    let answer: DocumentAnswer<Response>
    let decision = call.deliberate(Self.writes ? .write : .read, onDocumentsOf: collection, fields: fields, purpose: purpose)
    if let refusal = call.purposeRefusal(purpose) {
      answer = .refused(refusal)
    } else {
      recorded.decision = decision
      if decision.effect != .permit {
        answer = .refused(call.refusal(for: decision))
      } else if Self.writes, let barrier = call.replicationBarrier(collection) {
        recorded.decision = barrier
        answer = .refused(call.refusal(for: barrier))
      } else {
        answer = try decide(facts, under: decision, &recorded, &effects)
      }
    }
    if case .refused(let refusal) = answer { recorded.refusal = refusal }
    effects.record(try call.leaf(recorded, facts: facts))
    return answer
  }
}

extension Call {
  /// A document of a collection that all regions hold.
  func documentID(_ collection: String, _ key: String) throws(Refusal) -> DocumentID {
    DocumentID(collection: try globalCollection(collection), key: try recordKey(key))
  }

  func globalCollection(_ text: String) throws(Refusal) -> CollectionName {
    guard let schema = policies.collection(CollectionName(text)) else {
      throw Refusal(
        .invalidArgument, .unknownCollection, "There is no collection '\(text.prefix(64))': see policies/collections.yaml.")
    }
    guard schema.locality == .global else {
      throw Refusal(
        .invalidArgument, .collectionNotGlobal,
        "The records of '\(schema.name)' live at home, each with its subject: ask RecordService for them.")
    }
    return schema.name
  }

  /// What policy says of documents, which are of no person. The asked region holds them as every other one does, so it is their home.
  func deliberate(
    _ action: Action, onDocumentsOf collection: CollectionName, fields: [String]?, purpose: Purpose?
  ) -> Decision {
    inForce.decide(
      AccessRequest(
        action: action, home: region.home, hops: hops, collection: collection, fields: fields, purpose: purpose,
        principal: principal.name, now: today))
  }

  /// The decision by which a document that is written here may not go to some other region. Policies that forbid it are not served, but a
  /// permit may have ended since.
  func replicationBarrier(_ collection: CollectionName) -> Decision? {
    for other in region.catalog.members where other.id != region.descriptor.id {
      let decision = inForce.decide(
        AccessRequest(
          action: .replicate, home: region.home, hops: [Place(region: other.id, jurisdiction: other.jurisdiction)],
          collection: collection, principal: principal.name, now: today))
      if decision.effect != .permit { return decision }
    }
    return nil
  }
}
