import AuditTrail
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency

struct ListRecords: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.RecordService", method: "ListRecords")

  let call: Call
  let subject: SubjectTag
  let page: PageAddress
  let purpose: Purpose
  let readPreference: ReadPreference

  init(_ request: Domicile_V1_ListRecordsRequest, call: Call) throws(Refusal) {
    self.call = call
    subject = try call.subject(request.subjectID)
    purpose = try call.purpose(request.purpose)
    page = PageAddress(
      tag: subject, collection: try call.homeCollection(request.collection), after: try PageToken.position(in: request.pageToken),
      limit: try PageToken.size(request.pageSize))
    readPreference = try call.readPreference(request.readPreference, of: page.collection)
  }

  var recordedPurpose: Purpose? { purpose }
  var recordedCollection: CollectionName? { page.collection }

  var needs: FactsNeeded {
    FactsNeeded(subjects: [subject], pages: call.policies.collection(page.collection) == nil ? [] : [page])
  }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_ListRecordsResponse> {
    var recorded = Recorded(activity: .list, subject: subject, purpose: purpose, collection: page.collection)
    let gate = Gate(action: .read, subject: subject, collection: page.collection, purpose: purpose)
    switch gate.pass(call, facts) {
    case .elsewhere(let lookup):
      return .elsewhere(lookup)
    case .refused(let refusal, let decision):
      recorded.decision = decision
      return try call.refuse(refusal, recorded, facts, &effects)
    case .open(let person, let decision):
      recorded.decision = decision
      guard let permitted = decision.permittedRead else {
        return try call.refuse(call.refusal(for: decision), recorded, facts, &effects)
      }
      let found = facts.pages[page] ?? StoredPage()
      var response = Response()
      var redactions: Set<Redaction> = []
      for record in found.records {
        guard let value = record.value else { continue }
        let released = try call.release(record, value: value, under: permitted)
        call.count(released.classes, of: subject, &effects)
        response.records.append(released.record)
        redactions.formUnion(released.redactions)
      }
      if found.hasMore, let last = found.records.last { response.nextPageToken = PageToken.text(for: last.address.key) }
      let withheld = redactions.sorted { $0.field < $1.field }
      recorded.redactions = withheld
      recorded.details = ["keys": .array(found.records.map { .string($0.address.key) })]
      effects.record(try call.leaf(recorded, facts: facts))
      response.decision = call.message(decision, redactions: withheld)
      response.evidence = .init(facts, epoch: person.epoch)
      return .answered(response)
    }
  }
}
