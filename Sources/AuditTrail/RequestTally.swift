/// What a log's leaves say of the requests that coordinators numbered: whether one of them has neither a leaf nor an account.
package struct RequestTally: Sendable {
  private struct Coordinator {
    var recorded = NumberRanges()
    var excused = NumberRanges()
    /// Up to which number there are accounts.
    var accounted: UInt64 = 0
    var hasStopped = false

    mutating func take(_ account: AuditEvent.Account) {
      excused.formUnion(account.passed)
      excused.formUnion(account.failed)
      accounted = max(accounted, account.through)
    }
  }

  private var coordinators: [String: Coordinator] = [:]

  package init() {}

  /// Takes in the next leaf tile of the log.
  package mutating func add(_ tile: LeafTileReading) {
    for (name, numbers) in tile.requests { coordinators[name, default: Coordinator()].recorded.formUnion(numbers) }
    for (name, account) in tile.accounts {
      coordinators[name, default: Coordinator()].take(account)
    }
    for name in tile.stopped { coordinators[name, default: Coordinator()].hasStopped = true }
  }

  /// Requests that are neither recorded nor accounted for, with their coordinators' names.
  package var missing: [(coordinator: String, numbers: NumberRanges)] {
    coordinators.sorted { $0.key < $1.key }.compactMap { name, coordinator in
      // One that has stopped has said all; of others, what they have said so far is looked at.
      let through = coordinator.hasStopped ? max(coordinator.accounted, coordinator.recorded.last ?? 0) : coordinator.accounted
      guard through > 0 else { return nil }
      var numbers = NumberRanges(1...through)
      numbers.subtract(coordinator.recorded)
      numbers.subtract(coordinator.excused)
      return numbers.isEmpty ? nil : (name, numbers)
    }
  }

  /// Coordinators that have not said anything of their last requests: they still run, or ended without a word.
  package var unaccounted: [(coordinator: String, from: UInt64)] {
    coordinators.sorted { $0.key < $1.key }.compactMap { name, coordinator in
      guard !coordinator.hasStopped, let last = coordinator.recorded.last, last > coordinator.accounted else { return nil }
      return (name, coordinator.accounted + 1)
    }
  }

  /// How many requests have a leaf.
  package var recordedCount: UInt64 { coordinators.values.reduce(0) { $0 + $1.recorded.count } }
}
