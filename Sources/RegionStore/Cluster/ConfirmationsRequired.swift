import Synchronization

/// How many standbys must have a commit before its outcome is told: what the region asks for, or what its cluster promised when the store
/// was opened, whichever is more. It only rises: a setting that is cleared later makes the store refuse, not settle for less.
final class ConfirmationsRequired: Sendable {
  private let number: Atomic<Int>

  init(_ asked: Int) { number = Atomic(asked) }

  var current: Int { number.load(ordering: .relaxed) }

  func raise(to promised: Int) { number.max(promised, ordering: .relaxed) }
}

extension Durability {
  /// How many standbys a commit waits for, by the cluster's own settings.
  var confirmations: Int {
    switch self {
    case .notPrimary, .local: 0
    case .stalled(let confirmations, _), .quorum(let confirmations): confirmations
    }
  }
}
