/// When clients were served, by what they recorded.
package struct Availability: Sendable, Hashable {
  /// The longest time in which no write, or compare-and-set, was acknowledged.
  package let longestWithoutWrite: Duration
  /// The longest time in which no read was answered.
  package let longestWithoutRead: Duration

  /// - Parameter period: the part of the history that counts, in nanoseconds since its start. Its ends count as acknowledgements: a
  ///   region that was never served in it was away for all of it.
  package init(_ history: History, in period: ClosedRange<Int>) {
    longestWithoutWrite = Self.longestGap(history, in: period) { !$0.isRead }
    longestWithoutRead = Self.longestGap(history, in: period) { $0.isRead }
  }

  /// Operations that were acknowledged, and began and ended within `period`.
  package static func acknowledgedCount(_ history: History, within period: ClosedRange<Int>) -> Int {
    history.operations.count { operation in
      guard operation.outcome == .ok, let completion = operation.completion else { return false }
      return operation.invocation.nanoseconds >= period.lowerBound && completion.nanoseconds <= period.upperBound
    }
  }

  private static func longestGap(
    _ history: History, in period: ClosedRange<Int>, _ counts: (RegisterAction) -> Bool
  ) -> Duration {
    var last = period.lowerBound
    var longest = 0
    for event in history.events where event.kind == .ok && counts(event.action) && period.contains(event.nanoseconds) {
      longest = max(longest, event.nanoseconds - last)
      last = event.nanoseconds
    }
    return .nanoseconds(max(longest, period.upperBound - last))
  }
}

extension RegisterAction {
  var isRead: Bool {
    if case .read = self { true } else { false }
  }
}
