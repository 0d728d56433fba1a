import Cryptography
import Residency
import Testing

@testable import RegionStore

/// On a real PostgreSQL cluster.
@Suite(.serialized)
struct CommitterTests {
  @Test func `concurrent operations get dense indexes, and each receipt is its own leaf's`() async throws {
    try await TestStore.with { test in
      for number in 0..<20 { try await test.register(try tag(number)) }
      let receipts = try await withThrowingTaskGroup(of: (String, LeafReceipt).self) { group in
        for number in 0..<400 {
          group.addTask {
            let committed = try await test.put("v", at: test.address(try tag(number % 20), "k\(number)"))
            return ("put k\(number) 1", try #require(committed.receipts.first))
          }
        }
        var all: [(String, LeafReceipt)] = []
        for try await item in group { all.append(item) }
        return all
      }
      let leaves = try await test.store.leaves(from: 0, count: 1_000)
      let hashes = try await test.store.leafHashes(from: 0, count: 1_000)
      #expect(leaves.map(\.index) == Array(0..<420))
      for (text, receipt) in receipts {
        let stored = leaves[Int(receipt.index)]
        #expect(String(decoding: stored.row, as: UTF8.self) == text)
        #expect(stored.hash == receipt.hash && hashes[Int(receipt.index)] == receipt.hash)
      }
      #expect(try await test.store.auditSize() == 420)
    }
  }

  @Test func `leaves that were committed together are read from any of them on`() async throws {
    try await TestStore.with { test in
      // Of one batch, more than a row holds; and rows of one leaf on both sides, as earlier versions have them.
      let texts = (0..<40).map { "leaf \($0) " + String(repeating: "x", count: $0 * 20) }
      for text in texts.prefix(3) { _ = try await test.store.commit(Self.recording([text])) }
      _ = try await test.store.commit(Self.recording(Array(texts[3..<37])))
      for text in texts.suffix(3) { _ = try await test.store.commit(Self.recording([text])) }
      let rows = try await test.value("SELECT count(*) FROM audit_leaf")
      #expect((8..<20).contains(rows), "\(rows) rows")
      for first in 0...40 {
        for count in [1, 2, 7, 40] {
          let expected = Array(texts[first..<min(40, first + count)])
          let leaves = try await test.store.leaves(from: UInt64(first), count: count)
          try #require(leaves.map { String(decoding: $0.row, as: UTF8.self) } == expected)
          try #require(leaves.map(\.index) == (first..<first + expected.count).map(UInt64.init))
          let hashes = try await test.store.leafHashes(from: UInt64(first), count: count)
          try #require(hashes == expected.map { SHA256.hash([0] + Array($0.utf8)) })
        }
      }
      #expect(try await test.store.leaves(from: .max, count: .max).isEmpty)
      #expect(try await test.store.leafHashes(from: .max, count: .max).isEmpty)
      // Hashes that somebody added to a row make no leaves in the next one's place.
      let longer =
        "UPDATE audit_leaf SET leaf_hash = leaf_hash || repeat('x', 3200)::bytea WHERE index = (SELECT min(index) FROM audit_leaf WHERE index > 2)"
      let whole = try await test.store.leaves(from: 0, count: 40)
      try await test.sql("BEGIN; CREATE TABLE kept AS SELECT * FROM audit_leaf; \(longer); COMMIT")
      let changed = try await test.store.leaves(from: 0, count: 40)
      #expect(changed.map(\.index) == Array(0..<40))
      let others = try await test.value("SELECT index FROM audit_leaf WHERE index > 3 ORDER BY index LIMIT 1")
      #expect(changed.suffix(40 - Int(others)).map(\.row) == whole.suffix(40 - Int(others)).map(\.row))
      try await test.sql("UPDATE audit_leaf SET leaf_hash = kept.leaf_hash FROM kept WHERE audit_leaf.index = kept.index")
      // A row that is gone takes its leaves, and no others; the hashes are then no log's.
      let start = UInt64(try await test.value("SELECT max(index) FROM audit_leaf WHERE index < 30"))
      try await test.sql("DELETE FROM audit_leaf WHERE index = \(start)")
      let left = try await test.store.leaves(from: 0, count: 40).map(\.index)
      #expect(left.count < 39 && !left.contains(start) && left.contains(start - 1) && left.contains(37), "\(left)")
      await #expect(throws: StoreError.self) { try await test.store.leafHashes(from: 0, count: 40) }
      await #expect(throws: StoreError.self) { try await test.store.leafHashes(from: start, count: 40 - Int(start)) }
    }
  }

  private static func recording(_ texts: [String]) -> Operation<Void> {
    Operation(needs: FactsNeeded(subjects: []), now: now) { _, effects in
      for text in texts { effects.record(leaf(text)) }
    }
  }

  @Test func `an operation that throws leaves nothing behind, and its batch goes on`() async throws {
    struct Refused: Error {}
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let address = test.address(subject)
      await withTaskGroup(of: Bool.self) { group in
        for number in 0..<60 {
          group.addTask {
            do {
              let needs = FactsNeeded(subjects: [subject], records: [address], mayWrite: true)
              _ = try await test.store.commit(
                Operation(needs: needs, now: now) { facts, effects in
                  let version = (facts.records[address]?.version ?? 0) + 1
                  effects.put(address, version: version, value: [])
                  effects.record(leaf("write \(number)"))
                  if number.isMultiple(of: 3) { throw Refused() }
                })
              return true
            } catch {
              return !(error is Refused)
            }
          }
        }
        for await _ in group {}
      }
      #expect(try await test.get(address)?.version == 40)
      #expect(try await test.store.auditSize() == 1 + 40 + 1)
    }
  }

