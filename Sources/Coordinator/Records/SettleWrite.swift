import AuditTrail
import ConnectRPC
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency

/// Finds out whether a write took effect, and makes sure that it never will where it did not.
///
/// It tells a caller about a request id of its own and nothing about the subject, so policy has nothing to decide. The subject's row is
/// locked as for a write: one that is still under way is waited for.
struct SettleWrite: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.RecordService", method: "SettleWrite")
  static let activityAbroad = AuditActivity.settle

  let call: Call
  let subject: SubjectTag
  let requestKey: [UInt8]

  init(_ request: Domicile_V1_SettleWriteRequest, call: Call) throws(Refusal) {
    self.call = call
    subject = try call.subject(request.subjectID)
    guard let key = try call.requestKey(request.requestID, subject: subject) else {
      throw Refusal(.invalidArgument, .invalidArgument, "Which write? Name its request_id.")
    }
    requestKey = key
  }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject], requestKey: requestKey, mayWrite: true) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_SettleWriteResponse> {
    guard let person = facts.subjects[subject] else {
      return .elsewhere(PlacementLookup(facts.placements[subject], at: call.region.descriptor.ordinal))
    }
    if person.state == .moved || person.state == .erased, let refusal = person.stateRefusal(forWriting: false) {
      return try call.refuse(refusal, Recorded(activity: .settle, subject: subject), facts, &effects)
    }
    effects.record(try call.leaf(Recorded(activity: .settle, subject: subject), facts: facts))
    var response = Response()
    response.evidence = .init(facts, epoch: person.epoch)
    switch facts.settledRequests[requestKey] {
    case .answered(_, _, let receipts):
      response.outcome = .committed
      response.writeReceipts = receipts.map { Domicile_V1_Receipt($0, region: call.region.descriptor.id) }
    case .fenced:
      response.outcome = .fenced
    case nil:
      response.outcome = .fenced
      effects.fence(key: requestKey, about: subject)
    }
    return .answered(response)
  }
}
