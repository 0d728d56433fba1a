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

/// One thing that is wrong with a log, and what it means.
package enum Finding: Hashable, Sendable {
  /// No checkpoint could be read.
  case noCheckpoint(String)
  case untrusted(TrustError)
  case quorumUnmet(cosigners: Int)
  /// The log has no leaves.
  case empty
  /// A tile or bundle is not there, could not be fetched, or is cut off.
  case missing(TileCoordinate, problem: String)
  /// Leaves that the tree has and the bundle lacks.
  case leavesMissing(Range<Int>)
  /// The leaf is not the one that was logged: the tree's hash, under the signed root, is another.
  case leafChanged(index: Int, expected: SHA256Digest, actual: SHA256Digest)
  /// The leaf does not lead to the signed root.
  case leafUnproven(index: Int)
  /// The leaf and the tree's hash disagree, and the root cannot tell which was changed.
  case leafDisagrees(index: Int)
  /// The tile does not say what the signed root says.
  case tileChanged(TileCoordinate)
  /// The tree is not the one that was signed.
  case rootMismatch(signed: SHA256Digest, computed: SHA256Digest)
  /// The bytes are as they were logged, but are no event that this version can read.
  case leafUnreadable(index: Int, problem: String)
  /// An earlier checkpoint of the same log has another history.
  case forked(earlierSize: Int)
  /// An earlier checkpoint of the same log was longer.
  case rolledBack(earlierSize: Int, size: Int)
  /// Requests that a coordinator numbered, and of which there is neither a leaf nor a word why there is none.
  case requestsMissing(coordinator: String, numbers: NumberRanges)
  /// Another region's leaf, which this one is the other side of, is another than the one that was answered with.
  case otherSideDiffers(index: Int, region: RegionID, other: UInt64)
  /// Another region's leaf, which this one is the other side of, is not there.
  case otherSideMissing(index: Int, region: RegionID, other: UInt64)
  /// The region stores rows at versions of which its log has no leaf: they were written past it.
  case rowsUnlogged(RecordVersions, count: UInt64)
  /// The log has leaves of versions that the region's rows have not, or not any more: they were removed or set back past it.
  /// - Parameter leaf: one that is without a row, where that can be told; otherwise the last of those among which it is.
  case rowsMissing(RecordVersions, count: UInt64, leaf: Int, isCertain: Bool)
  /// Records were written for somebody of whom nothing is stored, and the log has no erasure after that.
  case accountMissing(AuditPseudonym, leaf: Int)
  /// In a month records were written for more people than are stored or left the region since.
  case accountsMissing(AuditPeriod, atLeast: Int, of: Int)
  /// The region's rows, or some of them, could not be had.
  case rowsUnread(problem: String)
  /// Verification stopped here: too much is missing.
  case stopped(atLeaf: Int)

  package var exit: AuditExit {
    switch self {
    case .noCheckpoint, .empty, .missing, .leavesMissing, .leafUnreadable, .requestsMissing, .rowsUnread, .stopped: .incomplete
    case .otherSideDiffers, .otherSideMissing, .rowsUnlogged, .rowsMissing, .accountMissing, .accountsMissing: .violations
    case .quorumUnmet: .untrusted
    case .untrusted(.invalidSignature), .untrusted(.foreignOrigin): .tampered
    case .untrusted: .untrusted
    case .leafChanged, .leafUnproven, .leafDisagrees, .tileChanged, .rootMismatch, .forked, .rolledBack: .tampered
    }
  }

  /// The leaf that the finding names, where it names one.
  package var index: Int? {
    switch self {
    case .leafChanged(let index, _, _), .leafUnproven(let index), .leafDisagrees(let index), .leafUnreadable(let index, _),
      .stopped(let index), .accountMissing(_, let index), .rowsMissing(_, _, let index, isCertain: true):
      index
    case .leavesMissing(let range): range.lowerBound
    default: nil
    }
  }

  /// A stable word for machines.
  package var code: String {
    switch self {
    case .noCheckpoint: "no_checkpoint"
    case .untrusted: "untrusted"
    case .quorumUnmet: "quorum_unmet"
    case .empty: "empty"
    case .missing: "missing"
    case .leavesMissing: "leaves_missing"
    case .leafChanged: "leaf_changed"
    case .leafUnproven: "leaf_unproven"
    case .leafDisagrees: "leaf_disagrees"
    case .tileChanged: "tile_changed"
    case .rootMismatch: "root_mismatch"
    case .leafUnreadable: "leaf_unreadable"
    case .forked: "forked"
    case .rolledBack: "rolled_back"
    case .requestsMissing: "requests_missing"
    case .otherSideDiffers: "other_side_differs"
    case .otherSideMissing: "other_side_missing"
    case .rowsUnlogged: "rows_unlogged"
    case .rowsMissing: "rows_missing"
    case .accountMissing: "account_missing"
    case .accountsMissing: "accounts_missing"
    case .rowsUnread: "rows_unread"
    case .stopped: "stopped"
    }
  }
}

