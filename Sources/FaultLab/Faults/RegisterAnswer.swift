package import ConnectRPC

/// What a client was told of one call on a register, and so what its history may say of it.
package enum RegisterAnswer<Value: Sendable & Hashable>: Sendable, Hashable {
  case done(Value)
  /// It surely had no effect, and never will. The reason is one of the API's.
  case refused(String)
  /// It may have had an effect, or have one yet.
  case unknown(String)
}

/// Sorts failed calls into refusals and unknown outcomes.
package enum AnswerClass {
  /// What the API promises of these: nothing was done. Whatever is not here counts as unknown, which is never wrong.
  private static let refusals: Set<String> = [
    "AUDIT_UNAVAILABLE", "QUORUM_UNAVAILABLE", "OVERLOADED", "STOPPING", "VERSION_MISMATCH", "POLICY_DENIED",
    "PURPOSE_NOT_ALLOWED", "ROLE_REQUIRED",
    "INVALID_ARGUMENT", "SUBJECT_UNKNOWN", "SUBJECT_RESTRICTED", "SUBJECT_FROZEN", "RECORD_UNKNOWN", "IDEMPOTENCY_REUSED",
    "REGION_UNREACHABLE", "STALE_DIRECTORY",
  ]

  /// What a region under faults may answer. Anything else is a finding.
  private static let expected: Set<String> = [
    "AUDIT_UNAVAILABLE", "QUORUM_UNAVAILABLE", "OVERLOADED", "STOPPING", "VERSION_MISMATCH", "OUTCOME_UNKNOWN",
    "DEADLINE_EXCEEDED", "CANCELED", "CONNECTION_FAILED", "TLS_FAILED", "RECORD_UNKNOWN",
  ]

  /// A failed write: `DEADLINE_EXCEEDED` may be the client's own, and the server may be at work still; a broken connection may have
  /// been broken after the call was sent.
  package static func ofWrite<Value>(_ error: ConnectError) -> RegisterAnswer<Value> {
    let reason = reason(of: error)
    return refusals.contains(reason) ? .refused(reason) : .unknown(reason)
  }

  /// A failed read tells nothing, and has no effect that anybody could see.
  package static func ofRead<Value>(_ error: ConnectError) -> RegisterAnswer<Value> { .refused(reason(of: error)) }

  package static func isExpected(_ reason: String) -> Bool { expected.contains(reason) }

  private static func reason(of error: ConnectError) -> String { error.reason ?? error.code.rawValue.uppercased() }
}
