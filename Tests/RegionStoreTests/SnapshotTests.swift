import Directory
import Residency
import Testing

@testable import RegionStore

/// What is done where a log does not reach back far enough, or where two copies of one are not the same.
@Suite(.serialized)
struct SnapshotTests {
  /// Takes all that `source` has, by pages of `tagsMax` subjects.
  private func load(_ source: TestStore, into target: TestStore, tagsMax: Int = 3) async throws -> VersionVector? {
    var request = SnapshotRequest(after: nil, tagsMax: tagsMax)
    var basis: SnapshotBasis?
    while true {
      let page = try #require(try await source.store.snapshotPage(request))
      #expect(page.answers(request))
      let first = basis ?? page.basis
      basis = first
      guard try await target.store.store(page, basis: first, from: source.region.ordinal) else { return nil }
      guard let last = page.through else { return try await target.store.adopt(first, from: source.region.ordinal) }
      request = SnapshotRequest(after: last, tagsMax: tagsMax)
    }
  }

  private func pull(_ source: TestStore, _ log: LogID, into target: TestStore) async throws -> BatchOutcome? {
    let held = try await target.store.appliedHeads()[log]?.seq ?? 0
    guard case .batch(let batch) = try await source.store.logBatch(of: log, from: held + 1, entriesMax: 100) else { return nil }
    return try await target.store.apply(batch)
  }

  private func expectSame(_ one: TestStore, _ other: TestStore) async throws {
    let (left, right) = (try await one.store.digest(under: []), try await other.store.digest(under: []))
    #expect(left.sums == right.sums)
    #expect(left.standing.heads.filter { $0.value.seq > 0 } == right.standing.heads.filter { $0.value.seq > 0 })
    for test in [one, other] { try await expectDigestHolds(test) }
  }

  /// The digest that was kept along is that of the rows.
  private func expectDigestHolds(_ test: TestStore) async throws {
    let kept = try await test.store.digest(under: []).sums
    try await test.store.countDirectory(under: [1])
    #expect(try await test.store.digest(under: []).sums == kept, "the digest of \(test.region.id)")
  }

  @Test func `a log goes once every member has it, and whoever comes later gets a snapshot`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        let retention = LogRetention(entriesMin: 2)
        let india = try #require(RegionOrdinal(3))
        for number in 0..<10 { try await europe.register(try tag(number)) }
        #expect(try await europe.store.trimLogs(retention, members: [america.region.ordinal, india]) == 0)
        for (peer, seq) in [(america.region.ordinal, 10), (india, 7)] as [(RegionOrdinal, UInt64)] {
          try await europe.store.acknowledge([LogPosition(log: europe.log, seq: seq)], by: peer)
        }
        #expect(try await europe.store.trimLogs(retention, members: [america.region.ordinal, india]) == 7)
        #expect(try await europe.value("SELECT count(*) FROM directory_log") == 3)
        #expect(try await europe.store.logBatch(of: europe.log, from: 7, entriesMax: 10) == .trimmed)
        guard case .batch(let rest) = try await europe.store.logBatch(of: europe.log, from: 8, entriesMax: 10) else {
          Issue.record("what is still held must be given")
          return
        }
        #expect(rest.first == 8 && rest.entries.count == 3)
        #expect(try await europe.store.logBatch(of: europe.log, from: 11, entriesMax: 10) == .nothing)

