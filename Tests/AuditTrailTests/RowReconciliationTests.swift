import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct RowReconciliationTests {
  private static let orders = CollectionName("orders")
  private static let name = RecordHistory.pseudonym(1, 1, 0)
  private static let time = UTCTime("2026-10-15") ?? UTCTime(milliseconds: 0)

  private func leaf(_ index: Int, _ change: RowLeaf.Change, of subject: AuditPseudonym = name, at time: UTCTime = time) -> RowLeaf
  {
    RowLeaf(index: index, time: time, subject: subject.code, change: change)
  }

  private func write(_ index: Int, _ version: UInt64, of subject: AuditPseudonym = name, at time: UTCTime = time) -> RowLeaf {
    leaf(index, .version(version, of: Self.orders), of: subject, at: time)
  }

  private func outcome(
    _ subjects: [StoredSubject], at auditSize: Int = 100, _ leaves: [RowLeaf], size: Int = 100
  ) throws -> RowReconciliation.Outcome {
    var rows = StoredRows()
    try rows.add(StoredRowsPage(auditSize: auditSize, subjects: subjects))
    var reconciliation = RowReconciliation(rows)
    for leaf in leaves { reconciliation.add(leaf) }
    return reconciliation.outcome(size: size)
  }

  private func subject(
    _ versions: [Int64: UInt64], isFrozen: Bool = false, isCutShort: Bool = false
  ) -> StoredSubject {
    StoredSubject(pseudonyms: [Self.name], rows: [Self.orders: versions], isFrozen: isFrozen, isCutShort: isCutShort)
  }

  @Test func `whoever is stored and not at home there is named, and cannot be hidden behind lost keys`() throws {
    func stored(_ home: StoredHome, named: Bool = true, isFrozen: Bool = false, isLeaving: Bool = false) -> StoredSubject {
      StoredSubject(
        pseudonyms: named ? [Self.name] : [], rows: [Self.orders: [1: 2]], isFrozen: isFrozen, home: home, isLeaving: isLeaving)
    }
    let leaves = [write(1, 1), write(2, 1)]
    #expect(try outcome([stored(.here)], leaves).findings.isEmpty)
    for (home, region) in [(StoredHome.elsewhere("us-east"), "us-east"), (.nowhere, nil)] {
      let named = try outcome([stored(home)], leaves).findings
      #expect(named == [.rowsElsewhere(Self.name, at: region, count: 2)])
      #expect(named.first?.exit == .violations)
      let unnamed = try outcome([stored(home, named: false)], []).findings
      #expect(unnamed.first == .rowsElsewhere(nil, at: region, count: 2))
      #expect(try outcome([stored(home, isFrozen: true)], leaves).findings.count == 1)
      // The account agreed to give up its id: that is said, and no violation.
      let leaving = try outcome([stored(home, isLeaving: true)], leaves)
      #expect(leaving.findings.isEmpty && leaving.notChecked.contains { $0.contains("give up their id") })
    }
    let untold = try outcome([stored(.untold)], leaves)
    #expect(untold.findings.isEmpty && untold.notChecked.contains { $0.contains("does not tell") })
  }

  /// A region whose clock may be behind gives the name of a month that has not begun.
  @Test func `whoever is out of place is named as the log named them last`() throws {
    let next = RecordHistory.pseudonym(1, 1, 1)
    let stored = StoredSubject(pseudonyms: [Self.name, next], rows: [Self.orders: [1: 2]], home: .nowhere)
    let leaves = [write(1, 1), write(2, 1)]
    #expect(try outcome([stored], leaves).findings == [.rowsElsewhere(Self.name, at: nil, count: 2)])
    let named = try outcome([stored], leaves.dropLast() + [write(3, 1, of: next)]).findings
    #expect(named == [.rowsElsewhere(next, at: nil, count: 2)])
  }

  // MARK: Any history

  @Test(arguments: 1...120)
  func `whatever a region does, its rows and its log agree`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let history = try RecordHistory(length: 300, leaving: seed % 3 != 0, &random)
    let outcome = try history.outcome()
    #expect(outcome.findings.isEmpty, "seed \(seed): \(outcome.findings)")
    #expect(outcome.agreeing > 10, "seed \(seed)")
  }

  @Test(arguments: 1...80)
  func `without one leaf, the row that it speaks of is named`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let history = try RecordHistory(length: 200, leaving: false, &random)
    let steps = history.steps.filter { step in history.page(of: step.id).map { step.leaf.index < $0.auditSize } ?? false }
    let step = try #require(steps.randomElement(using: &random))
    let found = try history.outcome(without: step.leaf).findings
    let names = try #require(history.page(of: step.id)).subject.pseudonyms
    guard case .rowsUnlogged(let versions, count: 1) = try #require(found.first), found.count == 1 else {
      return #expect(Bool(false), "seed \(seed): \(found)")
    }
    #expect(names.contains(versions.subject) && versions.collection == step.collection, "seed \(seed)")
    #expect(versions.versions == step.version...step.version, "seed \(seed)")
  }

  @Test(arguments: 1...80)
  func `without one row, the leaves that speak of it are named`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let history = try RecordHistory(length: 200, leaving: false, &random)
    let ids = history.told.joined().filter { history.page(of: $0)?.subject.rows.isEmpty == false }
    let id = try #require(Array(ids).randomElement(using: &random))
    let rows = try #require(history.page(of: id)).subject.rows
    let collection = try #require(rows.keys.sorted().randomElement(using: &random))
    let version = try #require(rows[collection]?.keys.sorted().randomElement(using: &random))
    let found = try history.outcome { person, subject in
      guard person == id else { return subject }
      var rows = subject.rows
      rows[collection]?[version]? -= 1
      return StoredSubject(pseudonyms: subject.pseudonyms, rows: rows)
    }.findings
    guard case .rowsMissing(let versions, count: 1, let leaf, _) = try #require(found.first), found.count == 1 else {
      return #expect(Bool(false), "seed \(seed): \(found)")
    }
    #expect(versions.collection == collection && versions.versions == 1...version, "seed \(seed)")
    #expect(history.steps.contains { $0.leaf.index == leaf && $0.id == id && $0.version == version }, "seed \(seed)")
  }

  @Test(arguments: 1...80)
  func `a person whose rows are all gone is named, where nobody has left`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let history = try RecordHistory(length: 200, leaving: false, &random)
    let firstSize = try #require(history.pages.first).auditSize
    let step = try #require(history.steps.filter { $0.leaf.index < firstSize }.randomElement(using: &random))
    let found = try history.outcome { id, subject in id == step.id ? nil : subject }.findings
    let missing = found.compactMap { finding -> AuditPseudonym? in
      guard case .accountMissing(let pseudonym, _) = finding else { return nil }
      return pseudonym
    }
    #expect(missing.count == found.count && missing.contains { $0.code == step.leaf.subject }, "seed \(seed): \(found)")
  }

  // MARK: Rows and leaves

  @Test func `a row written past the log is named with its versions`() throws {
    let found = try outcome([subject([3: 1])], []).findings
    #expect(found == [.rowsUnlogged(RecordVersions(of: Self.name, in: Self.orders, 1...3), count: 1)])
    #expect(found.first?.exit == .violations)
    #expect(found.first?.description.contains("a stored version with no leaf: versions 1 to 3 in 'orders'") == true)
  }

  @Test func `a row set back past the log is named by the leaves of what it lost`() throws {
    let found = try outcome([subject([1: 1])], [write(4, 1), write(7, 2), write(9, 3)]).findings
    #expect(
      found == [.rowsMissing(RecordVersions(of: Self.name, in: Self.orders, 2...3), count: 1, leaf: 9, isCertain: true)])
    #expect(found.first?.exit == .violations && found.first?.index == 9)
    #expect(found.first?.description.contains("a leaf with no stored row: versions 2 to 3 in 'orders'") == true)
  }

  @Test func `which of two records is gone cannot be told, and is not`() throws {
    let found = try outcome([subject([2: 1])], [write(4, 1), write(5, 1), write(7, 2), write(9, 2)]).findings
    #expect(
      found == [.rowsMissing(RecordVersions(of: Self.name, in: Self.orders, 1...2), count: 1, leaf: 9, isCertain: false)])
    #expect(found.first?.index == nil)
  }

  @Test func `a person is named as the log named them last`() throws {
    let later = RecordHistory.pseudonym(1, 1, 1)
    let person = StoredSubject(
      pseudonyms: [Self.name, later, RecordHistory.pseudonym(1, 1, 2)], rows: [Self.orders: [3: 1]])
    let found = try outcome([person], [write(4, 1), write(7, 2, of: later, at: Self.later)]).findings
    #expect(found == [.rowsUnlogged(RecordVersions(of: later, in: Self.orders, 3...3), count: 1)])
  }

  @Test func `a record under another collection is missing here and unlogged there`() throws {
    let moved = StoredSubject(pseudonyms: [Self.name], rows: [CollectionName("notes"): [1: 1]])
    let found = try outcome([moved], [write(4, 1)]).findings
    #expect(found.map(\.code) == ["rows_unlogged", "rows_missing"])
  }

  @Test func `leaves after the rows were read say nothing of them`() throws {
    #expect(try outcome([subject([1: 1])], at: 10, [write(4, 1), write(10, 2)]).findings.isEmpty)
    #expect(try outcome([subject([2: 1])], at: 11, [write(4, 1), write(10, 2)]).findings.isEmpty)
    #expect(try outcome([subject([1: 1])], at: 11, [write(4, 1), write(10, 2)]).findings.map(\.code) == ["rows_missing"])
  }

  @Test func `versions that no program wrote are named, however far they are apart`() throws {
    let found = try outcome([subject([0: 1, -7: 2, .max: 1, 1_000_000_000_000: 3])], []).findings
    func versions(_ range: ClosedRange<Int64>) -> RecordVersions { RecordVersions(of: Self.name, in: Self.orders, range) }
    #expect(
      found == [
        .rowsUnlogged(versions(-7 ... -7), count: 2), .rowsUnlogged(versions(0...0), count: 1),
        .rowsUnlogged(versions(1...1_000_000_000_000), count: 4),
        .rowsUnlogged(versions(1_000_000_000_001 ... .max), count: 1),
      ])
  }

  @Test(arguments: 1...120)
  func `rows and leaves are compared at each version`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var rows: [Int64: UInt64] = [:]
    var leaves: [Int64: VersionComparison.Leaves] = [:]
    for _ in 0..<random.below(6) { rows[Int64(random.below(9)) + 1, default: 0] += 1 }
    for index in 0..<random.below(20) {
      let version = Int64(random.below(9)) + 1
      leaves[version] = VersionComparison.Leaves(count: (leaves[version]?.count ?? 0) + 1, last: index)
    }
    var expected: [Int64: Int] = [:]
    for version in Int64(1)...12 {
      let stored = rows.filter { $0.key >= version }.values.reduce(0, +)
      expected[version] = Int(stored) - Int(leaves[version]?.count ?? 0)
    }
    var found: [Int64: Int] = [:]
    for difference in VersionComparison(rows: rows, leaves: leaves).differences {
      switch difference {
      case .unlogged(let versions, let count): for version in versions { found[version] = Int(count) }
      case .missing(let versions, let count, let last, let isCertain):
        for version in versions { found[version] = -Int(count) }
        #expect(leaves[versions.upperBound]?.last == last)
        #expect(isCertain == (leaves[versions.upperBound]?.count == count))
      }
    }
    #expect(found == expected.filter { $0.value != 0 }, "seed \(seed)")
  }

  // MARK: What cannot be compared

  @Test func `of people whose records were copied only missing rows are findings, and that is said`() throws {
    let renamed = try outcome([subject([3: 2])], [leaf(5, .renamed), write(8, 4)])
    #expect(renamed.findings.map(\.code) == ["rows_missing"])
    #expect(renamed.notChecked.contains { $0.contains("1 person whose records were copied") })
    let frozen = try outcome([subject([3: 2], isFrozen: true)], [])
    #expect(frozen.findings.isEmpty && frozen.notChecked.contains { $0.contains("copied") })
  }

  @Test func `who comes back with the keys of before is compared from the erasure on`() throws {
    #expect(try outcome([subject([1: 1])], [write(3, 1), write(4, 2), leaf(6, .erased), write(8, 1)]).findings.isEmpty)
    // One that came after the rows were read does not show in them.
    #expect(try outcome([subject([1: 1])], at: 5, [write(3, 1), leaf(6, .erased)]).findings.isEmpty)
  }

  @Test func `rows that could not be had are an incomplete verification`() throws {
    let cut = try outcome([subject([1: 1], isCutShort: true)], []).findings
    #expect(cut.map(\.code) == ["rows_unread"] && cut.first?.exit == .incomplete)
    let beyond = try outcome([subject([1: 1])], at: 200, [], size: 150).findings
    #expect(beyond.map(\.code) == ["rows_unread"])
    #expect(beyond.first?.description.contains("as of leaf 200") == true)
    let unnamed = StoredSubject(pseudonyms: [], rows: [Self.orders: [1: 1]])
    #expect(try outcome([unnamed], []).findings.map(\.code) == ["rows_unread"])
    var rows = StoredRows()
    rows.problem = "the region refused the token"
    let refused = RowReconciliation(rows).outcome(size: 10)
    #expect(refused.findings.map(\.description).first?.contains("refused the token") == true)
    #expect(refused.notChecked.contains { $0.contains("nothing is stored") })
    // Whoever is not on the pages that were read may be on the others.
    var some = StoredRows()
    try some.add(StoredRowsPage(auditSize: 10, subjects: [subject([1: 1])]))
    some.problem = "unreachable"
    var reconciliation = RowReconciliation(some)
    for leaf in [write(2, 1), write(3, 1, of: Self.other)] { reconciliation.add(leaf) }
    #expect(reconciliation.outcome(size: 10).findings.map(\.code) == ["rows_unread"])
  }

  @Test func `a region that tells of one person twice, or of a log that gets shorter, is not believed`() throws {
    var rows = StoredRows()
    try rows.add(StoredRowsPage(auditSize: 10, subjects: [subject([1: 1])]))
    #expect(throws: FormatError.self) { try rows.add(StoredRowsPage(auditSize: 10, subjects: [subject([1: 1])])) }
    #expect(throws: FormatError.self) { try rows.add(StoredRowsPage(auditSize: 9, subjects: [])) }
  }

  // MARK: People of whom nothing is stored

  private static let other = RecordHistory.pseudonym(2, 2, 0)
  private static let later = UTCTime("2026-11-15") ?? UTCTime(milliseconds: 0)

  @Test func `writes for somebody of whom nothing is stored are a finding`() throws {
    let found = try outcome([], [write(3, 1), write(5, 2)]).findings
    #expect(found == [.accountMissing(Self.name, leaf: 5)] && found.first?.exit == .violations)
    #expect(found.first?.index == 5)
  }

  @Test func `somebody who was erased afterwards is gone rightly, in the months before too`() throws {
    #expect(try outcome([], [write(3, 1), leaf(6, .erased)]).findings.isEmpty)
    let laterName = RecordHistory.pseudonym(1, 1, 1)
    let outcome = try outcome([], [write(3, 1), leaf(6, .erased, of: laterName, at: Self.later)])
    #expect(outcome.findings.isEmpty)
    #expect(outcome.observations.contains { $0.contains("1 with writes") && $0.contains("1 erased") })
    #expect(try self.outcome([], [write(3, 1), leaf(6, .renamed, of: Self.other)]).findings.isEmpty)
  }

  @Test func `an erasure explains nobody who wrote after it, and in its own month nobody else`() throws {
    #expect(
      try outcome([], [leaf(2, .erased, of: Self.other, at: Self.later), write(3, 1)]).findings.map(\.code) == ["account_missing"]
    )
    #expect(try outcome([], [write(3, 1), leaf(6, .erased, of: Self.other)]).findings.map(\.code) == ["account_missing"])
    #expect(try outcome([], [write(3, 1), leaf(6, .erased), write(8, 1)]).findings == [.accountMissing(Self.name, leaf: 8)])
  }

  @Test func `one erasure explains one of two who are gone`() throws {
    let third = RecordHistory.pseudonym(3, 3, 1)
    let outcome = try outcome(
      [], [write(3, 1), write(4, 1, of: Self.other), leaf(6, .erased, of: third, at: Self.later)])
    let period = Self.name.period
    #expect(outcome.findings == [.accountsMissing(period, atLeast: 1, of: 2)])
    #expect(outcome.findings.first?.exit == .violations)
  }

  @Test func `who may have come while the rows were read is not missed, and whoever cannot be named may be anybody`() throws {
    #expect(try outcome([], at: 3, [write(3, 1)]).findings.isEmpty)
    let unnamed = StoredSubject(pseudonyms: [], rows: [:])
    #expect(try outcome([unnamed], [write(3, 1)]).findings.map(\.code) == ["rows_unread"])
  }

  // MARK: Leaves

  @Test func `only allowed writes and deletions at home that name a version speak of rows`() throws {
    var event = try SampleLog.event(0)
    event.recordVersion = 7
    func row(_ edit: (inout AuditEvent) -> Void) -> RowLeaf? {
      var event = event
      edit(&event)
      return RowLeaf(LeafOutline(event, index: 12))
    }
    let subject = try #require(event.subject).code
    #expect(
      row { _ in } == RowLeaf(index: 12, time: event.time, subject: subject, change: .version(7, of: CollectionName("profile"))))
    #expect(row { $0.activity = .delete }?.change == .version(7, of: CollectionName("profile")))
    // A repeat that was answered as before.
    #expect(row { $0.recordVersion = nil } == nil)
    #expect(row { $0.activity = .read } == nil)
    #expect(row { $0.effect = .denied } == nil)
    #expect(row { $0.subject = nil } == nil)
    let other = try #require(RegionID("us-east"))
    #expect(row { $0.counterpart = AuditEvent.Counterpart(region: other, index: 1) } == nil)
    #expect(row { $0.activity = .erase }?.change == .erased)
    // An operator's resolution is not yet a new id.
    #expect(row { $0.activity = .resolveContest } == nil)
    #expect(
      row {
        $0.activity = .resolveContest
        $0.principal = nil
      }?.change == .renamed)
  }

  @Test func `a tile tells of rows the same however its leaves are read`() throws {
    let log = try SampleLog(size: 256) { index, event in
      event.recordVersion = index % 4 == 0 ? nil : UInt64(index)
      if index % 9 == 0 { event.principal = "büro \"eins\"" }
      if index % 25 == 0 { event.activity = .erase }
    }
    let (entries, hashes) = (try #require(log.files["tile/entries/000"]), try #require(log.files["tile/0/000"]))
    func rows(_ interest: LeafInterest) -> [RowLeaf]? {
      LeafTileReading(0, treeSize: 256, entries: .bytes(entries), hashes: .bytes(hashes), for: interest)?.rows
    }
    let expected = try log.leaves.enumerated().compactMap { RowLeaf(LeafOutline(try AuditEvent(leaf: $1), index: $0)) }
    #expect(expected.count > 40)
    #expect(rows(LeafInterest(rows: true)) == expected)
    #expect(rows(LeafInterest(completeness: true, rows: true)) == expected)
    #expect(rows(LeafInterest(outlines: true, rows: true)) == expected)
    #expect(rows(LeafInterest(rows: true) { _ in true }) == expected)
    #expect(rows(.everything) == [])
  }

  @Test func `findings about rows say in JSON whose and which`() {
    let versions = RecordVersions(of: Self.name, in: Self.orders, 2...3)
    let json = Finding.rowsMissing(versions, count: 1, leaf: 9, isCertain: true).json
    #expect(json["kind"] == "rows_missing" && json["index"] == 9)
    #expect(json["pseudonym"] == .string(Self.name.description) && json["period"] == "2026-10")
    #expect(json["collection"] == "orders" && json["first_version"] == "2" && json["last_version"] == "3")
    #expect(Finding.rowsUnlogged(versions, count: 1).json["count"] == "1")
    #expect(Finding.accountMissing(Self.name, leaf: 5).json["pseudonym"] == .string(Self.name.description))
    #expect(Finding.accountsMissing(Self.name.period, atLeast: 2, of: 3).json["period"] == "2026-10")
  }
}
