import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

/// Placements of one tag as regions can come to write them: moves, freezes, erasures, second registrations, histories that were
/// lost and written anew, and resolutions of whatever was seen.
private func randomFacts(_ random: inout SeededRandom) throws -> [Placement] {
  var facts: [Placement] = []
  var incarnations: [Int: UInt32] = [:]
  var seqs: [LogID: UInt64] = [:]
  func write(_ number: Int, _ entry: DirectoryEntry) throws {
    let id = try log(number, incarnations[number, default: 1])
    seqs[id, default: 0] += 1
    facts.append(entry.placement(at: LogPosition(log: id, seq: seqs[id, default: 1])))
  }
  for _ in 0..<(2 + random.below(10)) {
    let number = 1 + random.below(4)
    if random.chance(10) { incarnations[number, default: 1] += 1 }
    let writer = PlacementWriter(region: try region(number))
    // Each region decides on what it happens to have seen: any part of what exists.
    let seen = facts.filter { _ in random.chance(70) }
    let current = seen.first.map { seen.dropFirst().reduce(PlacementSet($0)) { merge($0, $1) } }
    do {
      let entry: DirectoryEntry
      switch random.below(5) {
      case 0: entry = try writer.move(current, to: region(1 + random.below(4)), timestamp: noon)
      case 1: entry = try writer.freeze(current, timestamp: noon)
      case 2 where random.chance(30): entry = try writer.erase(current, timestamp: noon)
      case 3:
        let births = current?.placements.map(\.birth) ?? []
        entry = try writer.resolve(current, keep: births.last ?? at(1, 1), timestamp: noon)
      default: entry = try writer.register(tag(1), current: current, timestamp: noon)
      }
      try write(number, entry)
    } catch is PlacementRefusal { continue }
  }
  return facts
}

/// Any field may be anything: what a faulty region could send.
private func arbitraryFacts(_ random: inout SeededRandom) throws -> [Placement] {
  try (0..<(1 + random.below(6))).map { _ in
    let birth = try at(1 + random.below(2), UInt64(1 + random.below(2)))
    var covers = Coverage.none
    if random.chance(40) {
      let other = try at(1 + random.below(3), UInt64(1 + random.below(2)))
      if other != birth {
        covers.join(Coverage([other: .init(epoch: Epoch(UInt64(1 + random.below(3))), isErased: random.chance(30))]))
      }
    }
    return try placement(
      birth: birth, epoch: UInt64(1 + random.below(3)), home: 1 + random.below(3), state: random.pick(PlacementState.allCases),
      position: at(1 + random.below(3), UInt64(1 + random.below(5)), incarnation: UInt32(1 + random.below(2))), covers: covers)
  }
}

private func fold(_ facts: [Placement]) -> PlacementSet? {
  facts.first.map { first in facts.dropFirst().reduce(PlacementSet(first)) { merge($0, $1) } }
}

@Suite struct MergeTests {
  @Test func `merging is idempotent, commutative and associative over real and arbitrary histories`() throws {
    var contested = 0
    var resolved = 0
    for seed in UInt64(0)..<1_500 {
      var random = SeededRandom(seed: seed)
      let facts = try seed.isMultiple(of: 2) ? randomFacts(&random) : arbitraryFacts(&random)
      guard let whole = fold(facts) else { continue }
      contested += whole.isContested ? 1 : 0
      resolved += facts.contains { !$0.covers.isEmpty } ? 1 : 0
      let again = facts.shuffled(using: &random) + facts.filter { _ in random.chance(50) }
      #expect(fold(again) == whole, "seed \(seed): order or repetition matters")
      #expect(whole.merged(with: whole) == whole, "seed \(seed)")

      let first = facts.filter { _ in random.chance(60) }
      let second = facts.filter { _ in random.chance(60) }
      let third = facts.filter { _ in random.chance(60) }
      guard let a = fold(first), let b = fold(second), let c = fold(third) else { continue }
      #expect(a.merged(with: b) == b.merged(with: a), "seed \(seed): commutative")
      #expect(a.merged(with: b).merged(with: c) == a.merged(with: b.merged(with: c)), "seed \(seed): associative")
      #expect(fold(first + second) == a.merged(with: b), "seed \(seed): a set stands for all the facts merged into it")
    }
    #expect(contested > 100 && resolved > 100, "the histories must reach what they are about: \(contested), \(resolved)")
  }

