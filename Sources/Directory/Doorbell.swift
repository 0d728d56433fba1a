/// Tells one peer that there is something to pull, at most once in ``window``: entries that commit meanwhile share a ring.
///
/// A lost ring costs nothing but time: the peer polls each second.
package struct Doorbell: Sendable {
  package enum Action: Hashable, Sendable {
    /// Call ``fired()`` after this time.
    case schedule(after: Duration)
    /// Tell the peer that this region's own log reaches `head`.
    case ring(head: LogPosition)
  }

  package let window: Duration
  private var pending: LogPosition?

  package init(window: Duration = .milliseconds(5)) { self.window = window }

  /// This region's own log has reached `head`.
  package mutating func committed(_ head: LogPosition) -> [Action] {
    guard let earlier = pending else {
      pending = head
      return [.schedule(after: window)]
    }
    pending = max(earlier, head)
    return []
  }

  package mutating func fired() -> [Action] {
    guard let head = pending else { return [] }
    pending = nil
    return [.ring(head: head)]
  }
}
