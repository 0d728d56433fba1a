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

  @Test func `outside of a log a version goes with its place, and none that has seen itself`() throws {
    let written = version(try at(2, 7), seen: VersionVector([try log(2): 6, try log(1): 40]), ["a": 1])
    let fact = DocumentFact(id: Self.id, version: written, digest: simulatedDigest)
    #expect(try DocumentFact(decoding: fact.encoded, digest: simulatedDigest) == fact)
    #expect(fact.tag == Self.id.tag(simulatedDigest))
    #expect(fact.tag != DocumentID(collection: Self.id.collection, key: "other").tag(simulatedDigest))
    let impossible = version(try at(2, 7), seen: VersionVector([try log(2): 7]))
    let bytes = DocumentFact(id: Self.id, version: impossible, digest: simulatedDigest).encoded
    #expect(throws: DirectoryFormatError.contradictory(.hasSeenItself)) {
      try DocumentFact(decoding: bytes, digest: simulatedDigest)
    }
    let named = DocumentEntry(
      id: DocumentID(collection: Self.id.collection, key: "a\0b"), context: VersionVector(), value: nil, timestamp: noon)
    #expect(throws: DirectoryFormatError.invalid(.name)) { try DocumentEntry(decoding: named.encoded) }
  }

  @Test func `an entry of a log that has seen itself is not applied, and none is written`() throws {
    let id = try log(2)
    var own = OwnLog(id, head: .start(of: id, digest: simulatedDigest), digest: simulatedDigest)
    let ahead = DocumentEntry(id: Self.id, context: VersionVector([id: 40, try log(1): 3]), value: nil, timestamp: noon)
    let record = own.append(.document(ahead))
    #expect(record.document(simulatedDigest)?.version.context == VersionVector([try log(1): 3]))
    let bad = LogEntry.document(ahead).encoded
    let batch = try #require(
      LogBatch(log: id, first: 1, previousChain: .start(of: id, digest: simulatedDigest), rows: [bad]))
    let verifier = BatchVerifier(own: try log(1), digest: simulatedDigest)
    #expect(verifier.decide(batch, applied: nil) == .unreadable(at: try at(2, 1), .contradictory(.hasSeenItself)))
    let good = try #require(
      LogBatch(log: id, first: 1, previousChain: .start(of: id, digest: simulatedDigest), rows: [record.bytes]))
    #expect(verifier.decide(good, applied: nil) == .apply([record], newHead: own.head))
    #expect(good.tags.isEmpty, "it is about no subject")
  }

  @Test func `two that have each seen an entry at the other's place both stay, in whatever order they come`() throws {
    // The history that the first was written on was lost, and the second has read what stood there.
    let one = version(try at(1, 5), seen: VersionVector([try log(2): 3]), 1)
    let other = version(try at(2, 3), seen: VersionVector([try log(1): 6]), 2)
    #expect(DocumentSet(joining: [one, other]).siblings.count == 2)
    #expect(DocumentSet(joining: [one, other]) == DocumentSet(joining: [other, one]))
  }

  @Test func `what a peer shows is taken where it says something new, and tells a damaged copy and a lost history`() throws {
    let first = version(try at(1, 1), 1)
    let second = version(try at(2, 1), seen: VersionVector([try log(1): 1]), 2)
    let ahead = version(try at(2, 9), seen: VersionVector([try log(1): 1, try log(2): 1]), 3)
    let offered = [first, second, ahead].map { DocumentFact(id: Self.id, version: $0, digest: simulatedDigest) }
    let here = VersionVector([try log(1): 1, try log(2): 1])
    let current = [Self.id: DocumentSet(joining: [first])]
    let elsewhere = DocumentLearning(offered, here: here, own: try log(3), current: current)
    #expect(elsewhere.facts.map(\.version) == [second, ahead])
    #expect(elsewhere.repairs == 1, "the other one is on its way")
    #expect(!elsewhere.ownHistoryIsLost)
    #expect(
      DocumentLearning([offered[0]], here: here, own: try log(3), current: [Self.id: DocumentSet(joining: [second])]).facts
        .isEmpty)
    let setBack = DocumentLearning(offered, here: here, own: try log(2), current: current)
    #expect(setBack.ownHistoryIsLost && setBack.facts.map(\.version) == [second])
    let differences = DocumentDifference.all(
      ours: [offered[0]], theirs: [offered[1]], here: here, there: VersionVector([try log(1): 1, try log(2): 1]))
    #expect(differences.map(\.verdict) == [.missingHere])
    let late = DocumentDifference.all(ours: [offered[1]], theirs: [offered[2]], here: here, there: VersionVector([try log(2): 9]))
    #expect(late.map(\.verdict) == [.underWay])
  }

  @Test func `of a branch that does not count, what was not written over is written anew`() throws {
    let id = try log(2)
    var old = OwnLog(id, head: .start(of: id, digest: simulatedDigest), digest: simulatedDigest)
    func write(_ key: String, _ seen: VersionVector, _ value: JSONValue, to log: inout OwnLog) -> LogRecord {
      log.append(
        .document(
          DocumentEntry(
            id: DocumentID(collection: Self.id.collection, key: key), context: seen, value: value.canonicalBytes, timestamp: noon)
        ))
    }
    let kept = write("a", VersionVector(), 1, to: &old)
    let orphans = [
      write("a", VersionVector([id: 1]), 2, to: &old), write("a", VersionVector([id: 2, try log(1): 4]), 3, to: &old),
    ]
    let current = DocumentChange.changes(for: [kept] + orphans, current: [:], digest: simulatedDigest)
    let documents = Dictionary(uniqueKeysWithValues: current.map { ($0.id, $0.after) })
    var new = OwnLog(try log(2, 2), head: .start(of: try log(2, 2), digest: simulatedDigest), digest: simulatedDigest)
    let reissue = Reissue(orphans, to: &new, current: [:], documents: documents, digest: simulatedDigest)
    #expect(reissue.records.count == 1)
    let anew = try #require(reissue.records.first?.document(simulatedDigest)?.version)
    #expect(anew.value == JSONValue(3).canonicalBytes)
    #expect(anew.context == VersionVector([id: 1, try log(1): 4]), "the entries that count will stand at the branch's places")
    #expect(reissue.documentChanges.first?.after.siblings == [anew])
  }
}
