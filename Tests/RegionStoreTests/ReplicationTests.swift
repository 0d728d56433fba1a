import Directory
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
