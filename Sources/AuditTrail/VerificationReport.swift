package import Cryptography
package import Residency

/// What an audit command's exit status says.
package enum AuditExit: Int32, Hashable, Sendable {
  /// Complete and verified.
  case verified = 0
  case tampered = 1
  case usage = 2
  /// A gap, something unreachable or unreadable, or nothing there.
  case incomplete = 3
  /// The checkpoint is not of a trusted log, or too few witnesses cosigned.
  case untrusted = 4
  case violations = 5

  /// The graver of two: proof of tampering before missing trust, missing trust before missing data.
  package func combined(with other: AuditExit) -> AuditExit {
    let order: [AuditExit] = [.usage, .tampered, .untrusted, .incomplete, .violations, .verified]
    return order.first { $0 == self || $0 == other } ?? self
  }
}

/// The outcome of a verification.
package struct VerificationReport: Sendable {
  /// What was verified against; `nil` where it could not be trusted.
  package let checkpoint: TrustedCheckpoint?
  /// Leaves whose bytes hash to what the tree says.
  package let leavesVerified: Int
  /// Leaves that were verified at an earlier time, and only had to be grown from.
  package let leavesVerifiedBefore: Int
  /// The times of the first and the last event, in the log's order.
  package let timeSpan: ClosedRange<UTCTime>?
  /// At most ``findingCountMax`` of each kind.
  package private(set) var findings: [Finding]
  /// How many more there were.
  package private(set) var findingsLeftOut: Int
  /// What this verification says nothing about.
  package private(set) var notChecked: [String]
  /// What is no finding, and worth knowing.
  package private(set) var observations: [String] = []
  /// From where a later verification may go on; `nil` where the leaves do not lead to the signed root.
  package let verified: VerifiedPrefix?

  package static let findingCountMax = 100

  package var exit: AuditExit { findings.reduce(.verified) { $0.combined(with: $1.exit) } }

  /// Whether nothing is wrong but that too few witnesses have seen the log: its own key has signed all of it, and all of it could be read.
  package var isWhole: Bool { findings.allSatisfy { $0.exit == .untrusted } }

  /// With what was found after the log was read.
  /// - Parameters:
  ///   - leftOut: how many more findings there were.
  ///   - notChecked: what was not looked at either.
  package func adding(
    _ more: [Finding], leftOut: Int = 0, observations: [String] = [], notChecked: [String] = []
  ) -> VerificationReport {
    var report = self
    report.findingsLeftOut += leftOut
    for finding in more where !report.findings.contains(finding) { report.findings.append(finding) }
    report.observations += observations
    report.notChecked += notChecked
    return report
  }

  /// With what the requests' numbers say.
  package func adding(_ tally: RequestTally) -> VerificationReport {
    adding(
      tally.missing.prefix(Self.findingCountMax).map { .requestsMissing(coordinator: $0.coordinator, numbers: $0.numbers) },
      notChecked: tally.unaccounted.prefix(Self.findingCountMax).map {
        "requests of coordinator \($0.coordinator) from number \($0.from) on: it has not accounted for them yet, or has ended without a word"
      })
  }
}
