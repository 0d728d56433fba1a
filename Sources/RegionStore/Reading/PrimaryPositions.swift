import DequeModule
import Synchronization

/// When the primary's log stood where: tells how far behind a standby is without trusting anybody's clock but this machine's.
final class PrimaryPositions: Sendable {
  private struct Entry {
    let mark: LogMark
    let at: ContinuousClock.Instant
  }

  private let entries = Mutex(Deque<Entry>())

  /// Entries are at least so far apart.
  private static let spacing = Duration.milliseconds(50)
  /// How far back a standby may be: the longest staleness that a caller may allow.
  static let kept = Duration.seconds(600)

  /// - Parameter at: before the primary was asked: what was acknowledged by then lies before `mark`.
  func note(_ mark: LogMark, at instant: ContinuousClock.Instant) {
    entries.withLock { entries in
      if let last = entries.last {
        // Another server's answers say nothing about the ones before.
        if last.mark.history.systemIdentifier != mark.history.systemIdentifier { entries.removeAll() }
        guard instant - last.at >= Self.spacing else { return }
      }
      entries.append(Entry(mark: mark, at: instant))
      while let first = entries.first, instant - first.at > Self.kept { entries.removeFirst() }
    }
  }

  /// The last moment of which it is known that the standby has everything that had been acknowledged by then; `nil` where none is.
  func lastSeen(by standby: StandbyState) -> ContinuousClock.Instant? {
    entries.withLock { entries in
      var (low, high) = (0, entries.count)
      while low < high {
        let middle = (low + high) / 2
        if standby.covers(entries[middle].mark) { low = middle + 1 } else { high = middle }
      }
      return low > 0 ? entries[low - 1].at : nil
    }
  }
}
