import Cryptography
import Residency
import Testing

@testable import RegionStore

@Suite(.serialized)
struct StorageTests {
  @Test func `a batch may be about more subjects than there are keys in memory`() async throws {
    var limits = GroupCommitter.Limits()
    limits.keysCachedMax = 2
    try await TestStore.with(limits: limits) { test in
      let tags = try (0..<6).map { try tag($0 + 900) }
      for tag in tags {
        try await test.register(tag)
        try await test.put("of \(tag)", at: test.address(tag))
      }
      let addresses = tags.map { test.address($0) }
      // The first is still in memory when the others are asked for, and makes room for them.
      for round in 1...2 {
        let needs = FactsNeeded(subjects: tags, records: addresses, mayWrite: true)
        let found = try await test.store.commit(
          Operation(needs: needs, now: now) { facts, effects in
            for address in addresses { effects.put(address, version: UInt64(round + 1), value: Array("again".utf8)) }
            effects.record(leaf("round \(round)"))
            return addresses.map { facts.records[$0]?.value.map { String(decoding: $0, as: UTF8.self) } }
          }
        ).outcome
        #expect(found == (round == 1 ? tags.map { "of \($0)" } : tags.map { _ in "again" }))
      }
    }
  }

  @Test func `nothing of a record can be read in the database`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      try await test.put(#"{"name":"MARKER-7731"}"#, at: test.address(subject))
      let found = "SELECT count(*) FROM record WHERE position('MARKER-7731'::bytea in sealed) > 0"
      #expect(try await test.value(found) == 0)
      #expect(try await test.get(test.address(subject))?.value == Array(#"{"name":"MARKER-7731"}"#.utf8))
    }
  }

  @Test func `a row that is passed off as another, or as an older state of itself, does not open`() async throws {
    try await TestStore.with { test in
      let (one, two) = (try tag(1), try tag(2))
      for subject in [one, two] { try await test.register(subject) }
      try await test.put("of one", at: test.address(one, "a"))
      try await test.put("of one", at: test.address(one, "b"))
      try await test.put("of two", at: test.address(two, "a"))
      try await test.sql(
        "UPDATE record r SET sealed = o.sealed FROM record o WHERE r.tag = o.tag AND r.key = 'b' AND o.key = 'a'")
      await #expect(throws: StoreError.corrupt(what: "a subject's data")) { try await test.get(test.address(one, "b")) }
      try await test.sql("UPDATE record SET version = version + 1 WHERE key = 'a' AND tag = '\\x\(one)'")
      await #expect(throws: StoreError.corrupt(what: "a subject's data")) { try await test.get(test.address(one, "a")) }
      #expect(try await test.get(test.address(two, "a"))?.value == Array("of two".utf8))
    }
  }

  @Test func `a subject that cannot be read does not fail the rest of its batch`() async throws {
    try await TestStore.with { test in
      for number in 0..<10 {
        try await test.register(try tag(number))
        try await test.put("v", at: test.address(try tag(number)))
      }
      try await test.sql("UPDATE record SET sealed = '\\x00' WHERE tag = '\\x\(try tag(3))'")
      let failed = await withTaskGroup(of: Int?.self) { group in
        for number in 0..<10 {
          group.addTask {
            do {
              _ = try await test.get(test.address(try tag(number)))
              return nil
            } catch {
              return number
            }
          }
        }
        return await group.reduce(into: [Int]()) { if let number = $1 { $0.append(number) } }
      }
      #expect(failed == [3])
    }
  }

  @Test func `with another key-encryption key nothing opens`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      try await test.put("v", at: test.address(subject))
      let foreign = KeyEncryptionKey(id: "test", key: try SymmetricKey.random())
      try await TestStore.with(sharing: test, kek: foreign) { other in
        await #expect(throws: StoreError.self) { try await other.get(other.address(subject)) }
      }
      #expect(try await test.get(test.address(subject)) != nil)
    }
  }

  @Test func `another region's databases are refused`() async throws {
    try await TestStore.with("eu-west") { test in
      await #expect(throws: StoreError.self) { try await TestStore.with("us-east", sharing: test) { _ in } }
      try await TestStore.with("eu-west", sharing: test) { _ in }
    }
  }

  @Test func `a database that was copied to another cluster is refused`() async throws {
    try await TestStore.with { test in
      try await test.sql("UPDATE region_identity SET system_identifier = system_identifier + 1")
      await #expect(throws: StoreError.self) { try await TestStore.with(sharing: test) { _ in } }
    }
  }

  @Test func `a schema of a newer program is refused, and not touched`() async throws {
    try await TestStore.with { test in
      try await test.sql("INSERT INTO schema_migration (version, name) VALUES (99, 'of the future')")
      let refusal = StoreError.schemaTooNew(found: 99, known: Migration.region.count)
      await #expect(throws: refusal) { try await TestStore.with(sharing: test) { _ in } }
    }
  }

  @Test func `pages follow each other without gap or repeat, and end where they get large`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let large = String(repeating: "x", count: 300_000)
      for number in 0..<30 {
        try await test.put(number < 8 ? large : "small", at: test.address(subject, "k\(number < 10 ? "0" : "")\(number)"))
      }
      var keys: [String] = []
      var pages = 0
      var after = ""
      while true {
        let address = PageAddress(tag: subject, collection: CollectionName("profile"), after: after, limit: 10)
        let page = try await test.store.commit(
          Operation(needs: FactsNeeded(subjects: [subject], pages: [address]), now: now) { facts, effects in
            effects.record(leaf("listed"))
            return facts.pages[address] ?? StoredPage()
          }
        ).outcome
        keys += page.records.map(\.address.key)
        pages += 1
        guard page.hasMore, let last = page.records.last else { break }
        after = last.address.key
      }
      #expect(keys == (0..<30).map { "k\($0 < 10 ? "0" : "")\($0)" })
      // Of 300 kB each, four records fill a page: 8 large ones take two pages, the 22 others three.
      #expect(pages == 5)
    }
  }

  @Test func `a deleted record keeps counting its versions and shows in no page`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let address = test.address(subject)
      try await test.put("v", at: address)
      _ = try await test.store.commit(
        Operation(needs: FactsNeeded(subjects: [subject], mayWrite: true), now: now) { _, effects in
          effects.delete(address, version: 2)
          effects.record(leaf("deleted"))
        })
      #expect(try await test.get(address)?.value == nil)
      #expect(try await test.value("SELECT count(*) FROM record WHERE sealed IS NOT NULL") == 0)
      #expect(try await test.put("again", at: address).outcome == 3)
    }
  }
}
