/// Decides whether a history of registers is linearizable: whether each acknowledged operation can be given a moment between its
/// invocation and its completion, such that a single register that did them at these moments would have answered the same.
/// (Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", 1990.)
///
/// Each key is checked by itself: a history is linearizable exactly if its part for each object is (theorem 1 there). The answer
/// depends on the history alone.
package struct LinearizabilityChecker: Sendable {
  /// Some hundreds of megabytes.
  package static let statesMaxDefault = 1_000_000

  /// How many configurations are searched for one key before the answer is ``KeyVerdict/Answer/undecided(_:)``. Each costs some
  /// hundred bytes; the problem is NP-complete (Gibbons and Korach, "Testing shared memories", 1997), so that a bound must be.
  package let statesMax: Int
  private let reductions: SearchReductions

  package init(statesMax: Int = statesMaxDefault) {
    self.init(statesMax: statesMax, reductions: .all)
  }

  init(statesMax: Int, reductions: SearchReductions) {
    self.statesMax = statesMax
    self.reductions = reductions
  }

  package func check(_ history: History) -> LinearizabilityVerdict {
    let parts = Dictionary(grouping: history.operations, by: \.key)
    return LinearizabilityVerdict(
      keys: parts.keys.sorted().compactMap { key in parts[key].map { verdict(key, $0) } })
  }

  private func verdict(_ key: String, _ operations: [HistoryOperation]) -> KeyVerdict {
    var search = RegisterSearch(operations, reductions: reductions, statesMax: statesMax)
    let answer: KeyVerdict.Answer =
      switch search.run() {
      case .found: .linearizable
      case .none(let end): .violation(LinearizabilityViolation(end, among: operations))
      case .statesExceeded: .undecided(.statesExceeded(limit: statesMax))
      }
    return KeyVerdict(
      key: key, answer: answer,
      counts: Dictionary(grouping: operations, by: \.outcome).mapValues(\.count), stateCount: search.stateCount)
  }
}

extension LinearizabilityViolation {
  fileprivate init(_ end: RegisterSearch.DeadEnd, among operations: [HistoryOperation]) {
    order = end.order
    value = end.value
    acknowledgedCount = operations.count { $0.outcome == .ok }
    blocked = end.blocked.compactMap { operation in
      guard let needs = operation.action.needs else { return nil }
      return Blocked(operation: operation, needs: needs, writers: operations.filter { $0.action.sets == .some(needs) })
    }
  }
}
