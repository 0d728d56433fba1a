import AuditTrail
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

struct DeleteDocument: DocumentProcedure {
  static let method = "DeleteDocument"
  static let activity = AuditActivity.delete

  let call: Call
  let id: DocumentID
  let purpose: Purpose
  private let write: DocumentWrite

  init(_ request: Domicile_V1_DeleteDocumentRequest, call: Call, contextKey: [UInt8]) throws(Refusal) {
    self.call = call
    id = try call.documentID(request.collection, request.key)
    purpose = request.purpose.isEmpty ? .service : try call.purpose(request.purpose)
    write = try DocumentWrite(of: id, value: nil, context: request.context, contextKey: contextKey)
  }

  var collection: CollectionName { id.collection }
  var key: String? { id.key }
  var needs: FactsNeeded { FactsNeeded(documents: [id], mayWrite: true) }

  func decide(
    _ facts: Facts, under decision: Decision, _ recorded: inout Recorded, _ effects: inout Effects
  ) throws -> DocumentAnswer<Domicile_V1_DeleteDocumentResponse> {
    guard let held = facts.documents[id], !held.isDeleted else { return .refused(.noSuchDocument(nil)) }
    var response = Response.with { $0.decision = call.message(decision) }
    switch write.outcome(over: held, at: call.now) {
    case .tooManyVersions: return .refused(.tooManyVersions(of: id))
    case .repeated(let version):
      response.concurrent = true
      return .answered(response, saw: [version.dot])
    case .write(let entry, let isConcurrent):
      effects.write(entry)
      response.concurrent = isConcurrent
      return .answered(response, saw: [])
    }
  }
}
