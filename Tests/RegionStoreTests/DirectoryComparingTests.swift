import Directory
import Residency
import Testing

@testable import RegionStore

/// Two copies of the directory are compared, and what one lacks is found and taken from the other.
@Suite(.serialized)
struct DirectoryComparingTests {
  private func differences(
    _ one: TestStore, _ other: TestStore
  ) async throws -> (walk: DigestWalk, differences: [DirectoryDifference]) {
    var walk = DigestWalk(budget: 100)
    var found: [DirectoryDifference] = []
    while true {
      switch walk.next {
      case .compare(let prefix):
        walk.compared(
          prefix, ours: try await one.store.digest(under: prefix).sums, theirs: try await other.store.digest(under: prefix).sums)
      case .lookAt(let prefix):
        let ours = try #require(try await one.store.facts(under: prefix))
        let theirs = try #require(try await other.store.facts(under: prefix))
        found += DirectoryDifference.all(
          ours: ours.placements, theirs: theirs.placements, here: ours.standing.basis, there: theirs.standing.basis)
        walk.lookedAt(prefix)
      case .done:
        return (walk, found)
      }
    }
  }

  private func pull(_ source: TestStore, into target: TestStore) async throws {
    let held = try await target.store.appliedHeads()[source.log]?.seq ?? 0
    guard case .batch(let batch) = try await source.store.logBatch(of: source.log, from: held + 1, entriesMax: 4_096) else {
      return
    }
    _ = try await target.store.apply(batch)
  }

  @Test func `a row that was lost is noticed, named and taken from another region; what is under way is no fault`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        for number in 0..<300 { try await europe.register(try tag(number)) }
        try await pull(europe, into: america)
        #expect(try await differences(america, europe).walk.isEqual)

        try await europe.register(try tag(300))
        let late = try await differences(america, europe)
        #expect(!late.walk.isEqual)
        #expect(late.differences.map(\.verdict) == [.underWay])
        try await pull(europe, into: america)

        let lost = try tag(7)
        try await america.sql("DELETE FROM placement WHERE tag = '\(lost)'::uuid")
        #expect(try await differences(america, europe).walk.isEqual, "the digest still counts it")
        #expect(try await america.store.recount(bucket: lost.bytes[0]))
        #expect(try await america.store.recount(bucket: lost.bytes[0]) == false)
        let found = try await differences(america, europe).differences
        #expect(found.map(\.tag) == [lost])
        #expect(found.map(\.verdict) == [.missingHere])
        #expect(try await differences(europe, america).differences.map(\.verdict) == [.missingThere])

        let theirs = try await europe.store.facts(of: [lost])
        let (learning, own) = try await america.store.learn(
          theirs.placements, theirs: theirs.standing.basis, timestamp: HybridTimestamp(milliseconds: 1))
        #expect(learning.repairs == 1 && own == nil)
        #expect(try await america.store.placement(of: lost) == europe.store.placement(of: lost))
        #expect(try await differences(america, europe).walk.isEqual)
      }
    }
  }

  @Test func `what a region wrote and lost is written anew when it is found elsewhere`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        for number in 0..<3 { try await europe.register(try tag(number)) }
        try await pull(europe, into: america)
        // us-east has learnt of an entry by a look-up, before its log brought it; then eu-west loses that entry.
        try await europe.register(try tag(3))
        let seen = try await europe.store.facts(of: [try tag(3)])
        _ = try await america.store.learn(
          seen.placements, theirs: seen.standing.basis, timestamp: HybridTimestamp(milliseconds: 1))
        try await europe.setBack(to: 3)
        let own = try await europe.store.restartHistory(after: .first)
        let relic = try await america.store.facts(of: [try tag(3)])
        let (learning, head) = try await europe.store.learn(
          relic.placements, theirs: relic.standing.basis, timestamp: HybridTimestamp(milliseconds: 2))
        #expect(learning.recovered.count == 1)
        #expect(head == LogPosition(log: own, seq: 1))
        guard case .batch(let batch) = try await europe.store.logBatch(of: own, from: 1, entriesMax: 10) else {
          Issue.record("it is in the log")
          return
        }
        _ = try await america.store.apply(batch)
        #expect(try await differences(america, europe).walk.isEqual)
        #expect(try await america.store.placement(of: try tag(3))?.isContested == false)
      }
    }
  }

  @Test func `a tombstone goes once every member has said that it holds it, and is long past`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        let subject = try tag(1)
        try await europe.register(subject)
        try await pull(europe, into: america)
        try await europe.erase(subject)
        let rule = FloorRule(keptFor: .seconds(10))
        let members: Set = [america.region.ordinal]
        #expect(try await europe.store.tendTombstones(rule, members: members, now: 1_000_000) == nil)
        #expect(try await europe.store.tendTombstones(rule, members: members, now: 1_020_000) == nil, "us-east has not seen it")
        try await pull(europe, into: america)
        let held = try await america.store.directoryStanding().vector.positions
        try await europe.store.acknowledge(held, by: america.region.ordinal, isWhole: true)
        #expect(try await europe.store.tendTombstones(rule, members: members, now: 1_005_000) == nil, "it is not old enough")
        #expect(try await europe.store.placement(of: subject)?.primary.state == .erased)
        let floor = try await europe.store.tendTombstones(rule, members: members, now: 1_020_000)
        #expect(floor == LogPosition(log: europe.log, seq: 3))
        #expect(try await europe.store.placement(of: subject) == nil)
        #expect(try await america.store.placement(of: subject)?.primary.state == .erased)
        try await pull(europe, into: america)
        #expect(try await america.store.placement(of: subject) == nil)
        #expect(
          try await europe.store.tendTombstones(rule, members: members, now: 9_000_000) == nil, "there is nothing more to forget")
        #expect(try await differences(america, europe).walk.isEqual)
        #expect(try await europe.store.recount(bucket: subject.bytes[0]) == false)
      }
    }
  }
}

extension TestStore {
  /// What an erasure leaves in the directory. Nothing of the account goes: that is another workflow's.
  fileprivate func erase(_ tag: SubjectTag) async throws {
    try await store.directoryTransaction { transaction, state, _ in
      let current = try await transaction.sets(of: [tag])
      let entry = try PlacementWriter(region: region.ordinal).erase(
        current[tag], timestamp: HybridTimestamp(milliseconds: 5))
      var own = OwnLog(state.own, head: state.head, digest: DirectoryTransaction.digest)
      let record = own.append(.placement(entry))
      _ = try await transaction.run(
        RegionStore.append([record], head: own.head)
          + PlacementRow.write(PlacementChange.changes(for: [record], current: current), hash: transaction.hash))
      return (true, ())
    }
  }
}
