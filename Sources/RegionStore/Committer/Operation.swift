package import Directory

/// One call's work in the store: what it must know, and a pure decision on that.
///
/// `decide` runs between the two round trips of a batch. It has no side effects but on `effects`, and may run more than once
/// (a batch that lost a race with another coordinator is read and decided again).
package struct Operation<Outcome: Sendable>: Sendable {
  let needs: FactsNeeded
  let deadline: ContinuousClock.Instant?
  let concern: WriteConcern
  /// Milliseconds since 1970 UTC.
  let now: UInt64
  let decide: @Sendable (Facts, inout Effects) throws -> Outcome

  package init(
    needs: FactsNeeded, now: UInt64, deadline: ContinuousClock.Instant? = nil, concern: WriteConcern = .standard,
    decide: @escaping @Sendable (Facts, inout Effects) throws -> Outcome
  ) {
    self.needs = needs
    self.now = now
    self.deadline = deadline
    self.concern = concern
    self.decide = decide
  }
}

extension Operation {
  /// The same operation on records that were found elsewhere. Where they could not be had, it fails for subjects at home here.
  func reading(_ found: Result<StandbyReader.Found, StoreError>) -> Operation {
    var needs = needs
    needs.records = []
    needs.pages = []
    return Operation(needs: needs, now: now, deadline: deadline, concern: concern) { [decide, needs] facts, effects in
      var facts = facts
      if needs.subjects.contains(where: { facts.subjects[$0] != nil }) { try facts.take(found.get()) }
      return try decide(facts, &effects)
    }
  }
}

extension Facts {
  /// Records of subjects that are not at home here any more stay out.
  fileprivate mutating func take(_ found: StandbyReader.Found) throws(StoreError) {
    let unreadable = found.facts.unreadable.filter { subjects[$0] != nil }
    guard unreadable.isEmpty else { throw .corrupt(what: "a subject's data") }
    records = found.facts.records.filter { subjects[$0.key.tag] != nil }
    pages = found.facts.pages.filter { subjects[$0.key.tag] != nil }
    readPoint = found.point
  }
}

/// What an operation decided, once the store has committed it.
package struct Committed<Outcome: Sendable>: Sendable {
  package let outcome: Outcome
  /// One for each leaf that the operation recorded, in order.
  package let receipts: [LeafReceipt]
  /// Where the operation's entries stand in this region's log of the directory, in order.
  package let entries: [LogPosition]
  /// `nil` where there was nothing to commit.
  package let standing: CommitStanding?
}
