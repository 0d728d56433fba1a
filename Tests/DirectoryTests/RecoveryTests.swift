import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

@Suite struct ForkSearchTests {
  /// Searches between two copies that agree up to `agreeing`, and says how often it asked.
  private func search(agreeing: UInt64, start: UInt64, end: UInt64) throws -> (ForkSearch.Progress, rounds: Int) {
    func chain(_ seq: UInt64, _ branch: UInt8) throws -> ChainHash {
      try #require(ChainHash(simulatedDigest([branch] + withUnsafeBytes(of: seq.bigEndian) { Array($0) })))
    }
    var search = ForkSearch(log: try log(1), start: start, end: end)
    var rounds = 0
    while case .probe(let places) = search.progress {
      rounds += 1
      #expect(places.count <= ForkSearch.probesMax && places == places.sorted())
      #expect(rounds < 20)
      search.compare(
        own: Dictionary(uniqueKeysWithValues: try places.map { ($0, try chain($0, 1)) }),
        theirs: Dictionary(uniqueKeysWithValues: try places.map { ($0, try chain($0, $0 <= agreeing ? 1 : 2)) }))
    }
    return (search.progress, rounds)
  }

  @Test func `the last common place is found, in few rounds`() throws {
    for (agreeing, end) in [(0, 1), (0, 40), (39, 40), (40, 40), (17, 1_000), (999_999, 1_000_000), (1, 1_000_000)]
      as [(UInt64, UInt64)]
    {
      let (progress, rounds) = try search(agreeing: agreeing, start: 0, end: end)
      #expect(progress == .found(agreeing), "\(agreeing) of \(end)")
      #expect(rounds <= 5, "\(rounds) rounds for \(end)")
    }
  }

  @Test func `where the copies part before what both still hold, nothing is guessed`() throws {
    #expect(try search(agreeing: 99, start: 100, end: 200).0 == .beyondMemory)
    #expect(try search(agreeing: 100, start: 100, end: 200).0 == .found(100))
    #expect(try search(agreeing: 0, start: 7, end: 5).0 == .beyondMemory)
  }

