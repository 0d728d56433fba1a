import AuditTrail
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

struct GetDocument: DocumentProcedure {
  static let method = "GetDocument"
  static let activity = AuditActivity.read

  let call: Call
  let id: DocumentID
  let purpose: Purpose
  private let contextKey: [UInt8]

  init(_ request: Domicile_V1_GetDocumentRequest, call: Call, contextKey: [UInt8]) throws(Refusal) {
    self.call = call
    self.contextKey = contextKey
    id = try call.documentID(request.collection, request.key)
    purpose = try call.purpose(request.purpose)
  }

  var collection: CollectionName { id.collection }
  var key: String? { id.key }
  var needs: FactsNeeded { FactsNeeded(documents: [id]) }

  func decide(
    _ facts: Facts, under decision: Decision, _ recorded: inout Recorded, _ effects: inout Effects
  ) throws -> DocumentAnswer<Domicile_V1_GetDocumentResponse> {
    let held = facts.documents[id] ?? DocumentSet()
    guard let permitted = decision.permittedRead, !held.isDeleted else {
      return .refused(.noSuchDocument(DocumentContext(of: id, seen: held.context).text(key: contextKey)))
    }
    let released = try call.release(held, of: id, under: permitted, contextKey: contextKey)
    recorded.redactions = released.redactions
    return .answered(
      .with {
        $0.document = released.document
        $0.decision = call.message(decision, redactions: released.redactions)
      }, saw: held.siblings.map(\.dot))
  }
}

struct ListDocuments: DocumentProcedure {
  static let method = "ListDocuments"
  static let activity = AuditActivity.list

  let call: Call
  let purpose: Purpose
  private let page: DocumentPage
  private let contextKey: [UInt8]

  init(_ request: Domicile_V1_ListDocumentsRequest, call: Call, contextKey: [UInt8]) throws(Refusal) {
    self.call = call
    self.contextKey = contextKey
    purpose = try call.purpose(request.purpose)
    page = DocumentPage(
      collection: try call.globalCollection(request.collection), after: try PageToken.position(in: request.pageToken),
      limit: try PageToken.size(request.pageSize))
  }

  var collection: CollectionName { page.collection }
  var key: String? { nil }
  var needs: FactsNeeded { FactsNeeded(documentPages: [page]) }

  func decide(
    _ facts: Facts, under decision: Decision, _ recorded: inout Recorded, _ effects: inout Effects
  ) throws -> DocumentAnswer<Domicile_V1_ListDocumentsResponse> {
    guard let permitted = decision.permittedRead, let found = facts.documentPages[page] else {
      return .refused(call.refusal(for: decision))
    }
    let released = try found.documents.map { try call.release($0.set, of: $0.id, under: permitted, contextKey: contextKey) }
    let redactions = Set(released.flatMap(\.redactions)).sorted { $0.field < $1.field }
    recorded.redactions = redactions
    return .answered(
      .with {
        $0.documents = released.map(\.document)
        if found.hasMore, let last = found.documents.last { $0.nextPageToken = PageToken.text(for: last.id.key) }
        $0.decision = call.message(decision, redactions: redactions)
      }, saw: found.documents.flatMap { $0.set.siblings.map(\.dot) })
  }
}

extension Call {
  /// The only way in which a document that all regions hold becomes part of an answer.
  func release(
    _ held: DocumentSet, of id: DocumentID, under permitted: PermittedRead, contextKey: [UInt8]
  ) throws -> (document: Domicile_V1_Document, redactions: [Redaction]) {
    let resolver = policies.collection(id.collection)?.resolver ?? .app
    let revealed = try held.values(by: resolver).map { reveal(.init($0), of: id.collection, under: permitted) }
    let document = Domicile_V1_Document.with {
      $0.collection = id.collection.rawValue
      $0.key = id.key
      $0.values = revealed.map(\.value)
      $0.context = DocumentContext(of: id, seen: held.context).text(key: contextKey)
      $0.concurrent = held.isConcurrent
      if let newest = held.siblings.map(\.writtenAt).max() { $0.writtenAt = .init(milliseconds: newest.milliseconds) }
    }
    return (document, Set(revealed.flatMap(\.redactions)).sorted { $0.field < $1.field })
  }
}
