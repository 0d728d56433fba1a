import Directory
import Residency
import Testing

@testable import RegionStore

/// Documents that all regions hold, in a region's store.
@Suite(.serialized)
struct DocumentStoreTests {
  private static func id(_ key: String = "holiday") -> DocumentID {
    DocumentID(collection: CollectionName("announcements"), key: key)
  }

  private func expectSame(_ stores: TestStore...) async throws {
    let first = try await stores[0].store.digest(under: []).sums
    for test in stores {
      #expect(try await test.store.digest(under: []).sums == first, "\(test.region.id)")
      try await test.store.countDirectory(under: [1])
      #expect(
        try await test.store.digest(under: []).sums == first, "the digest that \(test.region.id) keeps is not that of its rows")
    }
  }

  private func snapshot(of source: TestStore, into target: TestStore) async throws -> [SnapshotPage] {
    var pages: [SnapshotPage] = []
    var after: SubjectTag?
    repeat {
      let request = SnapshotRequest(after: after, tagsMax: 1_000)
      let page = try #require(try await source.store.snapshotPage(request))
      #expect(page.answers(request))
      pages.append(page)
      #expect(try await target.store.store(page, basis: pages[0].basis, from: source.region.ordinal))
      after = page.through
    } while after != nil
    #expect(try await target.store.adopt(pages[0].basis, from: source.region.ordinal) != nil)
    return pages
  }

  @Test func `what regions write apart stands side by side everywhere, until somebody has read it all`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        try await europe.write(Self.id(), "from Europe")
        try await america.write(Self.id(), "from America")
        try await europe.pull(america.log, from: america)
        try await america.pull(europe.log, from: europe)
        for test in [europe, america] {
          #expect(try await test.document(Self.id()).values == ["\"from America\"", "\"from Europe\""])
        }
        // Over all that is there.
        try await america.write(Self.id(), "settled")
        try await europe.pull(america.log, from: america)
        for test in [europe, america] { #expect(try await test.document(Self.id()).values == ["\"settled\""]) }
        // One who has read less leaves what was not read.
        try await europe.write(Self.id(), "late", having: VersionVector([europe.log: 1]))
        #expect(try await europe.document(Self.id()).values == ["\"settled\"", "\"late\""])
        try await america.pull(europe.log, from: europe)
        try await expectSame(europe, america)
        try await america.write(Self.id(), nil)
        #expect(try await america.document(Self.id()).isDeleted)
        try await europe.pull(america.log, from: america)
        try await expectSame(europe, america)
      }
    }
  }

  @Test func `writes of one document that come at once are made one after the other`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<40 { group.addTask { try await europe.write(Self.id(), .number(Double(number))) } }
        try await group.waitForAll()
      }
      #expect(try await europe.document(Self.id()).siblings.count == 1)
      #expect(try await europe.store.appliedHeads()[europe.log]?.seq == 40)
      try await expectSame(europe)
    }
  }

  @Test func `a snapshot brings documents, in pages of bounded size, and takes away what was written over`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        let large = JSONValue.string(String(repeating: "x", count: 60_000))
        for number in 0..<40 { try await europe.write(Self.id("\(number)"), large) }
        for number in 0..<3 { try await europe.register(try tag(number)) }
        try await america.pull(europe.log, from: europe)
        #expect(try await america.store.appliedHeads()[europe.log]?.seq == 17, "one batch is a mebibyte")
        for number in 0..<5 { try await europe.write(Self.id("\(number)"), "new") }
        try await america.write(Self.id("1"), "mine")
        let pages = try await snapshot(of: europe, into: america)
        #expect(pages.count == 2)
        #expect(pages.allSatisfy { $0.documents.reduce(0) { $0 + $1.encoded.count } < 1_200_000 })
        #expect(try await america.document(Self.id("0")).values == ["\"new\""])
        #expect(try await america.document(Self.id("1")).values == ["\"mine\"", "\"new\""])
        #expect(try await america.document(Self.id("39")).values == [large.canonicalText])
        #expect(try await america.store.placement(of: try tag(2)) != nil)
        try await europe.pull(america.log, from: america)
        try await expectSame(europe, america)
      }
    }
  }

  @Test func `a version that was lost is noticed, named and taken from another region`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        for number in 0..<20 { try await europe.write(Self.id("\(number)"), .number(Double(number))) }
        try await america.pull(europe.log, from: europe)
        try await america.sql("DELETE FROM document WHERE key = '7'")
        let bucket = Self.id("7").tag(DirectoryTransaction.digest).bytes[0]
        #expect(try await america.store.recount(bucket: bucket))
        let theirs = try #require(try await europe.store.facts(under: [bucket]))
        let ours = try #require(try await america.store.facts(under: [bucket]))
        let found = DocumentDifference.all(
          ours: ours.documents, theirs: theirs.documents, here: ours.standing.vector, there: theirs.standing.vector)
        #expect(found.map(\.id) == [Self.id("7")] && found.map(\.verdict) == [.missingHere])
        #expect(try await america.store.learn(theirs.documents).repairs == 1)
        #expect(try await america.store.learn(theirs.documents).facts.isEmpty)
        #expect(try await america.document(Self.id("7")).values == ["7"])
        try await expectSame(europe, america)

        // What has not come yet is no fault: it may come early, and comes by its log again.
        try await europe.write(Self.id("late"), 1)
        let late = try #require(try await europe.store.facts(under: [Self.id("late").tag(DirectoryTransaction.digest).bytes[0]]))
        #expect(try await america.store.learn(late.documents).repairs == 0)
        #expect(try await america.document(Self.id("late")).values == ["1"])
        try await america.pull(europe.log, from: europe)
        try await expectSame(europe, america)
      }
    }
  }

  @Test func `what a region wrote on a branch that does not count it writes anew`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        try await europe.write(Self.id("kept"), 1)
        try await europe.write(Self.id("lost"), 1)
        try await america.pull(europe.log, from: europe)
        // Restored from a backup of before the second write, it writes on without knowing.
        try await europe.sql(
          """
          DELETE FROM document WHERE seq = 2; DELETE FROM directory_log WHERE seq = 2;
          UPDATE head SET directory_seq = 1, directory_chain = (SELECT chain FROM directory_log WHERE seq = 1);
          """)
        try await europe.store.countDirectory(under: [3])
        try await europe.write(Self.id("kept"), 2)
        try await europe.write(Self.id("kept"), 3)
        try await europe.write(Self.id("other"), 4)
        let own = try await europe.store.restartHistory(after: .first)
        let (_, head) = try await europe.store.cutBack(keeping: LogPosition(log: europe.log, seq: 1))
        #expect(head == LogPosition(log: own, seq: 2), "what was written over needs not be written again")
        try await europe.pull(europe.log, from: america)
        try await america.pull(own, from: europe)
        for test in [europe, america] {
          #expect(try await test.document(Self.id("kept")).values == ["3"])
          #expect(try await test.document(Self.id("lost")).values == ["1"])
          #expect(try await test.document(Self.id("other")).values == ["4"])
        }
        try await expectSame(europe, america)
      }
    }
  }

  @Test func `a region that learns by a document that it was set back begins another log before it writes`() async throws {
    try await TestStore.with("eu-west") { europe in
      try await TestStore.with("us-east") { america in
        try await europe.write(Self.id(), 1)
        try await europe.write(Self.id(), 2)
        try await america.pull(europe.log, from: europe)
        try await america.write(Self.id(), 3)
        try await europe.sql(
          """
          DELETE FROM document; DELETE FROM directory_log WHERE seq = 2;
          UPDATE head SET directory_seq = 1, directory_chain = (SELECT chain FROM directory_log WHERE seq = 1);
          """)
        try await europe.store.countDirectory(under: [4])
        try await europe.pull(america.log, from: america)
        try await europe.write(Self.id(), 4)
        let own = LogID(origin: europe.region.ordinal, incarnation: Incarnation(2))
        #expect(try await europe.store.appliedHeads()[own]?.seq == 1)
        #expect(try await europe.document(Self.id()).values == ["4"])
        try await europe.pull(europe.log, from: america)
        try await america.pull(own, from: europe)
        try await expectSame(europe, america)
      }
    }
  }

  @Test func `a page holds the documents of one collection by their keys, without those that are deleted`() async throws {
    try await TestStore.with("eu-west") { europe in
      for key in ["a", "b", "c", "d", "e"] { try await europe.write(Self.id(key), .string(key)) }
      try await europe.write(DocumentID(collection: CollectionName("other"), key: "b2"), 1)
      try await europe.write(Self.id("b"), nil)
      func page(after: String, limit: Int) async throws -> StoredDocumentPage {
        let page = DocumentPage(collection: CollectionName("announcements"), after: after, limit: limit)
        let operation = Operation(needs: FactsNeeded(documentPages: [page]), now: now) { facts, _ in facts.documentPages[page] }
        return try #require(try await europe.store.commit(operation).outcome)
      }
      let first = try await page(after: "", limit: 2)
      #expect(first.documents.map(\.id.key) == ["a", "c"] && first.hasMore)
      let rest = try await page(after: "c", limit: 2)
      #expect(rest.documents.map(\.id.key) == ["d", "e"] && !rest.hasMore)
      #expect(try await page(after: "e", limit: 2).documents.isEmpty)
    }
  }
}

