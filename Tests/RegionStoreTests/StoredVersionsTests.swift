import Cryptography
import DomicileTestKit
import Postgres
import RegionStore
import Residency
import Testing

@Suite struct StoredVersionsTests {
  /// Page by page, in the order of the subjects' tags.
  private func all(
    _ test: TestStore, limit: Int, rowsMax: Int = RegionStore.storedVersionsMax
  ) async throws -> (subjects: [StoredVersions], pages: Int) {
    var (subjects, pages): ([StoredVersions], Int) = ([], 0)
    var position: SubjectTag?
    while true {
      let page = try await test.store.storedVersions(after: position, limit: limit, rowsMax: rowsMax)
      subjects += page.subjects
      pages += 1
      guard let next = page.next else { return (subjects, pages) }
      position = try #require(test.store.openPosition(next))
    }
  }

  @Test func `pages tell of every subject once, with its versions and the size of the log at that moment`() async throws {
    try await TestStore.with { test in
      let empty = try await test.store.storedVersions(after: nil, limit: 10)
      #expect(empty.subjects.isEmpty && empty.auditSize == 0 && empty.next == nil)
      for number in 0..<7 {
        let address = test.address(try tag(number))
        try await test.register(address.tag)
        for version in 0..<number { try await test.put("v\(version)", at: address) }
        if number > 3 { try await test.put("other", at: test.address(address.tag, "other")) }
      }
      let size = try await test.store.auditSize()
      for limit in [1, 2, 7, 100] {
        let (subjects, pages) = try await all(test, limit: limit)
        #expect(subjects.count == 7 && pages == (7 + limit - 1) / limit)
        #expect(subjects.map(\.rows.count).sorted() == [0, 1, 1, 1, 2, 2, 2])
        #expect(subjects.flatMap { $0.rows.map(\.version) }.sorted() == [1, 1, 1, 1, 2, 3, 4, 5, 6])
        #expect(subjects.allSatisfy { $0.auditKey != nil && !$0.isFrozen && !$0.isCutShort })
      }
      #expect(try await test.store.storedVersions(after: nil, limit: 3).auditSize == size)
    }
  }

  @Test func `a page ends before the subject that would make it large, and one that is large by itself is cut short`()
    async throws
  {
    try await TestStore.with { test in
      for number in 0..<4 {
        let subject = try tag(number)
        try await test.register(subject)
        for key in 0..<(number == 2 ? 9 : 2) {
          for _ in 0...key { try await test.put("v", at: test.address(subject, "\(key)")) }
        }
      }
      let (subjects, pages) = try await all(test, limit: 100, rowsMax: 5)
      #expect(subjects.count == 4 && pages >= 2)
      #expect(subjects.filter(\.isCutShort).map(\.rows.count) == [6])
      #expect(subjects.filter { !$0.isCutShort }.map(\.rows.count) == [2, 2, 2])
    }
  }

  @Test func `a subject without keys is told of without a name, and others are not disturbed`() async throws {
    try await TestStore.with { test in
      let (lost, kept) = (try tag(1), try tag(2))
      for subject in [lost, kept] { try await test.register(subject) }
      try await test.store.destroyKeys(of: lost)
      let subjects = try await test.store.storedVersions(after: nil, limit: 10).subjects
      #expect(subjects.map { $0.named { tag, _ in tag } }.compactMap { $0 } == [kept])
      #expect(subjects.count == 2)
    }
  }

  @Test func `a position is sealed, and no other bytes are one`() async throws {
    try await TestStore.with { test in
      for number in 0..<3 { try await test.register(try tag(number)) }
      let next = try #require(try await test.store.storedVersions(after: nil, limit: 1).next)
      let position = try #require(test.store.openPosition(next))
      #expect(!next.hex.contains(position.description))
      #expect(test.store.openPosition(next.dropLast() + [next[next.count - 1] ^ 1]) == nil)
      #expect(test.store.openPosition(position.bytes) == nil)
      #expect(test.store.openPosition([]) == nil)
    }
  }
}
