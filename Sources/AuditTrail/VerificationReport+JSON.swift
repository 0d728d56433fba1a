import Cryptography
package import Residency

extension VerificationReport {
  /// The report for machines. Sizes and indexes are numbers; times are ISO 8601 in UTC.
  package var json: JSONValue {
    var members: [String: JSONValue] = [
      "exit_status": .integer(exit.rawValue),
      "findings": .array(findings.map(\.json)),
      "findings_left_out": .integer(findingsLeftOut),
      "leaves_verified": .integer(leavesVerified),
      "leaves_verified_before": .integer(leavesVerifiedBefore),
      "not_checked": .array(notChecked.map(JSONValue.string)),
      "observations": .array(observations.map(JSONValue.string)),
      "verdict": .string(exit.word),
    ]
    if let checkpoint {
      members["checkpoint"] = [
        "origin": .string(checkpoint.checkpoint.origin.description),
        "size": .integer(checkpoint.checkpoint.size),
        "root": .string(checkpoint.checkpoint.root.description),
        "log_key": .string(checkpoint.logKey.description),
        "quorum": .string(checkpoint.quorum.rawValue),
        "cosignatures": .array(
          checkpoint.cosignatures.map { ["witness": .string($0.witness.name), "time": .string($0.at.description)] }),
      ]
    }
    if let timeSpan {
      members["first_event"] = .string(timeSpan.lowerBound.description)
      members["last_event"] = .string(timeSpan.upperBound.description)
    }
    return .object(members)
  }
}

extension Finding {
  package var json: JSONValue {
    var members: [String: JSONValue] = ["kind": .string(code), "message": .string(description)]
    if let index { members["index"] = .integer(index) }
    switch self {
    case .rowsUnlogged(let versions, let count): members.merge(versions.json(count)) { own, _ in own }
    case .rowsMissing(let versions, let count, _, _): members.merge(versions.json(count)) { own, _ in own }
    case .rowsElsewhere(let subject, let region, let count):
      members.merge(subject?.json ?? [:]) { own, _ in own }
      members["count"] = .string(String(count))
      if let region { members["home_region"] = .string(region) }
    case .accountMissing(let subject, _): members.merge(subject.json) { own, _ in own }
    case .accountsMissing(let period, let least, _):
      members["period"] = .string(period.description)
      members["count"] = .integer(least)
    default: break
    }
    return .object(members)
  }
}

extension RecordVersions {
  fileprivate func json(_ count: UInt64) -> [String: JSONValue] {
    subject.json.merging([
      // Numbers of 64 bits are text.
      "collection": .string(collection.rawValue), "count": .string(String(count)),
      "first_version": .string(String(versions.lowerBound)), "last_version": .string(String(versions.upperBound)),
    ]) { own, _ in own }
  }
}

extension AuditPseudonym {
  fileprivate var json: [String: JSONValue] {
    ["period": .string(period.description), "pseudonym": .string(description)]
  }
}

extension AuditExit {
  /// `VERIFIED`, `TAMPERED`, …
  package var word: String {
    switch self {
    case .verified: "VERIFIED"
    case .tampered: "TAMPERED"
    case .usage: "USAGE"
    case .incomplete: "INCOMPLETE"
    case .untrusted: "NOT TRUSTED"
    case .violations: "VIOLATIONS"
    }
  }
}
