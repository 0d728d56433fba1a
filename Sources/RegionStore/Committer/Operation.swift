/// One call's work in the store: what it must know, and a pure decision on that.
///
/// `decide` runs between the two round trips of a batch. It has no side effects but on `effects`, and may run more than once
/// (a batch that lost a race with another coordinator is read and decided again).
package struct Operation<Outcome: Sendable>: Sendable {
  let needs: FactsNeeded
  let deadline: ContinuousClock.Instant?
  /// Milliseconds since 1970 UTC.
  let now: UInt64
  let decide: @Sendable (Facts, inout Effects) throws -> Outcome

  package init(
    needs: FactsNeeded, now: UInt64, deadline: ContinuousClock.Instant? = nil,
    decide: @escaping @Sendable (Facts, inout Effects) throws -> Outcome
  ) {
    self.needs = needs
    self.now = now
    self.deadline = deadline
    self.decide = decide
  }
}

/// What an operation decided, once the store has committed it.
package struct Committed<Outcome: Sendable>: Sendable {
  package let outcome: Outcome
  /// One for each leaf that the operation recorded, in order.
  package let receipts: [LeafReceipt]
}
