import AuditTrail
import ConnectRPC
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// Leaves a contested id to this region's account. The other regions have been asked before: see ``ContestResolution``.
struct ResolveContest: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.SubjectService", method: "ResolveContest")
  static let activityAbroad = AuditActivity.resolveContest

  let call: Call
  let request: Domicile_V1_ResolveContestRequest
  let subject: SubjectTag
  /// The region whose account keeps the id.
  let keeper: RegionDescriptor
  /// What is asked of the other regions.
  let others: [RegionOrdinal: Domicile_V1_YieldedAccount]
  let requestKey: [UInt8]?
  /// What they answered.
  var agreements: [Domicile_V1_ResolveContestResponse.Agreement] = []

  init(_ request: Domicile_V1_ResolveContestRequest, call: Call) throws(Refusal) {
    self.call = call
    self.request = request
    try call.require(.operator)
    subject = try call.subject(id: request.subjectID, tag: request.tag)
    keeper = try call.region(request.keepRegion)
    var others: [RegionOrdinal: Domicile_V1_YieldedAccount] = [:]
    var newTags: Set<SubjectTag> = []
    for account in request.others {
      let region = try call.region(account.region)
      guard region.id != keeper.id, others[region.ordinal] == nil else {
        throw Refusal(
          .invalidArgument, .invalidArgument, "\(region.id) is named more than once: each region's account has one fate.")
      }
      if let newTag = try call.newTag(of: account), !newTags.insert(newTag).inserted {
        throw Refusal(.invalidArgument, .invalidArgument, "Two accounts cannot live on under one id: give each its own.")
      }
      others[region.ordinal] = account
    }
    self.others = others
    requestKey = try call.requestKey(request.requestID, subject: subject)
  }

  var destination: RegionDescriptor? { keeper }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject], requestKey: requestKey, mayWrite: true) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_ResolveContestResponse> {
    let here = call.region.descriptor
    var recorded = Recorded(activity: .resolveContest, subject: subject)
    let set = facts.placements[subject]
    guard let person = facts.subjects[subject] else {
      return try call.refuse(.noAccount(in: here.id, set, call.region.catalog), recorded, facts, &effects)
    }
    if let earlier: HomeAnswer<Response> = try Idempotency.earlierAnswer(facts, key: requestKey, request: request, call: call) {
      return try call.answerAgain(earlier, recorded, facts, &effects)
    }
    recorded.details = .object([
      "keeps": .string(here.id.rawValue),
      "others": .array(agreements.map { .string("\($0.account.region): \($0.account.fate)") }),
    ])
    // An account that was left over, because it could not get the id it was promised, is given another fate.
    if case .settled(let placement) = set, placement.home == here.ordinal, !agreements.isEmpty {
      effects.record(try call.leaf(recorded, facts: facts))
      return .answered(answer(epoch: placement.epoch, decision: nil, facts))
    }
    guard let own = PlacementLookup(set, at: here.ordinal).contestedAccount else {
      return try call.refuse(.notContested, recorded, facts, &effects)
    }
    if let refusal = set?.refusal(agreed: Set(agreements.map(\.account.region)), call) {
      return try call.refuse(refusal, recorded, facts, &effects)
    }
    let decision = call.deliberateStore(person.residence)
    recorded.decision = decision
    guard decision.effect == .permit else {
      return try call.refuse(call.refusal(for: decision), recorded, facts, &effects)
    }
    let entry: DirectoryEntry
    do {
      entry = try PlacementWriter(region: here.ordinal).resolve(
        set, keep: own.birth, timestamp: HybridTimestamp(milliseconds: call.now))
    } catch {
      return try call.refuse(.unresolvable(error), recorded, facts, &effects)
    }
    effects.record(try call.leaf(recorded, facts: facts))
    effects.write(entry)
    let response = answer(epoch: entry.epoch, decision: decision, facts)
    // Another region's ids are not kept here.
    var kept = response
    for index in kept.agreements.indices { kept.agreements[index].account.newSubjectID = "" }
    try Idempotency.remember(kept, of: request, about: subject, key: requestKey, in: &effects)
    return .answered(response)
  }

  private func answer(epoch: Epoch, decision: Decision?, _ facts: Facts) -> Response {
    .with {
      $0.homeRegion = call.region.descriptor.id.rawValue
      $0.epoch = epoch.rawValue
      if let decision { $0.decision = call.message(decision) }
      $0.evidence = .init(facts, epoch: epoch)
      $0.agreements = agreements
    }
  }
}

