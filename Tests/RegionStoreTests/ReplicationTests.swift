import Directory
import Postgres
import Residency
import Testing

@testable import RegionStore

@Suite(.serialized)
struct ReplicationTests {
  private func pull(from source: TestStore, to target: TestStore, from first: UInt64) async throws -> BatchOutcome {
    guard case .batch(let batch) = try await source.store.logBatch(of: source.log, from: first, entriesMax: 100) else {
      Issue.record("there is no batch from \(first) on")
      return .heldBack
    }
    return try await target.store.apply(batch)
  }

  @Test func `what one region registers, another finds once it has applied the log`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        for number in 0..<5 { try await europe.register(try tag(number)) }
        #expect(try await america.store.placement(of: try tag(3)) == nil)
        #expect(try await pull(from: europe, to: america, from: 1) == .applied(LogPosition(log: europe.log, seq: 5)))
        let found = try #require(try await america.store.placement(of: try tag(3)))
        #expect(found == (try await europe.store.placement(of: try tag(3))))
        #expect(PlacementLookup(found, at: america.region.ordinal) == .remote(home: europe.region.ordinal, found.primary))
        let log = LogID(origin: europe.region.ordinal, incarnation: .first)
        #expect(try await america.store.appliedHeads()[log]?.seq == 5)
        // A third region may get it from here: the log is relayed as it was written.
        let relayed = try await america.store.logBatch(of: log, from: 1, entriesMax: 100)
        #expect(relayed == (try await europe.store.logBatch(of: log, from: 1, entriesMax: 100)))
      }
    }
  }

  @Test func `a registration that a peer's log overtakes after it was decided on is decided again`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        let (taken, free) = (try tag(1), try tag(2))
        try await europe.register(taken)
        // Both wait for the directory, in this order. America has read by then that it knows nothing of the subject.
        let holder = try await TestStore.connect(america.dsn)
        try await holder.script("BEGIN; SELECT pg_advisory_xact_lock(110386840764419)")
        func waiting(_ count: Int) async throws {
          try await america.awaitTrue(
            """
            SELECT count(*) = \(count) FROM pg_locks
             WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """)
        }
        async let applied = pull(from: europe, to: america, from: 1)
        try await waiting(1)
        async let late = america.register(taken)
        async let other = america.register(free)
        try await waiting(2)
        try await holder.script("ROLLBACK")
        await holder.close()
        #expect(try await applied == .applied(LogPosition(log: europe.log, seq: 1)))
        #expect(try await late.outcome == .alreadyRegistered(home: europe.region.ordinal))
        #expect(try await other.outcome == nil)
        #expect(try await america.store.placement(of: taken)?.primary.home == europe.region.ordinal)
        #expect(try await america.value("SELECT count(*) FROM subject") == 1)
        #expect(try await america.value("SELECT directory_seq FROM head") == 1)
      }
    }
  }

  @Test func `a batch is applied once, and only after the one before it`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        for number in 0..<6 { try await europe.register(try tag(number)) }
        #expect(try await pull(from: europe, to: america, from: 4) == .gap(expected: LogPosition(log: europe.log, seq: 1)))
        #expect(try await america.value("SELECT count(*) FROM placement") == 0)
        _ = try await pull(from: europe, to: america, from: 1)
        #expect(try await pull(from: europe, to: america, from: 1) == .alreadyApplied(LogPosition(log: europe.log, seq: 6)))
        #expect(try await america.value("SELECT count(*) FROM directory_log") == 6)
      }
    }
  }

  @Test func `a batch that was checked before its turn is applied as any other, or not at all`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        func batch(from first: UInt64, _ count: Int) async throws -> LogBatch {
          guard case .batch(let batch) = try await europe.store.logBatch(of: europe.log, from: first, entriesMax: count) else {
            throw StoreError.unavailable
          }
          return batch
        }
        for number in 0..<8 { try await europe.register(try tag(number)) }
        try await america.register(try tag(4))
        #expect(america.store.prepare(try await batch(from: 1, 2)) == nil, "nothing is known yet to check it against")
        #expect(
          try await america.store.apply(try await batch(from: 1, 1)) == .applied(LogPosition(log: europe.log, seq: 2)),
          "one more where there is no row before it")

        // Its turn has not come.
        let late = try await batch(from: 5, 2)
        #expect(
          try await america.store.apply(late, try #require(america.store.prepare(late)))
            == .gap(expected: LogPosition(log: europe.log, seq: 3)))
        let next = try await batch(from: 3, 2)
        let prepared = try #require(america.store.prepare(next))
        #expect(try await america.store.apply(next, prepared) == .applied(LogPosition(log: europe.log, seq: 4)))
        #expect(try await america.store.apply(next, prepared) == .alreadyApplied(LogPosition(log: europe.log, seq: 4)))
        #expect(try await america.store.placement(of: try tag(3)) == europe.store.placement(of: try tag(3)))
        // Somebody of it is known here.
        #expect(
          try await america.store.apply(late, try #require(america.store.prepare(late)))
            == .applied(LogPosition(log: europe.log, seq: 6)))
        #expect(try await america.store.placement(of: try tag(4))?.isContested == true)
        #expect(try await america.store.placement(of: try tag(5)) == europe.store.placement(of: try tag(5)))
        // A branch that does not count has become known since.
        let last = try await batch(from: 7, 2)
        let foreseen = try #require(america.store.prepare(last))
        let chain = try #require(
          try await europe.store.chains(of: europe.log, at: [7]).chains[7])
        try await america.store.note([LogCut(first: LogPosition(log: europe.log, seq: 7), chain: chain)])
        #expect(try await america.store.apply(last, foreseen) == .cutOff(at: LogPosition(log: europe.log, seq: 7)))

        let kept = try await america.store.digest(under: []).sums
        try await america.store.countDirectory(under: [1])
        #expect(try await america.store.digest(under: []).sums == kept)
      }
    }
  }

  @Test func `a history that was changed is not applied`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        for number in 0..<3 { try await europe.register(try tag(number)) }
        _ = try await pull(from: europe, to: america, from: 1)
        try await europe.register(try tag(3))
        try await europe.sql("UPDATE directory_log SET chain = sha256(chain) WHERE seq = 3")
        let decision = try await pull(from: europe, to: america, from: 4)
        guard case .chainMismatch(let position) = decision else {
          Issue.record("\(decision)")
          return
        }
        #expect(position.seq == 3)
        #expect(try await america.store.placement(of: try tag(3)) == nil)
      }
    }
  }

  @Test func `a region does not take its own log from anybody`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await europe.register(try tag(1))
      #expect(try await pull(from: europe, to: europe, from: 1) == .ownLog(europe.log))
    }
  }

  @Test func `a subject that two regions registered while apart is contested in both, and both accounts stay`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        let subject = try tag(1)
        for test in [europe, america] {
          try await test.register(subject)
          try await test.put("of \(test.region.id)", at: test.address(subject))
        }
        _ = try await pull(from: europe, to: america, from: 1)
        _ = try await pull(from: america, to: europe, from: 1)
        for test in [europe, america] {
          let set = try #require(try await test.store.placement(of: subject))
          #expect(set.isContested)
          #expect(set.siblings.count == 2)
          #expect(try await test.get(test.address(subject))?.value == Array("of \(test.region.id)".utf8))
        }
        #expect(try await europe.store.placement(of: subject) == (try await america.store.placement(of: subject)))
      }
    }
  }

  @Test func `acknowledged positions never go back`() async throws {
    try await TestStore.with("eu-west") { europe in
      let america = try #require(RegionOrdinal(1))
      let log = LogID(origin: europe.region.ordinal, incarnation: .first)
      for seq in [5, 9, 7] as [UInt64] { try await europe.store.acknowledge([LogPosition(log: log, seq: seq)], by: america) }
      #expect(try await europe.value("SELECT max(seq) FROM peer_ack") == 9)
      #expect(try await europe.value("SELECT count(*) FROM peer_ack") == 1)
    }
  }
}
