import Cryptography
import Directory
import FaultLab
import Postgres
import Residency
import Testing

@testable import RegionStore

/// That the schema meets the conditions under which it distributes by `tag`, that `DISTRIBUTING.md` describes it as it is, and that
/// the store works on tables that are partitioned by `tag`.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct DistributionTests {
  @Test func `the note lists the tables and their keys as they are`() async throws {
    let note = try DistributionNote()
    try await TestStore.with { test in
      var found: [String: [String]] = [:]
      for dsn in [test.dsn, test.keysDSN] { found.merge(try await primaryKeys(dsn)) { one, _ in one } }
      let noted = Dictionary(note.tables.map { ($0.name, $0.key.isEmpty ? ["only_row"] : $0.key) }) { one, _ in one }
      #expect(noted.count == note.tables.count, "a table is listed once")
      #expect(noted == found)
    }
  }

  @Test func `every table that has a tag is distributed, and is keyed by it first wherever it is unique`() async throws {
    let distributed = Set(try DistributionNote().tables.filter(\.isDistributed).map(\.name))
    try await TestStore.with { test in
      var tagged: Set<String> = []
      for dsn in [test.dsn, test.keysDSN] {
        for (table, isUnique, first) in try await indexes(dsn) {
          if isUnique, distributed.contains(table) { #expect(first == "tag", "\(table)") }
        }
        tagged.formUnion(try await texts(dsn, Self.tablesWithTag).map { $0[0] })
      }
      #expect(tagged == distributed)
    }
  }

  @Test func `foreign keys run between distributed tables only, from tag to tag`() async throws {
    let distributed = Set(try DistributionNote().tables.filter(\.isDistributed).map(\.name))
    try await TestStore.with { test in
      let keys = try await texts(test.dsn, Self.foreignKeys) + texts(test.keysDSN, Self.foreignKeys)
      #expect(!keys.isEmpty)
      for key in keys {
        #expect(distributed.contains(key[0]) && distributed.contains(key[1]), "\(key)")
        #expect(key[2] == "FOREIGN KEY (tag) REFERENCES subject(tag)", "\(key)")
      }
    }
  }

  @Test func `what the store asks of an engine is there in PostgreSQL`() async throws {
    let note = try DistributionNote()
    let scene = try await MigrationScene()
    let output = try await Shell.run("psql --set ON_ERROR_STOP=1 \"\(scene.dsn)\" <<'SQL' 2>&1\n\(note.blocks[2])\nSQL")
    #expect(output.status == 0, "\(output.text)")
  }

  @Test func `the store works on tables that are partitioned by tag as the note says, with what was in them before`() async throws
  {
    let note = try DistributionNote()
    try await TestStore.with("eu-west") { plain in
      let early = try tag(1_000)
      try await plain.register(early)
      try await plain.put("early", at: plain.address(early))
      try await plain.sql("\(TagPartitioning.function) \(note.blocks[0])")
      let keys = try await TestStore.connect(plain.keysDSN)
      try await keys.script("\(TagPartitioning.function) \(note.blocks[1])")
      await keys.close()

      try await TestStore.with("eu-west", sharing: plain) { test in
        #expect(try await test.get(test.address(early))?.value == Array("early".utf8))
        try await keepsRecords(test)
        try await tellsVersions(test)
        try await keepsConsents(test, of: early)
        try await listsPages(test, of: early)
        try await answersRepeats(test, about: early)
        try await takesContestedPlacements(test)
        try await countsTransfers(test)
        for table in ["subject", "record", "placement", "idempotency", "transfer"] {
          #expect(try await test.value("SELECT count(DISTINCT tableoid) FROM \(table)") == Int64(TagPartitioning.partitions))
        }
        #expect(
          try await test.value("SELECT sum(octet_length(leaf_hash) / 32) FROM audit_leaf")
            == Int64(try await test.store.auditSize()))
      }
    }
  }
}

/// What a region does, one thing after the other.
extension DistributionTests {
  private func tellsVersions(_ test: TestStore) async throws {
    let page = try await test.store.storedVersions(after: nil, limit: 1_000)
    #expect(page.subjects.count == 41 && page.next == nil)
    #expect(page.auditSize == (try await test.store.auditSize()))
    #expect(Set(page.subjects.map { $0.rows.map(\.version) }) == [[1], [2], [4]])
  }

