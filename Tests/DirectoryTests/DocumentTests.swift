import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

@Suite struct DocumentTests {
  private static let id = DocumentID(collection: CollectionName("notices"), key: "holiday")

  private func version(
    _ dot: LogPosition, seen: VersionVector = VersionVector(), _ value: JSONValue? = .null, at milliseconds: UInt64 = 1
  ) -> DocumentVersion {
    DocumentVersion(
      dot: dot, context: seen, value: value?.canonicalBytes, writtenAt: HybridTimestamp(milliseconds: milliseconds))
  }

  /// What regions come to write that see each other's writes late, and in any order; each reads what it has before it writes.
  private func randomVersions(_ random: inout SeededRandom) throws -> [DocumentVersion] {
    var written: [DocumentVersion] = []
    var held: [Int: DocumentSet] = [:]
    var seqs: [Int: UInt64] = [:]
    for _ in 0..<(2 + random.below(10)) {
      let number = 1 + random.below(4)
      // A log is followed in order: who has one of its entries has those before.
      for version in written where version.dot.origin.rawValue != UInt16(number) && random.chance(40) {
        for earlier in written where earlier.dot.log == version.dot.log && earlier.dot <= version.dot {
          held[number, default: DocumentSet()].join(earlier)
        }
      }
      seqs[number, default: 0] += 1
      let set = held[number, default: DocumentSet()]
      let seen = random.chance(80) ? set.context : VersionVector()
      let value: JSONValue? = random.chance(15) ? nil : .number(Double(random.below(1_000)))
      let new = version(try at(number, seqs[number, default: 1]), seen: seen, value, at: UInt64(random.below(50)))
      written.append(new)
      held[number, default: DocumentSet()].join(new)
    }
    return written
  }

  @Test func `copies that have seen the same versions hold the same, in whatever order and how often they came`() throws {
    for seed in 0..<2_000 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let versions = try randomVersions(&random)
      let whole = DocumentSet(joining: versions)
      for _ in 0..<4 {
        let shuffled = (versions + versions.filter { _ in random.chance(30) }).shuffled(using: &random)
        #expect(DocumentSet(joining: shuffled) == whole, "seed \(seed)")
        let middle = random.below(shuffled.count)
        var left = DocumentSet(joining: shuffled[..<middle])
        left.join(DocumentSet(joining: shuffled[middle...]))
        #expect(left == whole, "seed \(seed)")
      }
    }
  }

  @Test func `a version goes only where another one has seen it`() throws {
    for seed in 0..<2_000 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let versions = try randomVersions(&random)
      let kept = DocumentSet(joining: versions).siblings
      for version in versions where !kept.contains(version) {
        #expect(
          versions.contains { $0.context.includes(version.dot) }, "seed \(seed): \(version.dot) is gone, and nobody had seen it")
      }
      for (index, sibling) in kept.enumerated() {
        for other in kept[(index + 1)...] { #expect(sibling.order(to: other) == .concurrent, "seed \(seed)") }
      }
    }
  }

  @Test func `versions are before, after, equal or concurrent`() throws {
    let first = version(try at(1, 1))
    var seen = VersionVector()
    seen.advance(to: first.dot)
    let second = version(try at(2, 5), seen: seen)
    let apart = version(try at(3, 9))
    #expect(second.order(to: first) == .after)
    #expect(first.order(to: second) == .before)
    #expect(first.order(to: first) == .equal)
    #expect(apart.order(to: second) == .concurrent)
    var set = DocumentSet(joining: [first, second, apart])
    #expect(set.siblings.map(\.dot) == [second.dot, apart.dot])
    #expect(set.isConcurrent)
    // Who has read both ends it.
    set.join(version(try at(1, 2), seen: set.context))
    #expect(set.siblings.map(\.dot) == [try at(1, 2)])
    set.join(second)
    #expect(set.siblings.count == 1, "what was seen does not come back")
  }

  @Test func `a reader gets the last version, all in one, or all of them`() throws {
    let set = DocumentSet(joining: [
      version(try at(1, 1), ["title": "a", "regions": ["eu", "us"], "text": ["en": "one"]], at: 20),
      version(try at(2, 1), ["title": "b", "regions": ["us", "ap"], "text": ["de": "eins"]], at: 10),
    ])
    #expect(try set.values(by: .latest) == [["title": "a", "regions": ["eu", "us"], "text": ["en": "one"]]])
    #expect(
      try set.values(by: .union) == [["title": "a", "regions": ["us", "ap", "eu"], "text": ["de": "eins", "en": "one"]]])
    #expect(try set.values(by: .app).count == 2)
    // Of one moment every region takes the same.
    let twins = try [1, 2, 3].map { version(try at($0, 1), .number(Double($0)), at: 7) }
    #expect(try DocumentSet(joining: twins).values(by: .latest) == [3])
    #expect(try DocumentSet(joining: twins.reversed()).values(by: .latest) == [3])
  }

  @Test func `a deletion ends what its writer had seen, and not what was changed meanwhile`() throws {
    let first = version(try at(1, 1), 1)
    var seen = VersionVector()
    seen.advance(to: first.dot)
    let gone = version(try at(2, 1), seen: seen, nil, at: 9)
    var set = DocumentSet(joining: [first, gone])
    #expect(set.isDeleted)
    for resolver in DocumentResolver.allCases { #expect(try set.values(by: resolver).isEmpty) }
    set.join(version(try at(3, 1), seen: seen, 3, at: 5))
    #expect(!set.isDeleted)
    for resolver in DocumentResolver.allCases { #expect(try set.values(by: resolver) == [3]) }
  }

  @Test func `where a history was lost and one place has two entries, every region keeps the same one`() throws {
    let twins = [version(try at(1, 4), 1), version(try at(1, 4), 2)]
    #expect(DocumentSet(joining: twins) == DocumentSet(joining: twins.reversed()))
    #expect(DocumentSet(joining: twins).siblings.count == 1)
  }

  @Test func `an entry is read back as it was written, and any other bytes are refused`() throws {
    var seen = VersionVector()
    seen.advance(to: try at(2, 7))
    for value in [nil, [], Array("{}".utf8), [UInt8](repeating: 0x20, count: DocumentVersion.valueBytesMax)] as [[UInt8]?] {
      let entry = DocumentEntry(id: Self.id, context: seen, value: value, timestamp: noon)
      #expect(try DocumentEntry(decoding: entry.encoded) == entry)
      let bytes = entry.encoded
      #expect(throws: DirectoryFormatError.self) { try DocumentEntry(decoding: Array(bytes.dropLast())) }
      #expect(throws: DirectoryFormatError.self) { try DocumentEntry(decoding: bytes + [0]) }
    }
    let long = [UInt8](repeating: 0x20, count: DocumentVersion.valueBytesMax + 1)
    let tooLong = DocumentEntry(id: Self.id, context: seen, value: long, timestamp: noon).encoded
    #expect(throws: DirectoryFormatError.invalid(.value)) { try DocumentEntry(decoding: tooLong) }
    var unnamed = DocumentEntry(id: Self.id, context: seen, value: nil, timestamp: noon).encoded
    unnamed[12] = 0
    #expect(throws: DirectoryFormatError.self) { try DocumentEntry(decoding: unnamed) }
  }
}
