import AuditTrail
import ConnectRPC
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// Erases a person (GDPR Art. 17): records, consents and kept answers in the same transaction as the directory's tombstone and the leaf that
/// says so; the keys by ``KeyDestruction`` right after. Policy decides it like any `write` of the collection `subject`, for the purpose
/// `service`.
struct EraseSubject: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.SubjectService", method: "EraseSubject")
  static let activityAbroad = AuditActivity.erase

  let call: Call
  let subject: SubjectTag

  init(_ request: Domicile_V1_EraseSubjectRequest, call: Call) throws(Refusal) {
    self.call = call
    subject = try call.subject(request.subjectID)
  }

  var recordedPurpose: Purpose? { .service }
  var recordedCollection: CollectionName? { GetSubject.collection }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject], mayWrite: true) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_EraseSubjectResponse> {
    var recorded = Recorded(activity: .erase, subject: subject, purpose: .service, collection: GetSubject.collection)
    let gate = Gate(action: .write, subject: subject, collection: GetSubject.collection, purpose: .service)
    switch gate.pass(call, facts) {
    case .elsewhere(let lookup):
      return .elsewhere(lookup)
    case .refused(let refusal, let decision):
      recorded.decision = decision
      return try call.refuse(refusal, recorded, facts, &effects)
    case .open(_, let decision):
      recorded.decision = decision
      let entry: DirectoryEntry
      do {
        entry = try PlacementWriter(region: call.region.descriptor.ordinal).erase(
          facts.placements[subject], timestamp: HybridTimestamp(milliseconds: call.now))
      } catch {
        return try call.refuse(refusal(for: error, facts), recorded, facts, &effects)
      }
      effects.record(try call.leaf(recorded, facts: facts))
      effects.write(entry)
      effects.remove(subject)
      effects.keep(ErasedKeys(tag: subject).workflow, dueAt: call.now)
      return .answered(
        .with {
          $0.state = .erased
          $0.epoch = entry.epoch.rawValue
          $0.decision = call.message(decision)
          $0.evidence = .init(facts, epoch: entry.epoch)
        })
    }
  }

  private func refusal(for error: PlacementRefusal, _ facts: Facts) -> Refusal {
    switch error {
    case .contested:
      .contested(facts.placements[subject]?.placements ?? [], in: call.region.catalog)
    case .erased:
      Refusal(.notFound, .subjectErased, "The subject was erased.")
    default:
      Refusal(
        .unavailable, .staleDirectory, "This region's directory and store do not agree on the subject yet. Try again.",
        metadata: ["region": call.region.descriptor.id.rawValue])
    }
  }
}

extension Domicile_V1_EraseSubjectRequest: SubjectRequest {}
extension Domicile_V1_EraseSubjectResponse: ReceiptCarrying, EvidenceCarrying {}