extension PlacementLookup {
  /// This region's account of a contested subject.
  fileprivate var contestedAccount: Placement? {
    guard case .contested(let local, _) = self else { return nil }
    return local
  }
}

extension PlacementSet {
  /// The regions that have an account of the subject, by what is known here. One that is retired has none any more.
  func accounts(in catalog: RegionCatalog, except region: RegionOrdinal?) -> [RegionID] {
    homes(except: region).compactMap { catalog[$0] }.filter(\.status.isMember).map(\.id).sorted()
  }

  private func homes(except region: RegionOrdinal?) -> Set<RegionOrdinal> {
    Set(placements.filter { $0.state != .erased && $0.home != region }.map(\.home))
  }

  /// Why the call's region may not settle the contest: somebody who has an account has not agreed, or is not even known here.
  /// - Parameter agreed: the names of the regions that have.
  func refusal(agreed: Set<String>, _ call: Call) -> Refusal? {
    let (catalog, here) = (call.region.catalog, call.region.descriptor)
    if let unknown = homes(except: here.ordinal).first(where: { catalog[$0] == nil }) {
      return Refusal(
        .unavailable, .unknownRegion,
        "The subject has an account in region \(unknown), which the catalog of \(here.id) does not have. Its operator has to update it."
      )
    }
    let missing = accounts(in: catalog, except: here.ordinal).filter { !agreed.contains($0.rawValue) }
    return missing.isEmpty ? nil : .notAgreed(missing)
  }
}

extension Call {
  /// A subject that is named by its id, or by its tag where nobody knows the id.
  func subject(id: String, tag: String) throws(Refusal) -> SubjectTag {
    guard !tag.isEmpty else { return try subject(id) }
    guard id.isEmpty else {
      throw Refusal(.invalidArgument, .invalidArgument, "Name the subject by its id or by its tag, not by both.")
    }
    guard let bytes = [UInt8](hex: tag), let found = SubjectTag(bytes) else {
      throw Refusal(.invalidArgument, .invalidSubjectID, "A tag is 32 hexadecimal digits.")
    }
    return found
  }

  /// The tag of the id under which an account is to live on; `nil` where it is to be erased.
  func newTag(of account: Domicile_V1_YieldedAccount) throws(Refusal) -> SubjectTag? {
    switch account.fate {
    case .renamed:
      guard !account.newSubjectID.isEmpty else {
        throw Refusal(.invalidArgument, .invalidArgument, "Say under which new id the account in \(account.region) lives on.")
      }
      return try subject(account.newSubjectID)
    case .erased:
      guard account.newSubjectID.isEmpty else {
        throw Refusal(
          .invalidArgument, .invalidArgument, "The account in \(account.region) is to be erased: it needs no new id.")
      }
      return nil
    case .unspecified, .UNRECOGNIZED:
      throw Refusal(
        .invalidArgument, .invalidArgument, "Say what becomes of the account in \(account.region): RENAMED or ERASED.")
    }
  }
}

extension Refusal {
  static let notContested = Refusal(
    .failedPrecondition, .subjectNotContested, "The subject is not contested: there is nothing to resolve.")

  static func noAccount(in region: RegionID, _ set: PlacementSet?, _ catalog: RegionCatalog) -> Refusal {
    let homes = set.map { $0.placements.compactMap { catalog[$0.home]?.id.rawValue } } ?? []
    let list = Set(homes).sorted().joined(separator: ",")
    return Refusal(
      .failedPrecondition, .subjectUnknown,
      "\(region) has no account of this subject, so it cannot keep the id."
        + (list.isEmpty ? "" : " The directory knows of accounts in: \(list)."),
      metadata: ["region": region.rawValue, "homes": list])
  }

  static func notAgreed(_ regions: [RegionID]) -> Refusal {
    Refusal(
      .aborted, .subjectContested,
      "\(regions.text) has an account of this subject too, and was not asked. Say what becomes of it and call again.",
      metadata: ["homes": regions.list])
  }

  fileprivate static func unresolvable(_ error: PlacementRefusal) -> Refusal {
    switch error {
    case .tooManySiblings:
      Refusal(.failedPrecondition, .subjectContested, "The subject has more registrations than one resolution can settle.")
    default: .notContested
    }
  }
}
