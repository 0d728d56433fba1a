import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

@Suite struct PlacementWriterTests {
  private func refusal(_ body: () throws(PlacementRefusal) -> DirectoryEntry) -> PlacementRefusal? {
    do throws(PlacementRefusal) {
      _ = try body()
      return nil
    } catch { return error }
  }

  @Test func `only the home writes about a subject, and every write raises the epoch`() throws {
    let (here, there) = (PlacementWriter(region: try region(1)), PlacementWriter(region: try region(2)))
    let two = try region(2)
    let subject = try tag(1)
    var set = PlacementSet(try here.register(subject, current: nil, timestamp: noon).placement(at: at(1, 1)))
    #expect(refusal { () throws(PlacementRefusal) in try there.erase(set, timestamp: noon) } == .notHome(home: here.region))
    set = PlacementSet(try here.freeze(set, timestamp: noon).placement(at: at(1, 2)))
    set = PlacementSet(try here.move(set, to: two, timestamp: noon).placement(at: at(1, 3)))
    #expect(set.primary.epoch == Epoch(3) && set.primary.home == two && set.primary.state == .active)
    #expect(refusal { () throws(PlacementRefusal) in try here.erase(set, timestamp: noon) } == .notHome(home: two))
    set = PlacementSet(try there.erase(set, timestamp: noon).placement(at: at(2, 1)))
    #expect(refusal { () throws(PlacementRefusal) in try there.thaw(set, timestamp: noon) } == .erased)
    #expect(refusal { () throws(PlacementRefusal) in try here.register(subject, current: set, timestamp: noon) } == .erased)
  }

  @Test func `nothing moves and nothing is erased while a subject is contested`() throws {
    let one = try placement(birth: at(1, 1), home: 1)
    let contest = merge(.init(one), try placement(birth: at(2, 1), home: 2))
    let here = PlacementWriter(region: try region(1))
    let (three, subject) = (try region(3), try tag(1))
    #expect(refusal { () throws(PlacementRefusal) in try here.move(contest, to: three, timestamp: noon) } == .contested)
    #expect(refusal { () throws(PlacementRefusal) in try here.erase(contest, timestamp: noon) } == .contested)
    #expect(refusal { () throws(PlacementRefusal) in try here.freeze(contest, timestamp: noon) } == .contested)
    #expect(
      refusal { () throws(PlacementRefusal) in try here.register(subject, current: contest, timestamp: noon) } == .contested)
  }

  @Test func `a resolution keeps a sibling of this region only, and revives nothing erased`() throws {
    let here = PlacementWriter(region: try region(1))
    let mine = try placement(birth: at(1, 1), epoch: 3, home: 1, position: at(1, 6))
    let theirs = try placement(birth: at(2, 1), home: 2)
    let contest = merge(.init(mine), theirs)
    #expect(
      refusal { () throws(PlacementRefusal) in try here.resolve(contest, keep: theirs.birth, timestamp: noon) } == .notASibling)
    #expect(
      refusal { () throws(PlacementRefusal) in try here.resolve(.init(mine), keep: mine.birth, timestamp: noon) }
        == .notContested)
    let erased = try placement(birth: at(1, 1), epoch: 3, home: 1, state: .erased, position: at(1, 2, incarnation: 2))
    let lost = merge(.init(mine), erased)
    let completed = try here.resolve(lost, keep: mine.birth, timestamp: noon).placement(at: at(1, 3, incarnation: 2))
    #expect(completed.state == .erased)
    #expect(lost.merged(with: .init(completed)) == .settled(completed))
  }

  @Test func `an epoch that cannot be raised is a refusal`() throws {
    let last = try placement(birth: at(1, 1), epoch: UInt64(Int64.max), home: 1, position: at(1, 2))
    let here = PlacementWriter(region: try region(1))
    #expect(refusal { () throws(PlacementRefusal) in try here.freeze(.init(last), timestamp: noon) } == .epochExhausted)
  }

  @Test func `whatever the writer makes, its own log may hold`() throws {
    let here = PlacementWriter(region: try region(1))
    let registered = PlacementSet(try here.register(tag(1), current: nil, timestamp: noon).placement(at: at(1, 1)))
    let contest = registered.merged(with: .init(try placement(birth: at(2, 1), home: 2)))
    let frozen = PlacementSet(try here.freeze(registered, timestamp: noon).placement(at: at(1, 2)))
    for entry in [
      try here.register(tag(1), current: nil, timestamp: noon), try here.freeze(registered, timestamp: noon),
      try here.thaw(frozen, timestamp: noon), try here.move(registered, to: region(2), timestamp: noon),
      try here.erase(registered, timestamp: noon),
      try here.resolve(contest, keep: registered.primary.birth, timestamp: noon),
    ] {
      #expect(try DirectoryEntry(decoding: entry.encoded, origin: here.region) == entry)
    }
  }
}

