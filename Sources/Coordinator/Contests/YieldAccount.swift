import AuditTrail
import ConnectRPC
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// Whether this region's account of a contested subject may give up the id. Its own policy decides: for an account that lives on under
/// another id, whether the person may still be at home here; for one that is erased, whether the person may be at home where the id stays.
///
/// Nothing changes by it. ``AccountYielding`` carries it out once the resolution has arrived.
struct YieldAccount: SubjectProcedure {
  static let name = ProcedureName(service: Forwarder.service, method: "YieldAccount")
  static let activityAbroad = AuditActivity.resolveContest

  let call: Call
  let request: Domicile_Peer_V1_YieldAccountRequest
  let subject: SubjectTag
  let keeper: RegionDescriptor
  let destination: RegionDescriptor?
  let newTag: SubjectTag?

  init(_ request: Domicile_Peer_V1_YieldAccountRequest, call: Call) throws(Refusal) {
    self.call = call
    self.request = request
    try call.require(.operator)
    subject = try call.subject(id: request.subjectID, tag: request.tag)
    keeper = try call.region(request.keepRegion)
    destination = try call.region(request.account.region)
    newTag = try call.newTag(of: request.account)
    guard newTag != subject else {
      throw Refusal(.invalidArgument, .invalidArgument, "The new id is the contested one: choose another.")
    }
  }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject] + (newTag.map { [$0] } ?? []), mayWrite: true) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_Peer_V1_YieldAccountResponse> {
    let here = call.region.descriptor
    var recorded = Recorded(activity: .resolveContest, subject: subject)
    // No other region's word makes an account give up its id.
    guard call.asking.id == keeper.id else {
      return try call.refuse(
        Refusal(
          .permissionDenied, .peerNotTrusted,
          "Only \(keeper.id), whose account keeps the id, may ask for that, not \(call.asking.id)."),
        recorded, facts, &effects)
    }
    guard let person = facts.subjects[subject] else {
      return .elsewhere(PlacementLookup(facts.placements[subject], at: here.ordinal))
    }
    // Where that is settled already, the account was left over: the id that it was promised was taken.
    guard facts.placements[subject]?.placements.contains(where: { $0.home == keeper.ordinal }) == true else {
      return try call.refuse(
        Refusal(
          .unavailable, .staleDirectory, "\(here.id) has not heard yet that \(keeper.id) registered the subject, too. Try again.",
          metadata: ["region": here.id.rawValue]), recorded, facts, &effects)
    }
    if let newTag, facts.placements[newTag] != nil || facts.subjects[newTag] != nil {
      return try call.refuse(
        Refusal(
          .alreadyExists, .subjectExists, "The new id for the account in \(here.id) is taken. Choose another.",
          metadata: ["region": here.id.rawValue]), recorded, facts, &effects)
    }
    let home = newTag == nil ? keeper : here
    let decision = call.deliberateStore(person.residence, at: Place(region: home.id, jurisdiction: home.jurisdiction))
    recorded.decision = decision
    recorded.details = .object([
      "keeps": .string(keeper.id.rawValue), "fate": .string(newTag == nil ? "erased" : "renamed"),
      "new_tag": newTag.map { .string($0.description) } ?? .null,
    ])
    guard decision.effect == .permit else {
      return try call.refuse(call.refusal(for: decision), recorded, facts, &effects)
    }
    effects.record(try call.leaf(recorded, facts: facts))
    effects.keep(YieldPlan(tag: subject, keeper: keeper.ordinal, newTag: newTag).workflow, dueAt: call.now)
    return .answered(
      .with {
        $0.decision = call.message(decision)
        $0.evidence = .init(facts, epoch: person.epoch)
      })
  }
}

extension Domicile_Peer_V1_YieldAccountRequest: SubjectRequest {}
extension Domicile_Peer_V1_YieldAccountResponse: ReceiptCarrying, EvidenceCarrying {}
extension Domicile_V1_ResolveContestRequest: SubjectRequest {}
extension Domicile_V1_ResolveContestResponse: ReceiptCarrying, EvidenceCarrying {}