        try await america.register(try tag(100))
        let vector = try await load(europe, into: america)
        #expect(vector?[europe.log] == 10)
        for number in 0..<10 { #expect(try await america.store.placement(of: try tag(number)) != nil) }
        #expect(try await america.store.placement(of: try tag(100)) != nil, "what the other did not know stays")
        // And it goes on from there.
        try await europe.register(try tag(10))
        #expect(try await pull(europe, europe.log, into: america) == .applied(LogPosition(log: europe.log, seq: 11)))
        _ = try await pull(america, america.log, into: europe)
        try await expectSame(europe, america)
      }
    }
  }

  @Test func `while a snapshot comes in, what it covers is not applied from the logs, and another one is refused`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        for number in 0..<6 { try await europe.register(try tag(number)) }
        let page = try #require(try await europe.store.snapshotPage(SnapshotRequest(after: nil, tagsMax: 2)))
        #expect(try await america.store.store(page, basis: page.basis, from: europe.region.ordinal))
        #expect(try await pull(europe, europe.log, into: america) == .heldBack)
        let india = try #require(RegionOrdinal(3))
        #expect(try await america.store.store(page, basis: page.basis, from: india) == false)
        #expect(try await america.store.adopt(page.basis, from: india) == nil)
        #expect(try await load(europe, into: america)?[europe.log] == 6)
        try await expectSame(europe, america)
      }
    }
  }

  @Test func `a region that was set back takes back what it lost, and writes anew what it wrote since`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        try await TestStore.with("ap-south") { india in
          for number in 0..<4 { try await europe.register(try tag(number)) }
          for peer in [america, india] { _ = try await pull(europe, europe.log, into: peer) }
          // us-east has two entries more than eu-west after it is restored from a backup; it writes two others in their place.
          for number in 4..<6 { try await europe.register(try tag(number)) }
          _ = try await pull(europe, europe.log, into: america)
          try await europe.setBack(to: 4)
          for number in 10..<13 { try await europe.register(try tag(number)) }
          _ = try await pull(europe, europe.log, into: india)

          let theirs = try await america.store.appliedHeads()
          #expect(try await europe.store.forks(with: theirs) == [europe.log])
          let own = try await europe.store.restartHistory(after: .first)
          #expect(own.incarnation == Incarnation(2))
          #expect(try await europe.store.restartHistory(after: .first) == own, "once")
          var search = ForkSearch(log: europe.log, start: 0, end: 6)
          while case .probe(let places) = search.progress {
            search.compare(
              own: try await europe.store.chains(of: europe.log, at: places).chains,
              theirs: try await america.store.chains(of: europe.log, at: places).chains)
          }
          #expect(search.progress == .found(4))
          let (end, head) = try await europe.store.cutBack(keeping: LogPosition(log: europe.log, seq: 4))
          #expect(end.seq == 4 && head == LogPosition(log: own, seq: 3))
          #expect(try await pull(america, europe.log, into: europe) == .applied(LogPosition(log: europe.log, seq: 6)))
          #expect(
            try await europe.store.cutBack(keeping: LogPosition(log: europe.log, seq: 2)).end.seq == 6,
            "a log is cut once: what contradicts it then is what was cut off")
          _ = try await pull(europe, own, into: america)
          try await expectSame(europe, america)
          for number in [4, 5, 10, 11, 12] {
            #expect(try await america.store.placement(of: try tag(number))?.primary.home == europe.region.ordinal)
          }

          // ap-south has the branch that does not count: it hears of it, and takes a snapshot.
          let cuts = try await europe.store.directoryStanding().cuts
          #expect(cuts.map(\.first) == [LogPosition(log: europe.log, seq: 5)])
          try await india.store.note(cuts)
          #expect(try await india.store.directoryStanding().misled == [europe.log])
          #expect(try await india.store.snapshotPage(SnapshotRequest(after: nil, tagsMax: 10)) == nil)
          #expect(try await load(europe, into: india)?[europe.log] == 6)
          #expect(try await india.store.directoryStanding().misled == [])
          _ = try await pull(europe, own, into: india)
          try await expectSame(europe, india)
        }
      }
    }
  }

  @Test func `a branch that does not count is not taken in again`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        for number in 0..<3 { try await europe.register(try tag(number)) }
        guard case .batch(let batch) = try await europe.store.logBatch(of: europe.log, from: 1, entriesMax: 10) else {
          Issue.record("there is a log")
          return
        }
        let second = try #require(try await europe.store.chains(of: europe.log, at: [2]).chains[2])
        try await america.store.note([LogCut(first: LogPosition(log: europe.log, seq: 2), chain: second)])
        #expect(try await america.store.apply(batch) == .applied(LogPosition(log: europe.log, seq: 1)))
        let again = try await america.store.apply(batch)
        #expect(again == .cutOff(at: LogPosition(log: europe.log, seq: 2)))
      }
    }
  }
}
