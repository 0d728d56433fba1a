/// Tells one peer that this region's own log has grown: at most once in ``window``, with what is new where that is little. Entries that
/// commit meanwhile share a ring.
///
/// A lost ring costs nothing but time: the next one does not fit what the peer holds, and the peer polls each second.
package struct Doorbell: Sendable {
  package enum Action: Hashable, Sendable {
    /// Call ``fired()`` after this time.
    case schedule(after: Duration)
    /// Tell the peer that this region's own log reaches `head`, and give it the entries from `newsFrom` on; then call ``ended()``.
    /// `nil` where they are too many: the peer pulls.
    case ring(head: LogPosition, newsFrom: UInt64?)
  }

  package let window: Duration
  /// Rings on their way at once: where a peer is far away or silent, more commits share one.
  package let ringsMax: Int
  private var pending: LogPosition?
  private var isScheduled = false
  private var underWay = 0
  private var rung: LogPosition?

  /// The most that goes with a ring.
  package static let entriesMax = 64
  package static let bytesMax = 65_536

  /// Whether a batch is as small as one that comes with a ring.
  package static func mayBring(_ batch: LogBatch) -> Bool {
    batch.entries.count <= entriesMax && batch.entries.reduce(0) { $0 + $1.count } <= bytesMax
  }

  package init(window: Duration = .milliseconds(5), ringsMax: Int = 16) {
    self.window = window
    self.ringsMax = ringsMax
  }

  /// This region's own log has reached `head`.
  package mutating func committed(_ head: LogPosition) -> [Action] {
    pending = pending.map { max($0, head) } ?? head
    guard !isScheduled, underWay < ringsMax else { return [] }
    isScheduled = true
    return [.schedule(after: window)]
  }

  package mutating func fired() -> [Action] {
    isScheduled = false
    return ring()
  }

  /// A ring has been heard, or was lost.
  package mutating func ended() -> [Action] {
    underWay -= 1
    return isScheduled ? [] : ring()
  }

  private mutating func ring() -> [Action] {
    guard underWay < ringsMax, let head = pending else { return [] }
    defer {
      pending = nil
      underWay += 1
      rung = head
    }
    return [.ring(head: head, newsFrom: newsFrom(upTo: head))]
  }

  private func newsFrom(upTo head: LogPosition) -> UInt64? {
    // Of what stood before the first ring nothing is known: the newest entry alone is most often all that the peer lacks.
    let first = rung.map { $0.log == head.log ? $0.seq + 1 : 1 } ?? head.seq
    return first <= head.seq && head.seq - first < UInt64(Self.entriesMax) ? first : nil
  }
}
