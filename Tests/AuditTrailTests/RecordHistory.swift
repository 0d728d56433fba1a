import AuditTrail
import Cryptography
import Residency

/// A made-up region: people come, write, delete, repeat, leave and get other ids, while somebody reads its rows page by page.
///
/// Every person has a key, and the log's name for one is made of that, the id and the month. Ids order people, as tags do.
struct RecordHistory {
  struct Record {
    var version: Int64
    var isDeleted: Bool
  }

  struct Person {
    let key: Int
    let registeredIn: Int
    var records: [CollectionName: [Int: Record]] = [:]
    var isFrozen = false
    /// Which id it is copied from.
    var copiedFrom: Int?
    var isCopied = false
  }

  /// A write, and whose.
  struct Step {
    let leaf: RowLeaf
    let id: Int
    let collection: CollectionName
    let version: Int64
  }

  private(set) var people: [Int: Person] = [:]
  private(set) var leaves: [RowLeaf] = []
  private(set) var steps: [Step] = []
  private(set) var size = 0
  private(set) var pages: [StoredRowsPage] = []
  /// Whose the page's subjects are, in the same order.
  private(set) var told: [[Int]] = []
  private(set) var departures = 0
  private var month = 0
  private var nextKey = 0
  private var position = -1
  private var isRead = false
  /// Ids that were erased, and the keys that may be left of them.
  private var left: [Int: Int] = [:]

  static let collections = ["orders", "profile", "notes"].map { CollectionName($0) }
  private static let months = ["2026-10", "2026-11", "2026-12"]

  /// - Parameter leaving: whether people may leave or get another id.
  init(length: Int, leaving: Bool, _ random: inout SeededRandom) throws {
    for _ in 0..<6 { register(at: random.below(1_000)) }
    let readFrom = length / 2
    for step in 0..<length {
      if step == length / 3 || step == length * 2 / 3 { month += 1 }
      try happen(leaving: leaving, &random)
      if step >= readFrom, random.below(4) == 0 { readPage(random.below(3) + 1) }
    }
    while !isRead { readPage(3) }
  }

  private mutating func happen(leaving: Bool, _ random: inout SeededRandom) throws {
    let what = random.below(100)
    guard let id = people.keys.sorted().randomElement(using: &random), var person = people[id] else {
      return register(at: random.below(1_000))
    }
    switch what {
    // Reads, refusals, repeats: leaves that say nothing of rows.
    case ..<20: size += 1
    case ..<30: register(at: random.below(1_000))
    case ..<86:
      guard !person.isFrozen else { return }
      let collection = Self.collections[random.below(3)]
      let key = random.below(4)
      var record = person.records[collection]?[key] ?? Record(version: 0, isDeleted: true)
      // Only what is there is deleted.
      record.isDeleted = record.isDeleted ? false : random.below(4) == 0
      record.version += 1
      person.records[collection, default: [:]][key] = record
      people[id] = person
      let leaf = try log(.version(UInt64(record.version), of: collection), person.key, id)
      steps.append(Step(leaf: leaf, id: id, collection: collection, version: record.version))
    case ..<90 where leaving && !person.isFrozen:
      _ = try log(.erased, person.key, id)
      people[id] = nil
      left[id] = person.key
      departures += 1
    case ..<95 where leaving && person.copiedFrom != nil: try finishRenaming(id)
    case _ where leaving && !person.isFrozen: beginRenaming(id, to: 1_000 + random.below(1_000))
    default: return
    }
  }

  private mutating func register(at id: Int) {
    guard people[id] == nil else { return }
    // One who comes back before the keys are destroyed has the old ones, and so the old names.
    let key = left[id] ?? nextKey
    nextKey += 1
    people[id] = Person(key: key, registeredIn: month)
    size += 1
  }

  private mutating func beginRenaming(_ id: Int, to newID: Int) {
    guard let person = people[id], people[newID] == nil, left[newID] == nil else { return }
    var copy = Person(key: person.key, registeredIn: month)
    copy.isFrozen = true
    copy.copiedFrom = id
    copy.isCopied = true
    // Without those that were deleted.
    copy.records = person.records.mapValues { $0.filter { !$0.value.isDeleted } }
    people[newID] = copy
    people[id]?.isFrozen = true
    size += 1
  }

  private mutating func finishRenaming(_ newID: Int) throws {
    guard let person = people[newID], let oldID = person.copiedFrom else { return }
    people[newID]?.isFrozen = false
    people[newID]?.copiedFrom = nil
    people[oldID] = nil
    _ = try log(.renamed, person.key, newID)
    departures += 1
  }

  private mutating func log(_ change: RowLeaf.Change, _ key: Int, _ id: Int) throws -> RowLeaf {
    let time = UTCTime("\(Self.months[month])-15") ?? UTCTime(milliseconds: 0)
    let leaf = RowLeaf(index: size, time: time, subject: Self.pseudonym(key, id, month).code, change: change)
    leaves.append(leaf)
    size += 1
    return leaf
  }

  static func pseudonym(_ key: Int, _ id: Int, _ month: Int) -> AuditPseudonym {
    AuditPseudonym(
      period: AuditPeriod(months[month]) ?? AuditPeriod(containing: UTCTime(milliseconds: 0)),
      code: SHA256.digest(of: Array("\(key) \(id) \(month)".utf8)))
  }

  private mutating func readPage(_ count: Int) {
    guard !isRead else { return }
    let ids = people.keys.filter { $0 > position }.sorted().prefix(count)
    isRead = ids.count < count
    position = ids.last ?? position
    told.append(Array(ids))
    pages.append(StoredRowsPage(auditSize: size, subjects: ids.compactMap { id in people[id].map { subject($0, id) } }))
  }

  private func subject(_ person: Person, _ id: Int) -> StoredSubject {
    StoredSubject(
      pseudonyms: (person.registeredIn...month).map { Self.pseudonym(person.key, id, $0) },
      rows: person.records.mapValues { records in
        records.values.reduce(into: [:]) { $0[$1.version, default: 0] += 1 }
      }, isFrozen: person.isFrozen)
  }
}

extension RecordHistory {
  /// - Parameters:
  ///   - without: a leaf that the log does not have.
  ///   - edit: changes what is told of a person, or leaves the person out.
  func outcome(
    without: RowLeaf? = nil, edit: (_ id: Int, StoredSubject) -> StoredSubject? = { $1 }
  ) throws -> RowReconciliation.Outcome {
    var rows = StoredRows()
    for (page, ids) in zip(pages, told) {
      let subjects = zip(ids, page.subjects).compactMap { edit($0, $1) }
      try rows.add(StoredRowsPage(auditSize: page.auditSize, subjects: subjects))
    }
    var reconciliation = RowReconciliation(rows)
    for leaf in leaves where leaf.index != without?.index { reconciliation.add(leaf) }
    return reconciliation.outcome(size: size)
  }

  /// The page that tells of a person, and what it tells.
  func page(of id: Int) -> (auditSize: Int, subject: StoredSubject)? {
    for (page, ids) in zip(pages, told) {
      if let place = ids.firstIndex(of: id) { return (page.auditSize, page.subjects[place]) }
    }
    return nil
  }
}

extension SeededRandom {
  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
