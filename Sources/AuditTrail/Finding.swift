package import Cryptography
package import Residency

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
  /// What the leaf says was decided is not what its policies make of its facts.
  /// - Parameters:
  ///   - what: which parts of the decision.
  case decisionDiffers(index: Int, what: [String], recorded: String, again: String)
  /// What was done for somebody without saying on which facts it was decided.
  case factsMissing(first: Int, count: Int)
  /// The policies of that revision are not at hand.
  case policiesMissing(revision: String, first: Int, count: Int)
  /// The region stores rows at versions of which its log has no leaf: they were written past it.
  case rowsUnlogged(RecordVersions, count: UInt64)
  /// The log has leaves of versions that the region's rows have not, or not any more: they were removed or set back past it.
  /// - Parameter leaf: one that is without a row, where that can be told; otherwise the last of those among which it is.
  case rowsMissing(RecordVersions, count: UInt64, leaf: Int, isCertain: Bool)
  /// The region stores an account of somebody whom its own directory does not have at home there.
  /// - Parameters:
  ///   - subject: `nil` where the region cannot name them, for want of keys.
  ///   - at: the region where the directory has them at home; `nil`: nowhere.
  ///   - count: of their records, what is left of deleted ones included.
  case rowsElsewhere(AuditPseudonym?, at: String?, count: UInt64)
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
    case .noCheckpoint, .empty, .missing, .leavesMissing, .leafUnreadable, .requestsMissing, .factsMissing, .policiesMissing,
      .rowsUnread, .stopped:
      .incomplete
    case .otherSideDiffers, .otherSideMissing, .decisionDiffers, .rowsUnlogged, .rowsMissing, .rowsElsewhere, .accountMissing,
      .accountsMissing:
      .violations
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
      .stopped(let index), .decisionDiffers(let index, _, _, _), .factsMissing(let index, _), .policiesMissing(_, let index, _),
      .accountMissing(_, let index), .rowsMissing(_, _, let index, isCertain: true):
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
    case .decisionDiffers: "decision_differs"
    case .factsMissing: "facts_missing"
    case .policiesMissing: "policies_missing"
    case .rowsUnlogged: "rows_unlogged"
    case .rowsMissing: "rows_missing"
    case .rowsElsewhere: "rows_elsewhere"
    case .accountMissing: "account_missing"
    case .accountsMissing: "accounts_missing"
    case .rowsUnread: "rows_unread"
    case .stopped: "stopped"
    }
  }
}
