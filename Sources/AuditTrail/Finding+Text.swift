import Cryptography
import Residency

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
    case .decisionDiffers(let index, let what, let recorded, let again):
      "leaf \(index): the decision does not follow from its facts (\(what.joined(separator: ", "))): recorded as \(recorded); the policies say \(again)"
    case .factsMissing(let index, let count):
      "\(count) decisions, the first at leaf \(index), do not say on which facts they rest: they cannot be made again"
    case .policiesMissing(let revision, let index, let count):
      "\(count) decisions, the first at leaf \(index), are by policies that were not given, or cannot be used: \(revision)"
    case .rowsUnlogged(let versions, let count):
      "a stored version with no leaf: \(versions), of \(count) \(count == 1 ? "record" : "records"): written past the log"
    case .rowsMissing(let versions, let count, let leaf, let isCertain):
      "a leaf with no stored row: \(versions), of \(count) \(count == 1 ? "record" : "records"): removed or set back past the log; "
        + (isCertain ? "leaf \(leaf) is one" : "it is leaf \(leaf) or an earlier one")
    case .rowsElsewhere(let subject, let region, let count):
      "out of place: an account with \(count) \(count == 1 ? "record" : "records") of "
        + (subject.map { "\($0.period)'s \($0)" } ?? "somebody whom the region cannot name") + ", "
        + "whom its directory has at home \(region.map { "in \($0)" } ?? "nowhere")"
    case .accountMissing(let pseudonym, let leaf):
      "the records of \(pseudonym.period)'s \(pseudonym) are gone: leaf \(leaf) wrote one, nothing is stored of that person, and the log has no erasure since"
    case .accountsMissing(let period, let least, let count):
      "the records of at least \(least) of \(count) people are gone: the log has fewer erasures since \(period), when records of theirs were written"
    case .rowsUnread(let problem): "the stored rows could not be held against the log: \(problem)"
    case .stopped(let index): "stopped at leaf \(index): too much is missing"
    }
  }
}