  private func keepsRecords(_ test: TestStore) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<40 {
        group.addTask {
          let address = test.address(try tag(number))
          #expect(try await test.register(address.tag).outcome == nil)
          #expect(try await test.put("first", at: address).outcome == 1)
          #expect(try await test.put("second", at: address, expected: 1).outcome == 2)
          #expect(try await test.put("third", at: address, expected: 1).outcome == nil)
          #expect(try await test.get(address)?.value == Array("second".utf8))
        }
      }
      try await group.waitForAll()
    }
    #expect(try await test.register(try tag(7)).outcome != nil, "it is registered already")
    let address = test.address(try tag(7))
    _ = try await test.store.commit(
      Operation(needs: FactsNeeded(subjects: [address.tag], mayWrite: true), now: now) { _, effects in
        effects.delete(address, version: 3)
        effects.record(leaf("deleted"))
      })
    #expect(try await test.get(address)?.value == nil)
    #expect(try await test.put("again", at: address).outcome == 4)
  }

  private func keepsConsents(_ test: TestStore, of subject: SubjectTag) async throws {
    for withdrawnAt in [nil, now + 1] {
      let consent = ConsentFacts(purpose: Purpose("support"), kind: "explicit", givenAt: now, withdrawnAt: withdrawnAt)
      _ = try await test.store.commit(
        Operation(needs: FactsNeeded(subjects: [subject], mayWrite: true), now: now) { _, effects in
          effects.set(consent, of: subject)
          effects.record(leaf("consent"))
        })
      let found = try await test.store.commit(
        Operation(needs: FactsNeeded(subjects: [subject]), now: now) { facts, effects in
          effects.record(leaf("read"))
          return facts.subjects[subject]?.consents
        })
      #expect(found.outcome == [consent])
    }
  }

  private func listsPages(_ test: TestStore, of subject: SubjectTag) async throws {
    for number in 10..<25 { try await test.put("v", at: test.address(subject, "k\(number)")) }
    let pages = [
      PageAddress(tag: subject, collection: CollectionName("profile"), after: "k12", limit: 5),
      PageAddress(tag: try tag(7), collection: CollectionName("profile"), after: "", limit: 5),
    ]
    let needs = FactsNeeded(subjects: [subject, try tag(7)], pages: pages)
    let found = try await test.store.commit(
      Operation(needs: needs, now: now) { facts, effects in
        effects.record(leaf("listed"))
        return pages.map { facts.pages[$0] ?? StoredPage() }
      }
    ).outcome
    #expect(found[0].records.map(\.address.key) == ["k13", "k14", "k15", "k16", "k17"])
    #expect(found.map(\.hasMore) == [true, false])
    #expect(found[1].records.map(\.address.key) == ["main"])
  }

  private func countsTransfers(_ test: TestStore) async throws {
    let what = ClassInYear(DataClass("contact"), in: 2026)
    for _ in 0..<2 {
      for number in 0..<40 {
        let person = try tag(number)
        var needs = FactsNeeded(subjects: [person])
        needs.transferYears = [2026]
        let people = try await test.store.commit(
          Operation(needs: needs, now: now) { facts, effects in
            effects.count(Transfer(of: person, what, limits: []))
            effects.record(leaf("transfer"))
            return facts.transfers.people(what, with: person)
          })
        #expect((1...40).contains(people.outcome))
      }
    }
    #expect(try await test.value("SELECT people FROM transfer_count") == 40)
  }

  private func answersRepeats(_ test: TestStore, about subject: SubjectTag) async throws {
    for number in 0..<20 {
      let key = SHA256.hash([1, UInt8(number)])
      let address = test.address(try tag(number), "once")
      let receipts = try await withThrowingTaskGroup(of: LeafReceipt.self) { group in
        for _ in 0..<3 { group.addTask { try await test.putOnce("v", at: address, key: key) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(receipts).count == 1)
      #expect(try await test.get(address)?.version == 1)
    }
    try await test.sql("UPDATE idempotency SET expires_at = now() - interval '1 second'")
    _ = try await test.putOnce("v", at: test.address(subject, "once"), key: SHA256.hash([2]))
    #expect(try await test.value("SELECT count(*) FROM idempotency") == 1, "what has expired is dropped with the next")
    for number in 0..<20 {
      let address = test.address(try tag(number), "once")
      _ = try await test.putOnce("v", at: address, key: SHA256.hash([1, UInt8(number)]))
      #expect(try await test.get(address)?.version == 2, "an id may be used again after its time")
    }
  }

  private func takesContestedPlacements(_ test: TestStore) async throws {
    try await TestStore.with("us-east") { america in
      try await america.register(try tag(7))
      try await america.register(try tag(2_000))
      let log = LogID(origin: america.region.ordinal, incarnation: .first)
      guard case .batch(let batch) = try await america.store.logBatch(of: log, from: 1, entriesMax: 100),
        case .applied = try await test.store.apply(batch)
      else {
        Issue.record("the batch was not applied")
        return
      }
      #expect(try await test.store.apply(batch) == .alreadyApplied(LogPosition(log: log, seq: 2)))
      #expect(try await test.store.placement(of: try tag(7))?.isContested == true)
      #expect(try await test.store.placement(of: try tag(2_000)) == america.store.placement(of: try tag(2_000)))
      #expect(try await test.store.appliedHeads()[log]?.seq == 2)
    }
  }
}

/// From the catalog.
extension DistributionTests {
  private func texts(_ dsn: String, _ query: String) async throws -> [[String]] {
    let connection = try await TestStore.connect(dsn)
    let rows = try await connection.execute(Statement("texts", query)).rows
    let texts = try rows.map { row in try (0..<row.columnCount).map { try row.text($0) } }
    await connection.close()
    return texts
  }

  private func primaryKeys(_ dsn: String) async throws -> [String: [String]] {
    let rows = try await texts(dsn, Self.primaryKeys)
    return Dictionary(rows.map { ($0[0], $0[1].split(separator: ",").map(String.init)) }) { one, _ in one }
  }

  private func indexes(_ dsn: String) async throws -> [(table: String, isUnique: Bool, first: String)] {
    try await texts(dsn, Self.indexColumns).map { ($0[0], $0[1] == "true", $0[2]) }
  }

  private static let primaryKeys = """
    SELECT c.relname::text,
           coalesce((SELECT string_agg(a.attname, ',' ORDER BY k.place)
                       FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (number, place), pg_attribute a
                      WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.number), '')
      FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
    """
  private static let indexColumns = """
    SELECT c.relname::text, i.indisunique::text, a.attname::text
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE c.relnamespace = 'public'::regnamespace
    """
  private static let tablesWithTag = """
    SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attname = 'tag' AND a.attnotnull
       AND a.atttypid IN ('bytea'::regtype, 'uuid'::regtype)
    """
  private static let foreignKeys = """
    SELECT conrelid::regclass::text, confrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'
    """
}
