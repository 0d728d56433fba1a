import AuditTrail
import ConnectRPC
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

struct PutDocument: DocumentProcedure {
  static let method = "PutDocument"
  static let activity = AuditActivity.write

  let call: Call
  let id: DocumentID
  let purpose: Purpose
  private let write: DocumentWrite
  private let value: JSONValue

  init(_ request: Domicile_V1_PutDocumentRequest, call: Call, contextKey: [UInt8]) throws(Refusal) {
    self.call = call
    id = try call.documentID(request.collection, request.key)
    purpose = request.purpose.isEmpty ? .service : try call.purpose(request.purpose)
    guard request.hasValue else {
      throw Refusal(.invalidArgument, .invalidArgument, "The request has no value: send a JSON object.")
    }
    value = JSONValue(request.value)
    let bytes = value.canonicalBytes
    guard bytes.count <= DocumentVersion.valueBytesMax else {
      throw Refusal(
        .resourceExhausted, .valueTooLarge,
        "A document is at most \(DocumentVersion.valueBytesMax) bytes of JSON; this one has \(bytes.count). Split it into several."
      )
    }
    write = try DocumentWrite(of: id, value: bytes, context: request.context, contextKey: contextKey)
  }

  var collection: CollectionName { id.collection }
  var key: String? { id.key }
  var fields: [String]? { value.policyFields }
  var needs: FactsNeeded { FactsNeeded(documents: [id], mayWrite: true) }

  func decide(
    _ facts: Facts, under decision: Decision, _ recorded: inout Recorded, _ effects: inout Effects
  ) throws -> DocumentAnswer<Domicile_V1_PutDocumentResponse> {
    let held = facts.documents[id] ?? DocumentSet()
    var response = Response.with { $0.decision = call.message(decision) }
    switch write.outcome(over: held, at: call.now) {
    case .tooManyVersions: return .refused(.tooManyVersions(of: id))
    case .repeated(let version):
      response.concurrent = held.isConcurrent
      response.context = write.context(held.isConcurrent ? version.context : held.context)
      return .answered(response, saw: [version.dot])
    case .write(let entry, let isConcurrent):
      effects.write(entry)
      response.concurrent = isConcurrent
      response.context = write.context(entry.context)
      return .answered(response, saw: [])
    }
  }

  /// Beside what the caller has not read, the place of its own write cannot be told: a context says how far a log was read, all of it.
  func complete(_ response: inout Domicile_V1_PutDocumentResponse, writtenAt dot: LogPosition) throws(Refusal) {
    guard !response.concurrent else { return }
    response.context = try write.context(response.context, extendedTo: dot)
  }
}

/// A write of one document before it is known what the region holds of it.
struct DocumentWrite: Sendable {
  let id: DocumentID
  /// `nil` deletes.
  let value: [UInt8]?
  /// What the caller has read; `nil` for whatever the region holds.
  let given: DocumentContext?
  private let contextKey: [UInt8]

  init(of id: DocumentID, value: [UInt8]?, context: String, contextKey: [UInt8]) throws(Refusal) {
    self.id = id
    self.value = value
    self.contextKey = contextKey
    given = try DocumentContext(context, of: id, key: contextKey)
  }

  enum Outcome: Sendable {
    case write(DocumentEntry, isConcurrent: Bool)
    /// It was written before, and its answer was lost: nothing is to be done.
    case repeated(DocumentVersion)
    case tooManyVersions
  }

  /// - Parameter now: milliseconds since 1970 UTC.
  func outcome(over held: DocumentSet, at now: UInt64) -> Outcome {
    let context = given?.seen ?? held.context
    let unseen = held.siblings.filter { !context.includes($0.dot) }
    if let earlier = unseen.first(where: { $0.value == value && $0.context == context }) { return .repeated(earlier) }
    guard unseen.count < DocumentVersion.siblingsMax else { return .tooManyVersions }
    let entry = DocumentEntry(id: id, context: context, value: value, timestamp: HybridTimestamp(milliseconds: now))
    return .write(entry, isConcurrent: !unseen.isEmpty)
  }

  /// For the caller's next write. It names all that the versions that it replaces have replaced: whoever has those, and whoever has not,
  /// come to hold the same.
  func context(_ seen: VersionVector) -> String { DocumentContext(of: id, seen: seen).text(key: contextKey) }

  func context(_ text: String, extendedTo dot: LogPosition) throws(Refusal) -> String {
    var seen = try DocumentContext(text, of: id, key: contextKey)?.seen ?? VersionVector()
    seen.advance(to: dot)
    return context(seen)
  }
}

extension Refusal {
  static func tooManyVersions(of id: DocumentID) -> Refusal {
    Refusal(
      .failedPrecondition, .tooManyVersions,
      "\(DocumentVersion.siblingsMax) writes of \(id) stand side by side, each by somebody who had not read the others. Read it, and write with the context of the answer."
    )
  }

  /// - Parameter context: stands for what was read: nothing. Who writes with it replaces nothing that came meanwhile.
  static func noSuchDocument(_ context: String?) -> Refusal {
    Refusal(
      .notFound, .documentUnknown, "This region holds no document of that key in that collection.",
      metadata: context.map { ["context": $0] } ?? [:])
  }
}
