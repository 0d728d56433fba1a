package import Residency

/// Settled placements that were looked up lately, in a fixed number of slots: sets of eight, in each of which the one that was not used
/// for longest makes room.
///
/// Whoever fills it reads the store first, and an entry may arrive in between: a ``Ticket``, taken before the reading, is worthless once
/// anything of its set was dropped. So nothing that is older than what was dropped ever comes back.
package struct PlacementCache: Sendable {
  /// Taken before the store is read.
  package struct Ticket: Hashable, Sendable {
    let set: Int
    let generation: UInt32
  }

  static let ways = 8

  private var tags: [SubjectTag?]
  private var placements: [Placement?]
  /// When each slot was used last, by the count of its set's uses.
  private var usedAt: [UInt32]
  private var uses: [UInt32]
  private var generations: [UInt32]
  private let setMask: Int

  /// - Parameter capacity: in placements, of about 100 bytes each; rounded up to a power of two, at least 64.
  package init(capacity: Int) {
    var sets = 8
    while sets * Self.ways < capacity { sets *= 2 }
    setMask = sets - 1
    tags = Array(repeating: nil, count: sets * Self.ways)
    placements = Array(repeating: nil, count: sets * Self.ways)
    usedAt = Array(repeating: 0, count: sets * Self.ways)
    uses = Array(repeating: 0, count: sets)
    generations = Array(repeating: 0, count: sets)
  }

  package var capacity: Int { tags.count }

  package mutating func placement(of tag: SubjectTag) -> Placement? {
    let set = set(of: tag)
    guard let slot = slot(of: tag, in: set) else { return nil }
    touch(slot, in: set)
    return placements[slot]
  }

  package func ticket(for tag: SubjectTag) -> Ticket {
    let set = set(of: tag)
    return Ticket(set: set, generation: generations[set])
  }

  /// Keeps what was read after `ticket` was taken.
  package mutating func fill(_ placement: Placement, _ ticket: Ticket) {
    let set = ticket.set
    guard set == self.set(of: placement.tag), generations[set] == ticket.generation else { return }
    let range = set * Self.ways..<(set + 1) * Self.ways
    let slot =
      slot(of: placement.tag, in: set) ?? range.first { tags[$0] == nil }
      ?? range.min { uses[set] &- usedAt[$0] > uses[set] &- usedAt[$1] } ?? range.lowerBound
    tags[slot] = placement.tag
    placements[slot] = placement
    touch(slot, in: set)
  }

  /// The tag's facts have changed, or may have.
  package mutating func drop(_ tag: SubjectTag) {
    let set = set(of: tag)
    generations[set] &+= 1
    guard let slot = slot(of: tag, in: set) else { return }
    tags[slot] = nil
    placements[slot] = nil
  }

  package mutating func dropAll() {
    for set in generations.indices { generations[set] &+= 1 }
    for slot in tags.indices {
      tags[slot] = nil
      placements[slot] = nil
    }
  }

  private func set(of tag: SubjectTag) -> Int { Int(truncatingIfNeeded: tag.words.low) & setMask }

  private func slot(of tag: SubjectTag, in set: Int) -> Int? {
    for slot in set * Self.ways..<(set + 1) * Self.ways where tags[slot] == tag { return slot }
    return nil
  }

  private mutating func touch(_ slot: Int, in set: Int) {
    uses[set] &+= 1
    usedAt[slot] = uses[set]
  }
}