  @Test func `a copy that is cut while it is compared is no other history`() throws {
    var search = ForkSearch(log: try log(1), start: 0, end: 40)
    guard case .probe(let places) = search.progress else { return #expect(Bool(false), "nothing is asked") }
    let chains = Dictionary(uniqueKeysWithValues: try places.map { ($0, try #require(ChainHash(simulatedDigest([UInt8($0)])))) })
    search.compare(own: chains, theirs: chains.filter { $0.key < 30 })
    #expect(search.progress == .outdated)
  }
}

@Suite struct LearningTests {
  private func learn(
    _ fact: Placement, theirs: VersionVector, here: VersionVector, own: LogID, reached: VersionVector = VersionVector()
  ) -> Learning {
    Learning(
      [fact], theirs: FactsBasis(vector: theirs, reached: reached), here: FactsBasis(vector: here, reached: reached), own: own,
      current: [:])
  }

  @Test func `what this region wrote once and does not know closes its log, and is then written anew`() throws {
    let fact = try placement(birth: at(1, 5), home: 1)
    let theirs = VersionVector([try log(2): 3])
    for head: UInt64 in [4, 7] {
      let here = VersionVector([try log(1): head])
      let first = learn(fact, theirs: theirs, here: here, own: try log(1))
      #expect(first.ownHistoryIsLost && first.facts.isEmpty, "at head \(head)")
      let second = learn(fact, theirs: theirs, here: here, own: try log(1, 2))
      #expect(!second.ownHistoryIsLost && second.recovered == [fact] && second.facts == [fact])
    }
    // Where the peer has it by its log, it comes by that.
    let byLog = learn(fact, theirs: VersionVector([try log(1): 5]), here: VersionVector([try log(1): 4]), own: try log(1, 2))
    #expect(byLog.facts.isEmpty && !byLog.ownHistoryIsLost)
  }

  @Test func `what is forgotten here and not there is not taken for a gap`() throws {
    let fact = try placement(birth: at(3, 5), home: 3)
    let here = VersionVector([try log(3): 9])
    let reached = VersionVector([try log(2): 8])
    #expect(learn(fact, theirs: VersionVector([try log(3): 9]), here: here, own: try log(1), reached: reached).facts.isEmpty)
    let repaired = learn(
      fact, theirs: VersionVector([try log(3): 9, try log(2): 8]), here: here, own: try log(1), reached: reached)
    #expect(repaired.facts == [fact] && repaired.repairs == 1)
  }
}

@Suite struct LogRetentionTests {
  @Test func `a log is kept to the slowest member, and its newest entries for longer`() throws {
    let retention = LogRetention(entriesMin: 10)
    let heads = VersionVector([try log(1): 100, try log(2): 50])
    let acknowledged = [
      try region(2): VersionVector([try log(1): 80, try log(2): 50]), try region(3): VersionVector([try log(1): 95]),
    ]
    #expect(
      retention.cuts(heads: heads, starts: VersionVector(), acknowledged: acknowledged) == VersionVector([try log(1): 80]),
      "log 2 waits for region 3; its own region need not acknowledge it")
    let all = acknowledged.mapValues { _ in heads }
    #expect(
      retention.cuts(heads: heads, starts: VersionVector(), acknowledged: all)
        == VersionVector([try log(1): 90, try log(2): 40]))
    #expect(retention.cuts(heads: heads, starts: VersionVector([try log(1): 90, try log(2): 40]), acknowledged: all).isEmpty)
  }

  @Test func `past its bytes, the longest log is cut whoever lags`() throws {
    let retention = LogRetention(bytesMax: LogRetention.bytesPerEntry * 60, entriesMin: 5)
    let heads = VersionVector([try log(1): 100, try log(2): 30])
    let lagging = [try region(3): VersionVector()]
    let cuts = retention.cuts(heads: heads, starts: VersionVector(), acknowledged: lagging)
    #expect(cuts == VersionVector([try log(1): 70]))
  }
}

@Suite struct FloorRuleTests {
  private func candidate(_ seq: UInt64, notedAt: UInt64) throws -> FloorCandidate {
    FloorCandidate(upTo: try at(1, seq), after: VersionVector([try log(1): seq, try log(2): 4]), notedAt: notedAt)
  }

  @Test func `a floor waits for its time and for every member, and for all that the members held then`() throws {
    let rule = FloorRule(keptFor: .seconds(1))
    let candidates = [try candidate(5, notedAt: 0), try candidate(9, notedAt: 500)]
    let two = VersionVector([try log(1): 9, try log(2): 20])
    let three = VersionVector([try log(1): 6, try log(2): 4, try log(3): 7])
    let members = [try region(2): two, try region(3): three]
    #expect(rule.floor(among: candidates, members: members, now: 900) == nil)
    let floor = try #require(rule.floor(among: candidates, members: members, now: 5_000))
    #expect(floor.upTo == (try at(1, 5)), "region 3 has not seen the later one")
    #expect(floor.after == VersionVector([try log(1): 9, try log(2): 20, try log(3): 7]))
    #expect(rule.floor(among: candidates, members: [try region(3): VersionVector()], now: 5_000) == nil)
  }

  @Test func `a tombstone beside a fact of its own birth stays`() throws {
    let erased = try placement(birth: at(1, 1), epoch: 2, home: 1, state: .erased, position: at(1, 2))
    let other = try placement(birth: at(2, 1), home: 2)
    let lost = try placement(birth: at(1, 1), epoch: 2, home: 1, position: at(1, 2, incarnation: 2))
    let ledger = FloorLedger(forgotten: VersionVector([try log(1): 2]))
    func after(_ set: PlacementSet) throws -> [PlacementChange] { ledger.changes(current: [set.tag: set]) }
    #expect(try after(.settled(erased)).map(\.after) == [nil])
    #expect(try after(merge(.settled(erased), other)).map(\.after) == [.settled(other)])
    #expect(try after(merge(.settled(erased), lost)).isEmpty)
    #expect(try after(.settled(other)).isEmpty)
  }
}

@Suite struct ReissueTests {
  /// Who followed the branch has forgotten by it: the others have to, too.
  @Test func `what a branch said may be forgotten is said again, as far as it is about what stands before the branch`() throws {
    let id = try log(2)
    var old = OwnLog(id, head: .start(of: id, digest: simulatedDigest), digest: simulatedDigest)
    let writer = PlacementWriter(region: id.origin)
    _ = old.append(.placement(try writer.register(tag(1), current: nil, timestamp: noon)))
    let orphans = [
      old.append(.placement(try writer.register(tag(2), current: nil, timestamp: noon))),
      old.append(.floor(TombstoneFloor(upTo: try at(2, 2), after: VersionVector([id: 2, try log(1): 9])))),
    ]
    var new = OwnLog(try log(2, 2), head: .start(of: try log(2, 2), digest: simulatedDigest), digest: simulatedDigest)
    let reissue = Reissue(orphans, to: &new, current: [:], documents: [:], digest: simulatedDigest)
    let floors = reissue.records.compactMap { record -> TombstoneFloor? in
      if case .floor(let floor) = record.entry { floor } else { nil }
    }
    #expect(floors == [TombstoneFloor(upTo: try at(2, 1), after: VersionVector([id: 1, try log(1): 9]))])
    #expect(try TombstoneFloor(decoding: floors[0].encoded, origin: id.origin) == floors[0])
  }
}

@Suite struct DigestWalkTests {
  private func sums(_ tags: [SubjectTag], under prefix: [UInt8]) throws -> [DigestSum] {
    var sums = [DigestSum](repeating: .zero, count: 256)
    for tag in tags where tag.bytes.starts(with: prefix) {
      sums[Int(tag.bytes[prefix.count])].add(DigestSum(xor: tag.words.low, count: 1))
    }
    return sums
  }

  /// Tags are hashes: they lie anywhere.
  private func spread(_ count: Int) throws -> [SubjectTag] {
    var random = SeededRandom(seed: 5)
    return try (0..<count).map { _ in
      var bytes: [UInt8] = []
      for _ in 0..<2 { bytes.append(bigEndian: random.next() as UInt64) }
      return try #require(SubjectTag(bytes))
    }
  }

  @Test func `one subject among twenty thousand is found by two levels of sums and a handful of subjects`() throws {
    let tags = try spread(20_000)
    let theirs = tags.filter { $0 != tags[17_777] }
    var walk = DigestWalk(budget: 10)
    var (compared, lookedAt) = (0, [[UInt8]]())
    while walk.next != .done {
      switch walk.next {
      case .compare(let prefix):
        compared += 1
        walk.compared(prefix, ours: try sums(tags, under: prefix), theirs: try sums(theirs, under: prefix))
      case .lookAt(let prefix):
        lookedAt.append(prefix)
        walk.lookedAt(prefix)
      case .done: break
      }
    }
    #expect(compared == 2)
    #expect(lookedAt == [Array(tags[17_777].bytes.prefix(2))])
    #expect(!walk.isEqual && !walk.isCutShort)
    let few = tags.count { $0.bytes.starts(with: lookedAt[0]) }
    #expect(few < 20)
  }

  @Test func `a copy that has lost everything is not walked through at once`() throws {
    let tags = try spread(2_000)
    var walk = DigestWalk(budget: 10)
    walk.compared([], ours: try sums(tags, under: []), theirs: try sums([], under: []))
    #expect(walk.isCutShort)
    var steps = 0
    while case .lookAt(let prefix) = walk.next {
      steps += 1
      walk.lookedAt(prefix)
    }
    #expect(steps == 10)
  }

  @Test func `what is too large for one answer is gone through in parts`() throws {
    let tags = try spread(40)
    var walk = DigestWalk(budget: 20)
    walk.compared([], ours: try sums(tags, under: []), theirs: try sums(Array(tags.dropLast()), under: []))
    guard case .lookAt(let prefix) = walk.next else {
      Issue.record("few subjects are looked at")
      return
    }
    walk.isTooLarge(prefix)
    #expect(walk.next == .compare(prefix))
    walk.compared(prefix, ours: try sums(tags, under: prefix), theirs: try sums(Array(tags.dropLast()), under: prefix))
    #expect(walk.next == .lookAt(Array(try #require(tags.last).bytes.prefix(2))))
    var deepest = DigestWalk(budget: 1)
    deepest.isTooLarge([UInt8](repeating: 1, count: SubjectTag.byteCount - 1))
    #expect(deepest.isCutShort)
  }
}

@Suite struct RecoveryFormTests {
  @Test func `a floor, a basis and a placement are read back as they were written, and nothing else is`() throws {
    let floor = TombstoneFloor(upTo: try at(2, 7), after: VersionVector([try log(2): 9, try log(3, 2): 4]))
    #expect(try LogEntry(decoding: floor.encoded, origin: region(2)) == .floor(floor))
    #expect(throws: DirectoryFormatError.contradictory(.floorAboveItsKnowledge)) {
      try LogEntry(decoding: floor.encoded, origin: region(3))
    }
    let chain = try #require(ChainHash(simulatedDigest([1])))
    let basis = SnapshotBasis(
      heads: [try log(1): AppliedHead(seq: 4, chain: chain), try log(2, 3): AppliedHead(seq: 9, chain: chain)],
      cuts: [LogCut(first: try at(1, 3), chain: chain)],
      floors: FloorLedger(
        pending: [try at(2, 8): floor], reached: VersionVector([try log(1): 2]), forgotten: VersionVector([try log(3): 1])))
    #expect(try SnapshotBasis(decoding: basis.encoded) == basis)
    for cut in 0..<basis.encoded.count {
      #expect(throws: DirectoryFormatError.self) { try SnapshotBasis(decoding: Array(basis.encoded.prefix(cut))) }
    }
    let covers = Coverage([try at(3, 1): .init(epoch: Epoch(2), isErased: true)])
    let later = try placement(birth: at(1, 2), epoch: 5, home: 3, state: .frozen, position: at(3, 8), covers: covers)
    #expect(try Placement(decoding: later.encoded) == later)
    let (position, read) = try Placement.later(decoding: later.later)
    #expect(position == later.position && read == covers)
    #expect(try placement(birth: at(1, 2), home: 1).later.isEmpty)
    // A registration that says that another region is home.
    let forged = try placement(birth: at(1, 2), home: 3)
    #expect(throws: DirectoryFormatError.contradictory(.registrationIsNotFirst)) { try Placement(decoding: forged.encoded) }
  }
}
