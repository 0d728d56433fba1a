import ConnectRPC
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

extension Call {
  /// What policy says of `action` on a subject's data, for every hop of this call.
  func deliberate(
    _ action: Action, on subject: SubjectFacts, collection: CollectionName?, fields: [String]? = nil, purpose: Purpose?,
    transferredThisYear: [DataClass: Int]
  ) -> Decision {
    let consent = purpose.flatMap { purpose in
      subject.consents.first { $0.purpose == purpose && $0.withdrawnAt == nil }
    }
    return inForce.decide(
      AccessRequest(
        action: action, home: region.home, hops: hops, collection: collection, fields: fields, purpose: purpose,
        principal: principal.name, consent: .known(consent.flatMap { ConsentKind(rawValue: $0.kind) }),
        residence: .known(subject.residence), firstWrite: subject.epoch == .first ? .known(region.home.jurisdiction) : .unknown,
        transferredThisYear: transferredThisYear, now: today))
  }

  /// Whether a region, by default this one, may be home of a subject with this residence.
  func deliberateStore(_ residence: Residence, at place: Place? = nil) -> Decision {
    let home = place ?? region.home
    return inForce.decide(
      AccessRequest(
        action: .store, home: home, hops: [home], principal: principal.name, consent: .unknown,
        residence: .known(residence), firstWrite: .known(home.jurisdiction), now: today))
  }

  /// A purpose that a token does not carry is refused before policy is asked.
  func purposeRefusal(_ purpose: Purpose) -> Refusal? {
    guard policies.vocabulary.purposes.contains(purpose) else {
      let known = policies.vocabulary.purposes.map(\.rawValue).sorted()
      let hint =
        nearest(purpose.rawValue, in: known).map { "Did you mean '\($0)'?" } ?? "Known: \(known.joined(separator: ", "))."
      return Refusal(
        .invalidArgument, .unknownPurpose, "The purpose '\(purpose.rawValue.prefix(64))' is not in the vocabulary. \(hint)")
    }
    guard principal.purposes.contains(purpose) else {
      return Refusal(
        .permissionDenied, .purposeNotAllowed,
        "The token does not allow the purpose '\(purpose)'. Ask its issuer for one that does.",
        metadata: ["purpose": purpose.rawValue])
    }
    return nil
  }

  /// What a caller is told of a denial: the rule, where it stands, and what would be needed.
  func refusal(for decision: Decision) -> Refusal {
    var metadata = ["decision_id": id.hex, "policy_revision": decision.revision]
    if let rule = decision.rule {
      metadata["rule"] = rule.id
      metadata["at"] = rule.place
    }
    if let permit = decision.nearestPermit {
      metadata["nearest_permit"] = permit.rule
      metadata["missing"] = permit.missing.joined(separator: ",")
    }
    if !decision.unknown.isEmpty { metadata["unknown"] = decision.unknown.joined(separator: ",") }
    switch decision.reason {
    case .unknownPurpose:
      return Refusal(.invalidArgument, .unknownPurpose, "The purpose is not in the vocabulary.", metadata: metadata)
    case .unknownCollection:
      return Refusal(
        .invalidArgument, .unknownCollection, "There is no such collection: see policies/collections.yaml.", metadata: metadata)
    case .purposeNotAllowedForPrincipal:
      return Refusal(
        .permissionDenied, .purposeNotAllowed, "Policy does not allow this principal that purpose: see policies/principals.yaml.",
        metadata: metadata)
    default:
      return Refusal(.permissionDenied, .policyDenied, Self.denialMessage(decision), metadata: metadata)
    }
  }

  static func denialMessage(_ decision: Decision) -> String {
    var message = "Policy denies this"
    if let rule = decision.rule {
      message += ": \(rule.kind.rawValue) '\(rule.id)' at \(rule.place)"
      if let basis = rule.basis { message += " (\(basis))" }
    } else {
      message += ": no rule permits it"
    }
    message += "."
    if let permit = decision.nearestPermit, !permit.missing.isEmpty {
      message +=
        " The nearest permit is '\(permit.rule)' at \(permit.location.fileAndLine); it lacks: \(permit.missing.joined(separator: ", "))."
    }
    return message
  }

  /// The decision as answers carry it.
  /// - Parameter redactions: what was withheld of the document itself; `nil` where no document is released.
  func message(_ decision: Decision, redactions: [Redaction]? = nil) -> Domicile_V1_Decision {
    Domicile_V1_Decision.with { message in
      message.id = id.hex
      message.effect = decision.effect == .permit ? .permit : .deny
      let others = decision.rules.map(\.id).filter { $0 != decision.rule?.id }
      message.rules = (decision.rule.map { [$0.id] } ?? []) + others
      message.policyRevision = decision.revision
      message.legalBasis = decision.legalBasis ?? ""
      message.safeguard = decision.safeguard?.rawValue ?? ""
      message.at = decision.rule?.place ?? ""
      message.redactions = (redactions ?? []).map { redaction in
        .with {
          $0.field = redaction.field
          $0.view = redaction.view.name
        }
      }
      message.unknown = decision.unknown
      if decision.effect == .deny { message.reason = Self.denialMessage(decision) }
      if let permit = decision.nearestPermit {
        message.nearestPermit = .with {
          $0.rule = permit.rule
          $0.at = permit.location.fileAndLine
          $0.missing = permit.missing
        }
      }
    }
  }
}
