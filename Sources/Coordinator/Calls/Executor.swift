import AuditTrail
import Directory
import DomicileAPI
import RegionStore
import Residency

/// Runs a procedure in this region's store.
struct Executor: Sendable {
  let store: RegionStore

  /// What came of it, committed.
  enum Execution<Response: Sendable>: Sendable {
    /// - Parameter pseudonym: of the subject in this region's log, for the asking region's log.
    case answered(Response, pseudonym: AuditPseudonym?)
    case refused(Refusal, pseudonym: AuditPseudonym?)
    case elsewhere(PlacementLookup)
  }

  func execute<Procedure: SubjectProcedure>(_ procedure: Procedure, _ call: Call) async throws(Refusal) -> Execution<Procedure.Response> {
    let operation = Operation(needs: procedure.needs, now: call.now, deadline: call.deadline) { facts, effects in
      let answer = try procedure.decide(facts, &effects)
      let pseudonym = try facts.auditKeys[procedure.subject].map { try call.pseudonym(of: procedure.subject, auditKey: $0) }
      return (answer, pseudonym)
    }
    let region = call.region.descriptor.id
    do {
      let committed = try await store.commit(operation)
      let (answer, pseudonym) = committed.outcome
      let receipt = committed.receipts.first.map { Domicile_V1_Receipt($0, region: region) }
      switch answer {
      case .answered(var response):
        if let receipt { response.attach(receipt: receipt) }
        return .answered(response, pseudonym: pseudonym)
      case .repeated(let response):
        return .answered(response, pseudonym: pseudonym)
      case .refused(var refusal):
        if let receipt { refusal.metadata.merge(receipt.metadata) { _, new in new } }
        return .refused(refusal, pseudonym: pseudonym)
      case .elsewhere(let lookup):
        return .elsewhere(lookup)
      }
    } catch let error as StoreError {
      throw Refusal(error, region: region.rawValue)
    } catch {
      throw Refusal(.corrupt(what: "a call"), region: region.rawValue)
    }
  }

  /// Records something in this region's log that changes nothing else.
  func record(_ event: AuditEvent, _ call: Call) async throws(Refusal) -> Domicile_V1_Receipt {
    let draft = LeafDraft(event, details: nil)
    let operation = Operation(needs: FactsNeeded(subjects: []), now: call.now) { _, effects in effects.record(draft) }
    do {
      let committed = try await store.commit(operation)
      guard let receipt = committed.receipts.first else { throw StoreError.corrupt(what: "a receipt") }
      return Domicile_V1_Receipt(receipt, region: call.region.descriptor.id)
    } catch let error as StoreError {
      throw Refusal(error, region: call.region.descriptor.id.rawValue)
    } catch {
      throw Refusal(.unavailable, region: call.region.descriptor.id.rawValue)
    }
  }
}

extension Domicile_V1_Receipt {
  /// As an error carries it.
  var metadata: [String: String] {
    ["receipt_region": region, "receipt_index": String(index), "receipt_leaf_hash": [UInt8](leafHash).hex]
  }
}
