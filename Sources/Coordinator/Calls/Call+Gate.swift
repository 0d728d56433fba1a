import Directory
import PolicyEngine
import RegionStore
import Residency

/// What stands between a call and a subject's data, in order: is the subject at home here, may the token's holder ask for this
/// purpose, does the subject's state allow it, and does policy permit it on every hop.
struct Gate {
  let action: Action
  let subject: SubjectTag
  var collection: CollectionName?
  var fields: [String]?
  let purpose: Purpose

  enum Passage {
    case elsewhere(PlacementLookup)
    case refused(Refusal, Decision?)
    case open(SubjectFacts, Decision)
  }

  func pass(_ call: Call, _ facts: Facts) -> Passage {
    guard let person = facts.subjects[subject] else {
      return .elsewhere(PlacementLookup(facts.placements[subject], at: call.region.descriptor.ordinal))
    }
    if call.isForwarded, case .contested(let siblings) = facts.placements[subject] {
      return .refused(.contested(siblings, in: call.region.catalog), nil)
    }
    if let refusal = call.purposeRefusal(purpose) { return .refused(refusal, nil) }
    if let refusal = person.stateRefusal(forWriting: action != .read) { return .refused(refusal, nil) }
    let decision = call.deliberate(
      action, on: person, collection: collection, fields: fields, purpose: purpose,
      transferredThisYear: call.transferredThisYear(with: subject, facts))
    guard decision.effect == .permit else { return .refused(call.refusal(for: decision), decision) }
    return .open(person, decision)
  }
}

extension Call {
  /// Records a refusal and answers with it.
  func refuse<Response>(
    _ refusal: Refusal, _ recorded: Recorded, _ facts: Facts, _ effects: inout Effects
  ) throws -> HomeAnswer<Response> {
    var recorded = recorded
    recorded.refusal = refusal
    effects.record(try leaf(recorded, facts: facts))
    return .refused(refusal)
  }

  /// Records a repeat, and answers it as before: its own leaf is its barrier, and shows that the answer left again.
  func answerAgain<Response>(
    _ earlier: HomeAnswer<Response>, _ recorded: Recorded, _ facts: Facts, _ effects: inout Effects
  ) throws -> HomeAnswer<Response> {
    if case .refused(let refusal) = earlier { return try refuse(refusal, recorded, facts, &effects) }
    effects.record(try leaf(recorded, facts: facts))
    return earlier
  }
}
