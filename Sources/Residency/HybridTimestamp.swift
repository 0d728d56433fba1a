/// A hybrid logical timestamp: milliseconds since 1970 UTC and a counter that orders what one millisecond holds.
///
/// For lag and for people only: no ownership is ever decided by it.
package struct HybridTimestamp: Hashable, Sendable, Comparable {
  package let milliseconds: UInt64
  package let counter: UInt16

  package init(milliseconds: UInt64, counter: UInt16 = 0) {
    self.milliseconds = milliseconds
    self.counter = counter
  }

  /// The next timestamp at this place: after `self`, and not before `wallClock`.
  package func advanced(wallClock: UInt64) -> HybridTimestamp {
    if wallClock > milliseconds { return HybridTimestamp(milliseconds: wallClock) }
    guard counter < .max else { return HybridTimestamp(milliseconds: milliseconds + 1) }
    return HybridTimestamp(milliseconds: milliseconds, counter: counter + 1)
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.milliseconds, left.counter) < (right.milliseconds, right.counter)
  }
}
