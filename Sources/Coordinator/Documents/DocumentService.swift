import AuditTrail
import ConnectRPC
import Directory
import DomicileAPI
import Logging
import RegionStore
import Residency

/// Serves the documents that all regions hold, from this region's copy: it answers while every other region is out of reach.
struct DocumentService: Sendable {
  let gateway: Gateway
  let store: RegionStore
  let logger: Logger

  private static let name = "domicile.v1.DocumentService"

  var methods: [UnaryMethod] {
    [method(PutDocument.self), method(GetDocument.self), method(DeleteDocument.self), method(ListDocuments.self)]
  }

  private func method<Procedure: DocumentProcedure>(_ type: Procedure.Type) -> UnaryMethod {
    UnaryMethod(Self.name, Procedure.method) { (request: Procedure.Request, context: CallContext) in
      let directory = gateway.directory
      let trace = try directory.trace(of: context)
      defer { directory.conclude(trace, context) }
      let (call, _) = try await gateway.authenticate(context)
      do {
        let procedure = try Procedure(request, call: call, contextKey: directory.sessionKey)
        if !directory.progress.isReached(trace.required) {
          try await directory.reach(trace.required, deadline: call.deadline)
        }
        return try await execute(procedure, trace)
      } catch let refusal as Refusal {
        throw refusal.connectError
      }
    }
  }

  private func execute<Procedure: DocumentProcedure>(
    _ procedure: Procedure, _ trace: SessionTrace
  ) async throws(Refusal) -> Procedure.Response {
    let call = procedure.call
    let operation = Operation(needs: procedure.needs, now: call.now, deadline: call.deadline) { facts, effects in
      try procedure.run(facts, &effects)
    }
    let region = call.region.descriptor.id
    do {
      let committed = try await store.commit(operation)
      let receipts = committed.receipts.map { Domicile_V1_Receipt($0, region: region) }
      trace.saw(committed.entries)
      switch committed.outcome {
      case .answered(var response, let saw):
        trace.saw(saw)
        response.attach(receipts: receipts)
        if !Procedure.writes, let receipt = receipts.first,
          let refusal = await gateway.executor.witnessRefusal(
            receipt, procedure.collection, call, until: Executor.witnessDeadline(call))
        {
          throw refusal
        }
        if let dot = committed.entries.first { try procedure.complete(&response, writtenAt: dot) }
        return response
      case .refused(var refusal):
        if let receipt = receipts.first { refusal.metadata.merge(receipt.metadata) { _, new in new } }
        throw refusal
      }
    } catch let refusal as Refusal {
      throw refusal
    } catch let error as StoreError {
      throw Procedure.writes ? Refusal(error, region: region.rawValue) : Refusal(error, ofReadIn: region.rawValue)
    } catch {
      logger.error(
        "a call failed", metadata: ["decision": "\(call.id.hex)", "method": "\(Procedure.method)", "error": "\(error)"])
      throw Refusal(.corrupt(what: "a document"), region: region.rawValue)
    }
  }
}

extension Domicile_V1_PutDocumentResponse: ReceiptCarrying {}
extension Domicile_V1_GetDocumentResponse: ReceiptCarrying {}
extension Domicile_V1_DeleteDocumentResponse: ReceiptCarrying {}
extension Domicile_V1_ListDocumentsResponse: ReceiptCarrying {}