  @Test func `two coordinators lose no update of one record`() async throws {
    try await TestStore.with { first in
      try await TestStore.with(sharing: first) { second in
        let subject = try tag(1)
        try await first.register(subject)
        let address = first.address(subject)
        let acknowledged = try await withThrowingTaskGroup(of: UInt64?.self) { group in
          for number in 0..<200 {
            let test = number.isMultiple(of: 2) ? first : second
            group.addTask { try await test.put("\(number)", at: address).outcome }
          }
          var versions: [UInt64] = []
          for try await version in group { versions.append(try #require(version)) }
          return versions
        }
        #expect(acknowledged.sorted() == Array(1...200))
        #expect(try await first.get(address)?.version == 200)
        #expect(
          try await first.value("SELECT sum(octet_length(leaf_hash) / 32) FROM audit_leaf")
            == Int64(try await first.store.auditSize()))
      }
    }
  }

  @Test func `of writers that expect the same version one succeeds`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let address = test.address(subject)
      let outcomes = try await withThrowingTaskGroup(of: UInt64?.self) { group in
        for number in 0..<50 { group.addTask { try await test.put("\(number)", at: address, expected: 0).outcome } }
        var all: [UInt64?] = []
        for try await outcome in group { all.append(outcome) }
        return all
      }
      #expect(outcomes.compactMap(\.self) == [1])
    }
  }

  @Test func `two coordinators that register one subject at once: one does, and the log has no gap`() async throws {
    try await TestStore.with { first in
      try await TestStore.with(sharing: first) { second in
        let won = try await withThrowingTaskGroup(of: Bool.self) { group in
          for number in 0..<60 {
            let test = number.isMultiple(of: 2) ? first : second
            group.addTask { try await test.register(try tag(number / 2)).outcome == nil }
          }
          return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(won == 30)
        #expect(try await first.value("SELECT count(*) FROM placement") == 30)
        #expect(try await first.value("SELECT count(*) FROM directory_log") == 30)
        #expect(try await first.value("SELECT max(seq) FROM directory_log") == 30)
        #expect(try await first.value("SELECT directory_seq FROM head") == 30)
      }
    }
  }

  @Test func `a leaf that cannot be written takes its operation with it`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let address = test.address(subject)
      try await test.put("before", at: address)
      try await test.sql(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON audit_leaf FOR EACH ROW EXECUTE FUNCTION refuse();
        """)
      await #expect(throws: StoreError.self) { try await test.put("after", at: address) }
      await #expect(throws: StoreError.self) { try await test.get(address) }
      try await test.sql("DROP TRIGGER refuse ON audit_leaf")
      let record = try #require(try await test.get(address))
      #expect(record.version == 1)
      #expect(record.value == Array("before".utf8))
    }
  }

  @Test func `one operation that PostgreSQL refuses does not fail the others of its batch`() async throws {
    try await TestStore.with { test in
      for number in 0..<8 { try await test.register(try tag(number)) }
      try await test.sql("ALTER TABLE record ADD CONSTRAINT no_bad_key CHECK (key <> 'bad')")
      let results = await withTaskGroup(of: (Int, Bool).self) { group in
        for number in 0..<40 {
          group.addTask {
            do {
              try await test.put("v", at: test.address(try tag(number % 8), number == 17 ? "bad" : "k\(number)"))
              return (number, true)
            } catch {
              return (number, false)
            }
          }
        }
        return await group.reduce(into: [Int: Bool]()) { $0[$1.0] = $1.1 }
      }
      #expect(results.filter { !$0.value }.map(\.key) == [17])
      #expect(try await test.value("SELECT count(*) FROM record") == 39)
    }
  }

  @Test func `more operations than may wait are refused, and nothing of them happens`() async throws {
    var limits = GroupCommitter.Limits()
    limits.waitingMax = 4
    limits.lanes = 1
    limits.batchMax = 1
    try await TestStore.with(limits: limits) { test in
      let subject = try tag(1)
      try await test.register(subject)
      let results = await withTaskGroup(of: Result<UInt64?, any Error>.self) { group in
        for number in 0..<200 {
          group.addTask {
            do { return .success(try await test.put("v", at: test.address(subject, "k\(number)")).outcome) } catch {
              return .failure(error)
            }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let refused = results.filter { if case .failure(let error) = $0 { (error as? StoreError) == .overloaded } else { false } }
      let done = results.filter { if case .success = $0 { true } else { false } }
      #expect(!refused.isEmpty)
      #expect(refused.count + done.count == 200)
      #expect(try await test.value("SELECT count(*) FROM record") == Int64(done.count))
    }
  }

  @Test func `an operation whose deadline has passed is not begun`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      let late = Operation(needs: FactsNeeded(subjects: [subject]), now: now, deadline: .now - .seconds(1)) { _, effects in
        effects.record(leaf("late"))
      }
      await #expect(throws: StoreError.deadlineExceeded) { try await test.store.commit(late) }
      #expect(try await test.store.auditSize() == 0)
    }
  }

  @Test func `a request id is answered once, whichever coordinator gets its repeats`() async throws {
    try await TestStore.with { first in
      try await TestStore.with(sharing: first) { second in
        let subject = try tag(1)
        try await first.register(subject)
        let address = first.address(subject)
        let key = SHA256.hash([7])
        let receipts = try await withThrowingTaskGroup(of: LeafReceipt.self) { group in
          for number in 0..<40 {
            let test = number.isMultiple(of: 2) ? first : second
            group.addTask { try await test.putOnce("v", at: address, key: key) }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(receipts).count == 1)
        #expect(try await first.get(address)?.version == 1)
      }
    }
  }

  @Test func `a caller that gives up does not hold the others`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let given = Task { try await test.put("v", at: test.address(subject)) }
      given.cancel()
      _ = try? await given.value
      let address = test.address(subject, "other")
      try await test.put("v", at: address)
      #expect(try await test.get(address)?.version == 1)
    }
  }

  @Test func `a stopped store finishes what waits and takes no more`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let writes = (0..<50).map { number in Task { try await test.put("v", at: test.address(subject, "k\(number)")) } }
      await test.store.stop()
      var done: Int64 = 0
      for write in writes {
        do {
          _ = try await write.value
          done += 1
        } catch {
          #expect(error as? StoreError == .stopping)
        }
      }
      #expect(try await test.value("SELECT count(*) FROM record") == done)
    }
  }
}
