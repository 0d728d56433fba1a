import AuditTrail
import ConnectRPC
import Directory
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

struct RegisterSubject: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.SubjectService", method: "RegisterSubject")
  static let activityAbroad = AuditActivity.register
  /// It goes nowhere but where the caller says, or stays.
  static let goesByMemory = false

  let call: Call
  let request: Domicile_V1_RegisterSubjectRequest
  let subject: SubjectTag
  let destination: RegionDescriptor?
  let residence: Residence
  let requestKey: [UInt8]?

  init(_ request: Domicile_V1_RegisterSubjectRequest, call: Call) throws(Refusal) {
    self.call = call
    // For how many regions the caller waits does not make it another registration.
    var request = request
    request.level = .unspecified
    self.request = request
    subject = try call.subject(request.subjectID)
    residence = try Residence(request.residence)
    requestKey = try call.requestKey(request.requestID, subject: subject)
    destination = request.homeRegion.isEmpty ? nil : try call.region(request.homeRegion)
    // One that takes no new subjects says so itself: it may have taken this one before.
    if let destination, !destination.status.isMember { throw .notActive(destination) }
  }

  var needs: FactsNeeded {
    FactsNeeded(subjects: [subject], requestKey: requestKey, mayWrite: true, createsKeys: true)
  }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_RegisterSubjectResponse> {
    let here = call.region.descriptor
    let decision = call.deliberateStore(residence)
    let recorded = Recorded(activity: .register, subject: subject, decision: decision)
    if facts.subjects[subject] != nil,
      let earlier: HomeAnswer<Response> = try Idempotency.earlierAnswer(facts, key: requestKey, request: request, call: call)
    {
      // Asked again under other policies, it is decided anew, like every write.
      guard decision.effect == .permit else {
        return try call.refuse(residenceRefusal(decision, home: here.id), recorded, facts, &effects)
      }
      return try call.answerAgain(earlier, recorded, facts, &effects)
    }
    guard here.status.takesSubjects else {
      return try call.refuse(.notActive(here), Recorded(activity: .register, subject: subject), facts, &effects)
    }
    let writer = PlacementWriter(region: here.ordinal)
    let entry: DirectoryEntry
    do {
      entry = try writer.register(
        subject, current: facts.placements[subject], timestamp: HybridTimestamp(milliseconds: call.now))
    } catch {
      let refusal = refusal(for: error)
      // Keys were made for whoever asks. Nobody is registered under this id.
      if error == .erased { effects.keep(ErasedKeys(tag: subject).workflow, dueAt: call.now) }
      return try call.refuse(refusal, Recorded(activity: .register, subject: subject), facts, &effects)
    }
    guard decision.effect == .permit else {
      return try call.refuse(residenceRefusal(decision, home: here.id), recorded, facts, &effects)
    }
    effects.record(try call.leaf(recorded, facts: facts))
    effects.register(subject, residence: residence, entry: entry)
    let response = Response.with {
      $0.subject = .with {
        $0.subjectID = request.subjectID
        $0.homeRegion = here.id.rawValue
        $0.residence = request.residence
        $0.state = .active
        $0.epoch = Epoch.first.rawValue
      }
      $0.decision = call.message(decision)
    }
    try Idempotency.remember(response, of: request, about: subject, key: requestKey, in: &effects)
    return .answered(response)
  }

  func residenceRefusal(_ decision: Decision, home: RegionID) -> Refusal {
    let denial = call.refusal(for: decision)
    return Refusal(
      .permissionDenied, .residenceNotAllowed,
      "A person with this residence may not have \(home) as home. \(denial.message)",
      metadata: denial.metadata)
  }

  private func refusal(for error: PlacementRefusal) -> Refusal {
    switch error {
    case .alreadyRegistered(let home):
      let name = call.region.catalog[home]?.id.rawValue ?? "region \(home)"
      return Refusal(
        .alreadyExists, .subjectExists, "The subject is registered already, with \(name) as home.",
        metadata: ["home_region": name])
    case .erased:
      return Refusal(
        .failedPrecondition, .subjectErased,
        "The subject was erased. Its id cannot be used again while that is remembered, for 30 days at least.")
    case .contested:
      return Refusal(.failedPrecondition, .subjectContested, "The subject was registered in several regions. Resolve that first.")
    default:
      return Refusal(.failedPrecondition, .subjectExists, "The subject cannot be registered here.")
    }
  }
}

extension Residence {
  init(_ message: Domicile_V1_Residence) throws(Refusal) {
    let country = try Self.jurisdiction(message.country, "residence.country")
    guard !country.isSubdivision else {
      throw Refusal(
        .invalidArgument, .invalidArgument, "residence.country is a country; put '\(country)' into residence.subdivision.")
    }
    var subdivision: Jurisdiction?
    if !message.subdivision.isEmpty {
      let part = try Self.jurisdiction(message.subdivision, "residence.subdivision")
      guard part.isSubdivision, part.country == country else {
        throw Refusal(.invalidArgument, .invalidArgument, "residence.subdivision is not a part of \(country): write e.g. CA-QC.")
      }
      subdivision = part
    }
    var citizenship: Set<Jurisdiction> = []
    for text in message.citizenship { citizenship.insert(try Self.jurisdiction(text, "residence.citizenship")) }
    self.init(country: country, subdivision: subdivision, citizenship: citizenship.isEmpty ? nil : citizenship)
  }

  private static func jurisdiction(_ text: String, _ field: String) throws(Refusal) -> Jurisdiction {
    guard let jurisdiction = Jurisdiction(text) else {
      throw Refusal(
        .invalidArgument, .invalidArgument,
        "\(field) is not a code of ISO 3166: write two capital letters, e.g. DE.")
    }
    return jurisdiction
  }
}

extension Call {
  func region(_ text: String) throws(Refusal) -> RegionDescriptor {
    guard let id = RegionID(text), let found = region.catalog[id] else {
      let known = region.catalog.regions.map(\.id.rawValue)
      let hint = nearest(text, in: known).map { "Did you mean '\($0)'?" } ?? "Known: \(known.joined(separator: ", "))."
      throw Refusal(.invalidArgument, .unknownRegion, "There is no region '\(text.prefix(64))'. \(hint)")
    }
    return found
  }
}