extension DocumentSet {
  fileprivate var values: [String] { siblings.compactMap { $0.value.map { String(decoding: $0, as: UTF8.self) } } }
}

extension TestStore {
  /// - Parameter seen: by default all that is there.
  func write(_ id: DocumentID, _ value: JSONValue?, having seen: VersionVector? = nil) async throws {
    _ = try await store.commit(
      Operation(needs: FactsNeeded(documents: [id], mayWrite: true), now: now) { facts, effects in
        let context = seen ?? facts.documents[id]?.context ?? VersionVector()
        effects.write(
          DocumentEntry(
            id: id, context: context, value: value?.canonicalBytes, timestamp: HybridTimestamp(milliseconds: now)))
      })
  }

  func document(_ id: DocumentID) async throws -> DocumentSet {
    try await store.commit(
      Operation(needs: FactsNeeded(documents: [id]), now: now) { facts, _ in facts.documents[id] ?? DocumentSet() }
    ).outcome
  }

  func pull(_ log: LogID, from source: TestStore) async throws {
    let held = try await store.appliedHeads()[log]?.seq ?? 0
    guard case .batch(let batch) = try await source.store.logBatch(of: log, from: held + 1, entriesMax: 4_096) else { return }
    _ = try await store.apply(batch)
  }
}
