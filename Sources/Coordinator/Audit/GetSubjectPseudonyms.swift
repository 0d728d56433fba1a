import AuditTrail
import ConnectRPC
import Cryptography
import Directory
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// For auditors: under which names the logs speak of a person. Answered by the home region alone, to whoever asks it there, and
/// itself recorded: a name that ties a log to a person does not cross a border.
struct GetSubjectPseudonyms: SubjectProcedure {
  static let name = ProcedureName(service: "domicile.v1.AuditService", method: "GetSubjectPseudonyms")
  static let activityAtHome = AuditActivity.operate
  static let activityAbroad = AuditActivity.operate

  let call: Call
  let subject: SubjectTag

  init(_ request: Domicile_V1_GetSubjectPseudonymsRequest, call: Call) throws(Refusal) {
    self.call = call
    subject = try call.subject(request.subjectID)
  }

  var needs: FactsNeeded { FactsNeeded(subjects: [subject]) }

  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Domicile_V1_GetSubjectPseudonymsResponse> {
    guard let person = facts.subjects[subject], let key = facts.auditKey(of: subject) else {
      return .elsewhere(PlacementLookup(facts.placements[subject], at: call.region.descriptor.ordinal))
    }
    let recorded = Recorded(activity: .operate, subject: subject, details: ["asked": "pseudonyms"])
    do throws(Refusal) { try call.require(.auditor) } catch {
      return try call.refuse(error, recorded, facts, &effects)
    }
    effects.record(try call.leaf(recorded, facts: facts))
    var response = Response()
    for period in Self.periods(from: person.registeredAt, to: call.now) {
      let pseudonym = try AuditPseudonym(of: subject, auditKey: key, period: period)
      response.pseudonyms.append(
        .with {
          $0.period = period.description
          $0.pseudonym = pseudonym.description
        })
    }
    return .answered(response)
  }

  /// The months from the registration to today.
  static func periods(from start: UInt64, to end: UInt64) -> [AuditPeriod] {
    let last = AuditPeriod(containing: UTCTime(milliseconds: Int64(end)))
    let first = AuditPeriod(containing: UTCTime(milliseconds: Int64(start)))
    return Array(sequence(first: first, next: \.next).prefix { $0 <= last })
  }
}

extension Call {
  func require(_ role: Principal.Role) throws(Refusal) {
    guard principal.roles.contains(role) else {
      throw Refusal(
        .permissionDenied, .roleRequired,
        "This call is for principals with the role '\(role.rawValue)'. Ask the token's issuer for one.",
        metadata: ["role": role.rawValue])
    }
  }
}