@Suite struct PlacementLookupTests {
  @Test func `a look-up says local, remote, contested, erased or unknown`() throws {
    let (one, two, three) = (try region(1), try region(2), try region(3))
    let mine = try placement(birth: at(1, 1), home: 1)
    let theirs = try placement(birth: at(2, 1), home: 2)
    #expect(PlacementLookup(nil, at: one) == .unknown)
    #expect(PlacementLookup(.init(mine), at: one) == .local(mine))
    #expect(PlacementLookup(.init(mine), at: two) == .remote(home: one, mine))
    let gone = try placement(birth: at(1, 1), epoch: 2, home: 1, state: .erased, position: at(1, 2))
    #expect(PlacementLookup(.init(gone), at: one) == .erased(gone))
    let contest = merge(.init(mine), theirs)
    #expect(PlacementLookup(contest, at: one) == .contested(local: mine, siblings: [mine, theirs]))
    #expect(PlacementLookup(contest, at: two) == .contested(local: theirs, siblings: [mine, theirs]))
    #expect(PlacementLookup(contest, at: three) == .contested(local: nil, siblings: [mine, theirs]))
  }
}

@Suite struct PlacementChangeTests {
  @Test func `a batch becomes one change a tag, in tag order, with what stays the same left out`() throws {
    let records = try registrations(3, origin: 1)
    let facts = records.compactMap(\.placement)
    let known = PlacementSet(facts[1])
    let contested = PlacementSet(try placement(3, birth: at(2, 1), home: 2))
    let changes = PlacementChange.changes(
      for: records.reversed(), current: [known.tag: known, contested.tag: contested])
    #expect(changes.map(\.tag) == [try tag(1), try tag(3)])
    #expect(changes[0].after == .settled(facts[0]) && !changes[0].changesSiblings)
    #expect(changes[1].siblings == [facts[2], contested.primary] && changes[1].changesSiblings)
    #expect(changes[1].placement == facts[2])
    #expect(PlacementChange.changes(for: [records[1]], current: [known.tag: known]).isEmpty)
  }

  @Test func `a resolution clears the siblings`() throws {
    let contest = merge(.init(try placement(birth: at(1, 1), home: 1)), try placement(birth: at(2, 1), home: 2))
    let id = try log(1)
    var own = OwnLog(id, head: .start(of: id, digest: simulatedDigest), digest: simulatedDigest)
    _ = own.append(.placement(try PlacementWriter(region: id.origin).register(tag(1), current: nil, timestamp: noon)))
    let record = own.append(
      .placement(try PlacementWriter(region: id.origin).resolve(contest, keep: at(1, 1), timestamp: noon)))
    let changes = PlacementChange.changes(for: [record], current: [contest.tag: contest])
    #expect(changes.count == 1 && changes[0].changesSiblings && changes[0].siblings.isEmpty)
    #expect(changes[0].after == .settled(try #require(record.placement)))
  }
}
