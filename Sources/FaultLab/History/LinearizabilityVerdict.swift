/// What the checker says of a history, key by key.
package struct LinearizabilityVerdict: Hashable, Sendable {
  /// In the order of their keys.
  package let keys: [KeyVerdict]

  /// Whether every key was shown to be. An empty history is: whoever asks has to look at the counts too.
  package var isLinearizable: Bool { keys.allSatisfy { $0.answer == .linearizable } }

  /// The keys that were not shown to be linearizable.
  package var failures: [KeyVerdict] { keys.filter { $0.answer != .linearizable } }

  package func count(of outcome: HistoryOperation.Outcome) -> Int { keys.reduce(0) { $0 + $1.counts[outcome, default: 0] } }
}

/// What the checker says of one key's operations.
package struct KeyVerdict: Hashable, Sendable {
  package enum Answer: Hashable, Sendable {
    case linearizable
    case violation(LinearizabilityViolation)
    /// The search was given up; counts as a failure.
    case undecided(Reason)
  }

  package enum Reason: Hashable, Sendable {
    case statesExceeded(limit: Int)
  }

  package let key: String
  package let answer: Answer
  package let counts: [HistoryOperation.Outcome: Int]
  /// How many configurations were searched.
  package let stateCount: Int
}

/// Why a key's operations are not linearizable: how far an order of them goes, and what stops it there.
package struct LinearizabilityViolation: Hashable, Sendable {
  /// An operation that would have to come next, or earlier than some other that would.
  package struct Blocked: Hashable, Sendable {
    package let operation: HistoryOperation
    /// What the register would have to hold; `nil` for absent.
    package let needs: Int?
    /// All operations of the key that set it to that, in the order of their invocations, failed ones included.
    package let writers: [HistoryOperation]
  }

  /// The longest order found, by the number of acknowledged operations in it.
  package let order: [HistoryOperation]
  /// What the register holds after it.
  package let value: Int?
  /// Those that are open in real time after it; none fits the value. At least one of them was complete before any other operation
  /// was invoked that could have helped.
  package let blocked: [Blocked]
  /// How many operations had to be placed.
  package let acknowledgedCount: Int
}
