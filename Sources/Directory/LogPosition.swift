package import Residency

/// One log: what one region wrote between two restarts of its history. Only that region appends to it; any region may pass
/// it on.
package struct LogID: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let origin: RegionOrdinal
  package let incarnation: Incarnation

  package init(origin: RegionOrdinal, incarnation: Incarnation) {
    self.origin = origin
    self.incarnation = incarnation
  }

  /// `2/1`: the first incarnation of the region with ordinal 2.
  package var description: String { "\(origin)/\(incarnation.rawValue)" }

  package static func < (left: Self, right: Self) -> Bool {
    (left.origin, left.incarnation) < (right.origin, right.incarnation)
  }
}

/// The place of one entry in one log. Sequence numbers start at 1 and have no gaps.
///
/// The position of the entry that registered a subject is the subject's *birth*: it tells two registrations of one tag apart.
package struct LogPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let origin: RegionOrdinal
  package let incarnation: Incarnation
  package let seq: UInt64

  package init(origin: RegionOrdinal, incarnation: Incarnation, seq: UInt64) {
    self.origin = origin
    self.incarnation = incarnation
    self.seq = seq
  }

  package init(log: LogID, seq: UInt64) {
    self.init(origin: log.origin, incarnation: log.incarnation, seq: seq)
  }

  package var log: LogID { LogID(origin: origin, incarnation: incarnation) }

  /// `2/1:40`: entry 40 of log `2/1`.
  package var description: String { "\(log):\(seq)" }

  /// An order for sorting only: positions of two logs say nothing about which entry came first.
  package static func < (left: Self, right: Self) -> Bool {
    (left.origin, left.incarnation, left.seq) < (right.origin, right.incarnation, right.seq)
  }
}