extension Finding: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noCheckpoint(let problem): "no checkpoint: \(problem)"
    case .untrusted(let error): "checkpoint not trusted: \(error)"
    case .quorumUnmet(let count): "too few witnesses cosigned the checkpoint (\(count) of the trust file's did)"
    case .empty: "the log is empty: there is nothing to verify"
    case .missing(let coordinate, let problem): "\(coordinate.path): \(problem)"
    case .leavesMissing(let range) where range.count == 1: "leaf \(range.lowerBound) is missing"
    case .leavesMissing(let range): "leaves \(range.lowerBound) to \(range.upperBound - 1) are missing"
    case .leafChanged(let index, let expected, let actual):
      "leaf \(index) was changed: logged with hash \(expected), now has \(actual)"
    case .leafUnproven(let index): "leaf \(index) was changed, or a tile above it: it does not lead to the signed root"
    case .leafDisagrees(let index): "leaf \(index) and the tree's hash for it disagree: one of them was changed"
    case .tileChanged(let coordinate): "\(coordinate.path) was changed: it does not fit the signed root"
    case .rootMismatch(let signed, let computed): "the tree is not the one that was signed: root \(computed), signed \(signed)"
    case .leafUnreadable(let index, let problem): "leaf \(index) is as it was logged, but cannot be read: \(problem)"
    case .forked(let size): "history was rewritten: the first \(size) leaves are not those of the earlier checkpoint"
    case .rolledBack(let earlier, let size): "the log was cut off: it had \(earlier) leaves at an earlier checkpoint, now \(size)"
    case .requestsMissing(let coordinator, let numbers):
      "requests without a record: of those that coordinator \(coordinator) numbered, \(numbers) \(numbers.count == 1 ? "has" : "have") neither a leaf nor an account"
    case .otherSideDiffers(let index, let region, let other):
      "leaf \(index) says that it is the other side of leaf \(other) of \(region), which is another leaf"
    case .otherSideMissing(let index, let region, let other):
      "leaf \(index) says that it is the other side of leaf \(other) of \(region), which has no such record of a transfer"
    case .rowsUnlogged(let versions, let count):
      "a stored version with no leaf: \(versions), of \(count) \(count == 1 ? "record" : "records"): written past the log"
    case .rowsMissing(let versions, let count, let leaf, let isCertain):
      "a leaf with no stored row: \(versions), of \(count) \(count == 1 ? "record" : "records"): removed or set back past the log; "
        + (isCertain ? "leaf \(leaf) is one" : "it is leaf \(leaf) or an earlier one")
    case .accountMissing(let pseudonym, let leaf):
      "the records of \(pseudonym.period)'s \(pseudonym) are gone: leaf \(leaf) wrote one, nothing is stored of that person, and the log has no erasure since"
    case .accountsMissing(let period, let least, let count):
      "the records of at least \(least) of \(count) people are gone: the log has fewer erasures since \(period), when records of theirs were written"
    case .rowsUnread(let problem): "the stored rows could not be held against the log: \(problem)"
    case .stopped(let index): "stopped at leaf \(index): too much is missing"
    }
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
