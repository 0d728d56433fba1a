package import Directory
package import Residency
import Synchronization

/// What this coordinator remembers of its region's copy of the directory, so that most look-ups cost a look at memory.
///
/// It follows the logs: every entry that any coordinator of the region commits drops what is remembered of its subject. What this
/// coordinator commits itself is dropped before anybody hears of the commit. ``vector`` says how far it has followed: whoever must not see
/// less asks for that.
package final class DirectoryCache: Sendable {
  package struct Limits: Hashable, Sendable {
    /// About 100 bytes each.
    package var placements = 262_144
    /// Enough for 13 million subjects at ten bits each. With more of them it lets more unknown tags through to PostgreSQL.
    package var filterBytes = 16 << 20

    package init() {}
  }

  package enum Answer: Sendable {
    case placement(Placement)
    /// The region's copy knows nothing of the tag.
    case absent
    /// Read the store, and ``DirectoryCache/fill(_:_:)`` what it says.
    case unknown(PlacementCache.Ticket)
  }

  package struct Counts: Hashable, Sendable {
    package var hits: UInt64 = 0
    package var absent: UInt64 = 0
    package var misses: UInt64 = 0
  }

  private struct Shard: Sendable {
    var cache: PlacementCache
    var counts = Counts()
  }

  private struct Followed: Sendable {
    var vector = VersionVector()
    /// `nil` until all tags are in it.
    var filter: TagFilter?
    /// What was committed while the tags are read.
    var meanwhile: [SubjectTag] = []
    var unloggedChanges: Int64 = -1
    /// The first entries of branches that do not count.
    var cuts: Set<LogPosition> = []
  }

  private static let shelfCount = 16

  private final class Shelf: Sendable {
    let shard: Mutex<Shard>
    init(_ shard: Shard) { self.shard = Mutex(shard) }
  }

  private let shelves: [Shelf]
  private let followed = Mutex(Followed())
  let limits: Limits

  package init(_ limits: Limits = Limits()) {
    self.limits = limits
    shelves = (0..<Self.shelfCount).map { _ in Shelf(Shard(cache: PlacementCache(capacity: limits.placements / Self.shelfCount)))
    }
  }

  /// How far the logs have been followed.
  package var vector: VersionVector { followed.withLock { $0.vector } }

  /// Whether all that a caller has seen has been followed. Never of a place where a branch was cut: the log has two entries there, and what was
  /// seen may be the one that does not count.
  package func shows(_ seen: VersionVector) -> Bool {
    followed.withLock { followed in followed.vector.dominates(seen) && !followed.cuts.contains { seen.includes($0) } }
  }

  /// The first entries of branches that do not count, as far as they are known here.
  package var cuts: Set<LogPosition> { followed.withLock { $0.cuts } }

  func note(cuts: Set<LogPosition>) { followed.withLock { $0.cuts = cuts } }

  package var counts: Counts {
    shelves.reduce(into: Counts()) { sum, shelf in
      shelf.shard.withLock {
        sum.hits += $0.counts.hits
        sum.absent += $0.counts.absent
        sum.misses += $0.counts.misses
      }
    }
  }

  package func answer(for tag: SubjectTag) -> Answer {
    let found: Answer = shelf(of: tag).shard.withLock { shard in
      if let placement = shard.cache.placement(of: tag) {
        shard.counts.hits += 1
        return .placement(placement)
      }
      return .unknown(shard.cache.ticket(for: tag))
    }
    guard case .unknown = found else { return found }
    let isAbsent = followed.withLock { followed in followed.filter.map { !$0.mayContain(tag) } ?? false }
    shelf(of: tag).shard.withLock { shard in
      if isAbsent { shard.counts.absent += 1 } else { shard.counts.misses += 1 }
    }
    return isAbsent ? .absent : found
  }

  package func fill(_ placement: Placement, _ ticket: PlacementCache.Ticket) {
    shelf(of: placement.tag).shard.withLock { $0.cache.fill(placement, ticket) }
  }

  /// Entries of one log have been committed: `tags` are those of all entries from `first` to `last`.
  package func followed(_ log: LogID, from first: UInt64, to last: UInt64, tags: some Sequence<SubjectTag>) {
    let tags = Array(tags)
    followed.withLock { followed in
      for tag in tags { followed.filter?.add(tag) }
      if followed.filter == nil { followed.meanwhile += tags }
    }
    for tag in tags { shelf(of: tag).shard.withLock { $0.cache.drop(tag) } }
    followed.withLock { followed in
      if first <= followed.vector[log] + 1 { followed.vector.advance(to: LogPosition(log: log, seq: last)) }
    }
  }

  /// Something changed otherwise than by a log, or entries went before they were followed: all is forgotten.
  /// - Parameter vector: what the region held before it is read anew.
  package func reset(to vector: VersionVector, unloggedChanges: Int64) {
    followed.withLock {
      $0.filter = nil
      $0.meanwhile = []
      $0.vector = vector
      $0.unloggedChanges = unloggedChanges
    }
    for shelf in shelves { shelf.shard.withLock { $0.cache.dropAll() } }
  }

  var unloggedChanges: Int64 { followed.withLock { $0.unloggedChanges } }

  /// All tags that the region held at or after ``reset(to:unloggedChanges:)``.
  func filterIsRead(_ filter: TagFilter) {
    followed.withLock { followed in
      var filter = filter
      for tag in followed.meanwhile { filter.add(tag) }
      followed.filter = filter
      followed.meanwhile = []
    }
  }

  private func shelf(of tag: SubjectTag) -> Shelf { shelves[Int(tag.words.high >> 60)] }
}