  @Test func `superseding is a strict partial order over whatever placements there are`() throws {
    for seed in UInt64(0)..<500 {
      var random = SeededRandom(seed: seed)
      let facts = try arbitraryFacts(&random)
      for a in facts {
        #expect(!a.supersedes(a), "seed \(seed)")
        for b in facts where a.supersedes(b) {
          #expect(!b.supersedes(a), "seed \(seed)")
          for c in facts where b.supersedes(c) { #expect(a.supersedes(c), "seed \(seed)") }
        }
      }
    }
  }

  @Test func `of one birth the higher epoch wins, whoever wrote it and in whatever order they arrive`() throws {
    let birth = try at(1, 7)
    let first = try placement(birth: birth, home: 1)
    let moved = try placement(birth: birth, epoch: 2, home: 2, position: at(1, 9))
    let back = try placement(birth: birth, epoch: 3, home: 1, position: at(2, 1))
    #expect(merge(merge(.init(back), first), moved) == .settled(back))
    #expect(first.compared(to: moved) == .older)
    #expect(back.compared(to: first) == .newer)
  }

  @Test func `a tag registered twice is contested, with both registrations kept`() throws {
    let american = try placement(birth: at(1, 1), epoch: 9, home: 1, position: at(1, 40))
    let european = try placement(birth: at(2, 1), home: 2)
    #expect(american.compared(to: european) == .contested(.registeredTwice))
    #expect(merge(.init(european), american) == .contested([american, european]))
  }

  @Test func `one epoch written twice is contested: a history was lost`() throws {
    let birth = try at(1, 1)
    let before = try placement(birth: birth, epoch: 2, home: 2, position: at(1, 5))
    let after = try placement(birth: birth, epoch: 2, home: 3, position: at(1, 1, incarnation: 2))
    #expect(before.compared(to: after) == .contested(.historyLost))
    #expect(merge(.init(before), after).isContested)
    let erased = try placement(birth: birth, epoch: 2, home: 1, state: .erased, position: at(1, 5))
    #expect(merge(.init(after), erased).isContested, "an erasure in the same epoch too")
  }

  @Test func `no later epoch wins over an erasure that its writer did not know of`() throws {
    let birth = try at(1, 1)
    let erased = try placement(birth: birth, epoch: 2, home: 1, state: .erased, position: at(1, 5))
    let revived = try placement(birth: birth, epoch: 8, home: 2, position: at(1, 1, incarnation: 2))
    #expect(merge(.init(erased), revived) == merge(.init(revived), erased))
    #expect(merge(.init(erased), revived).placements.contains(erased))
  }

  @Test func `a resolution wins over all siblings it saw, and contests what it did not see`() throws {
    let american = try placement(birth: at(1, 1), home: 1)
    let european = try placement(birth: at(2, 1), home: 2)
    let contest = merge(.init(american), european)
    let entry = try PlacementWriter(region: region(2)).resolve(contest, keep: european.birth, timestamp: noon)
    let resolution = entry.placement(at: try at(2, 2))
    #expect(contest.merged(with: .init(resolution)) == .settled(resolution))
    #expect(resolution.birth == european.birth && resolution.epoch == Epoch(2))

    let unseen = try placement(birth: american.birth, epoch: 2, home: 3, position: at(1, 2))
    #expect(merge(.settled(resolution), unseen) == .contested([unseen, resolution]))

    // What the kept home writes later still wins over the sibling, also where the resolution itself has not arrived.
    let later = try PlacementWriter(region: region(2)).freeze(.settled(resolution), timestamp: noon).placement(at: at(2, 3))
    #expect(merge(.init(american), later) == .settled(later))
  }

  @Test func `rows give back the set they were made from`() throws {
    for seed in UInt64(0)..<200 {
      var random = SeededRandom(seed: seed)
      guard let set = fold(try randomFacts(&random)) else { continue }
      #expect(PlacementSet(placement: set.primary, siblings: set.siblings) == set, "seed \(seed)")
    }
  }
}
