import Directory
import Postgres
import Residency

/// The first round trip of a batch: begin, lock what may be written, read everything in one statement (one snapshot).
///
/// The locks come first and in key order: the snapshot is then newer than any commit that they waited for, and two
/// coordinators cannot wait for each other.
struct FactsReading {
  private let needs: [FactsNeeded]
  private let concern: WriteConcern
  private let subjects: [SubjectTag]
  private let records: [RecordAddress]
  private let pages: [PageAddress]
  private let transfers: [(tag: SubjectTag, year: Int32)]
  private let requests: [(tag: SubjectTag, key: [UInt8])]
  private let documents: Set<DocumentID>
  private let documentPages: [DocumentPage]

  /// - Parameter concern: What the transaction that this begins has to become.
  init(_ needs: [FactsNeeded], concern: WriteConcern = .standard) {
    self.needs = needs
    self.concern = concern
    subjects = Set(needs.flatMap(\.subjects)).sorted()
    records = Array(Set(needs.flatMap(\.records)))
    pages = Array(Set(needs.flatMap(\.pages)))
    documents = Set(needs.flatMap(\.documents))
    documentPages = Array(Set(needs.flatMap(\.documentPages)))
    var years: [Int32: Set<SubjectTag>] = [:]
    for needs in needs { for year in needs.transferYears { years[Int32(clamping: year), default: []].formUnion(needs.subjects) } }
    transfers = years.flatMap { year, tags in tags.map { (tag: $0, year: year) } }
    requests = needs.flatMap { needs in needs.requestKey.map { key in needs.subjects.map { (tag: $0, key: key) } } ?? [] }
  }

  var steps: [PipelineStep] {
    let locked = Set(needs.filter(\.mayWrite).flatMap(\.subjects)).sorted()
    var steps = [PipelineStep(.begin, []), PipelineStep(concern.statement, [])]
    if !locked.isEmpty { steps.append(PipelineStep(Self.lockSubjects, [.bytesArray(locked.map(\.bytes))])) }
    // Documents have no row before they are written first, so their writers take turns.
    if needs.contains(where: { $0.mayWrite && !$0.documents.isEmpty }) { steps.append(PipelineStep(.lockDirectory, [])) }
    steps.append(factsStep)
    steps.append(PipelineStep(PlacementRow.read, [.uuidArray(subjects.map(\.bytes))]))
    return steps + documentSteps
  }

  private var documentSteps: [PipelineStep] {
    (documents.isEmpty ? [] : [DocumentRow.read(documents)]) + documentPages.map(DocumentRow.readPage)
  }

  /// Reads everything but placements, in one snapshot, also outside a transaction.
  var factsStep: PipelineStep {
    PipelineStep(
      Self.readFacts,
      [
        .bytesArray(subjects.map(\.bytes)),
        .bytesArray(records.map(\.tag.bytes)), .textArray(records.map(\.collection.rawValue)), .textArray(records.map(\.key)),
        .bytesArray(pages.map(\.tag.bytes)), .textArray(pages.map(\.collection.rawValue)), .textArray(pages.map(\.after)),
        .int64Array(pages.map { Int64($0.limit) }),
        .bytesArray(requests.map(\.tag.bytes)), .bytesArray(requests.map(\.key)),
        .bytesArray(transfers.map(\.tag.bytes)), .int32Array(transfers.map(\.year)),
        .int32Array(Set(transfers.map(\.year)).sorted()),
      ])
  }

  /// Whose records are read.
  var tagsOfRecords: [SubjectTag] { Array(Set(records.map(\.tag) + pages.map(\.tag))) }

  private enum Kind: Int32 { case subject = 1, record, consent, page, answer, transfer, transferCount }

  private static let lockSubjects = Statement(
    "lock_subjects", "SELECT 1 FROM subject WHERE tag = ANY ($1::bytea[]) ORDER BY tag FOR UPDATE")

  /// A page ends with the record that takes it over this: 1 MiB.
  private static let pageBytesMax = 1_048_576
  /// Or with the key that takes all keys over this, since the leaf that records the page names them: escaped, sealed and in
  /// base64 they stay below the 65,535 bytes that a leaf may have.
  private static let pageKeyBytesMax = 20_480

  /// One row shape for every kind of fact: kind, which page, tag, two texts, two numbers, two times in milliseconds, two values.
  private static let readFacts = Statement(
    "read_facts",
    """
    SELECT 1, 0::bigint, tag, state, '', epoch, 0::bigint, (extract(epoch FROM registered_at) * 1000)::bigint, NULL::bigint,
           residence, NULL::bytea
      FROM subject WHERE tag = ANY ($1::bytea[])
    UNION ALL
    SELECT 2, 0, r.tag, r.collection, r.key, r.version, 0, (extract(epoch FROM r.updated_at) * 1000)::bigint, NULL, r.sealed, NULL
      FROM unnest($2::bytea[], $3::text[], $4::text[]) AS w (tag, collection, key)
      JOIN record r ON r.tag = w.tag AND r.collection = w.collection AND r.key = w.key
    UNION ALL
    SELECT 3, 0, tag, purpose, kind, 0, 0, (extract(epoch FROM given_at) * 1000)::bigint,
           (extract(epoch FROM withdrawn_at) * 1000)::bigint, NULL, NULL
      FROM consent WHERE tag = ANY ($1::bytea[])
    UNION ALL
    SELECT 4, w.ordinality, p.tag, p.collection, p.key, p.version, p.follows, (extract(epoch FROM p.updated_at) * 1000)::bigint,
           NULL, p.sealed, NULL
      FROM unnest($5::bytea[], $6::text[], $7::text[], $8::bigint[]) WITH ORDINALITY AS w (tag, collection, after, size, ordinality)
      CROSS JOIN LATERAL (
        SELECT c.*, count(*) OVER () - row_number() OVER (ORDER BY c.key) AS follows,
               sum(octet_length(c.sealed)) OVER (ORDER BY c.key) - octet_length(c.sealed) AS before,
               sum(octet_length(c.key)) OVER (ORDER BY c.key) - octet_length(c.key) AS keys_before
          FROM (SELECT * FROM record r
                 WHERE r.tag = w.tag AND r.collection = w.collection AND r.key > w.after AND r.sealed IS NOT NULL
                 ORDER BY r.key LIMIT w.size + 1) AS c
         ORDER BY c.key LIMIT w.size) AS p
     WHERE p.before < \(pageBytesMax) AND p.keys_before < \(pageKeyBytesMax)
    UNION ALL
    SELECT 5, 0, a.tag, encode(a.key, 'hex'), '', a.leaf_index, 0, NULL, NULL, a.sealed, a.leaf_hash
      FROM unnest($9::bytea[], $10::bytea[]) AS w (tag, key)
      JOIN idempotency a ON a.tag = w.tag AND a.key = w.key AND a.expires_at > now()
    UNION ALL
    SELECT 6, 0, t.tag, t.class, '', t.year, 0, NULL, NULL, NULL, NULL
      FROM unnest($11::bytea[], $12::integer[]) AS w (tag, year) JOIN transfer t ON t.tag = w.tag AND t.year = w.year
    UNION ALL
    SELECT 7, 0, NULL, class, '', year, people, NULL, NULL, NULL, NULL FROM transfer_count WHERE year = ANY ($13::integer[])
    """)

  /// The batch's facts, opened with the subjects' keys.
  /// - Parameter newKeys: those of subjects that may be registered by the batch.
  func facts(
    from results: [PostgresResult], keys vault: KeyVault, newKeys: [SubjectTag: SubjectKeys]
  ) async throws -> Facts {
    guard results.count == steps.count else { throw StoreError.corrupt(what: "the answer to a read") }
    let ofSubjects = results.dropLast(documentSteps.count).suffix(2).map(\.rows)
    let (rows, placements) = (ofSubjects[0], ofSubjects[1])
    var facts = Facts()
    facts.placements = try PlacementRow.sets(placements)
    try addDocuments(Array(results.suffix(documentSteps.count)), to: &facts)

    let byKind = try Self.byKind(rows)
    let present = try byKind[.subject, default: []].map { try Self.tag(of: $0) }
    let found = try await vault.keys(for: present)
    facts.unreadable = found.unreadable
    let keys = newKeys.isEmpty ? found.keys : found.keys.merging(newKeys) { known, _ in known }
    facts.keys = keys

    for row in byKind[.subject, default: []] { try facts.guarding(Self.tag(of: row)) { try $0.addSubject(row, keys: keys) } }
    for row in byKind[.consent, default: []] { try facts.guarding(Self.tag(of: row)) { try $0.addConsent(row) } }
    try addRecords(byKind, to: &facts, keys: keys)
    for row in byKind[.answer, default: []] {
      try facts.guarding(Self.tag(of: row)) { try $0.addAnswer(row, keys: keys) }
    }
    for row in byKind[.transfer, default: []] {
      facts.transfers.noteCounted(try Self.tag(of: row), in: try Self.classInYear(of: row))
    }
    for row in byKind[.transferCount, default: []] {
      facts.transfers.note(Int(try row.int64(6)), of: try Self.classInYear(of: row))
    }
    return facts
  }

  private func addDocuments(_ results: [PostgresResult], to facts: inout Facts) throws {
    if !documents.isEmpty, let first = results.first { facts.documents = try DocumentRow.sets(first.rows) }
    for (page, result) in zip(documentPages, results.suffix(documentPages.count)) {
      facts.documentPages[page] = try DocumentRow.page(result.rows)
    }
  }

  private static func classInYear(of row: PostgresRow) throws -> ClassInYear {
    ClassInYear(DataClass(try row.text(3)), in: Int(try row.int64(5)))
  }

  /// Records and pages among the answers to ``factsStep``.
  func add(_ rows: [PostgresRow], to facts: inout Facts, keys: [SubjectTag: SubjectKeys]) throws {
    try addRecords(try Self.byKind(rows), to: &facts, keys: keys)
  }

  private static func byKind(_ rows: [PostgresRow]) throws -> [Kind: [PostgresRow]] {
    var byKind: [Kind: [PostgresRow]] = [:]
    for row in rows {
      guard let kind = Kind(rawValue: try row.int32(0)) else { throw StoreError.corrupt(what: "the kind of a row") }
      byKind[kind, default: []].append(row)
    }
    return byKind
  }

  private func addRecords(_ byKind: [Kind: [PostgresRow]], to facts: inout Facts, keys: [SubjectTag: SubjectKeys]) throws {
    for row in byKind[.record, default: []] {
      try facts.guarding(Self.tag(of: row)) { facts in
        let record = try StoredRecord(row, keys: keys)
        facts.records[record.address] = record
      }
    }
    for row in try byKind[.page, default: []].sorted(by: { try $0.int64(6) > $1.int64(6) }) {
      let index = Int(try row.int64(1)) - 1
      guard pages.indices.contains(index) else { throw StoreError.corrupt(what: "the number of a page") }
      try facts.guarding(Self.tag(of: row)) { facts in
        facts.pages[pages[index], default: StoredPage()].records.append(try StoredRecord(row, keys: keys))
        facts.pages[pages[index]]?.hasMore = try row.int64(6) > 0
      }
    }
  }

  fileprivate static func tag(of row: PostgresRow) throws -> SubjectTag {
    guard let tag = SubjectTag(try row.bytes(2)) else { throw StoreError.corrupt(what: "a tag") }
    return tag
  }
}

extension Facts {
  /// Keeps what does not open from failing more than the operations on its subject.
  fileprivate mutating func guarding(_ tag: SubjectTag, _ body: (inout Facts) throws -> Void) throws {
    do { try body(&self) } catch StoreError.corrupt { unreadable.insert(tag) }
  }

  fileprivate mutating func addSubject(_ row: PostgresRow, keys: [SubjectTag: SubjectKeys]) throws {
    let tag = try FactsReading.tag(of: row)
    guard let state = SubjectState(rawValue: try row.text(3)), let keys = keys[tag] else {
      throw StoreError.corrupt(what: "a subject")
    }
    subjects[tag] = SubjectFacts(
      epoch: Epoch(try row.uint64(5)), state: state,
      residence: try Sealer.openResidence(try row.bytes(9), of: tag, keys: keys),
      registeredAt: try row.uint64(7), consents: [])
  }

  fileprivate mutating func addConsent(_ row: PostgresRow) throws {
    let consent = ConsentFacts(
      purpose: Purpose(try row.text(3)), kind: try row.text(4), givenAt: try row.uint64(7),
      withdrawnAt: try row.optionalUInt64(8))
    subjects[try FactsReading.tag(of: row)]?.consents.append(consent)
  }

  fileprivate mutating func addAnswer(_ row: PostgresRow, keys: [SubjectTag: SubjectKeys]) throws {
    let tag = try FactsReading.tag(of: row)
    guard let key = [UInt8](hex: try row.text(3)), let keys = keys[tag] else { throw StoreError.corrupt(what: "a kept answer") }
    let opened = try Sealer.openAnswer(try row.bytes(9), of: tag, key: key, keys: keys)
    settledRequests[key] = try SettledRequest(opened, leafIndex: try row.uint64(5), leafHashes: try row.bytes(10))
  }
}

extension StoredRecord {
  fileprivate init(_ row: PostgresRow, keys: [SubjectTag: SubjectKeys]) throws {
    let tag = try FactsReading.tag(of: row)
    guard let keys = keys[tag] else { throw StoreError.corrupt(what: "a record") }
    let address = RecordAddress(tag: tag, collection: CollectionName(try row.text(3)), key: try row.text(4))
    let version = try row.uint64(5)
    let value = try row.optionalBytes(9).map { try Sealer.open($0, at: address, version: version, keys: keys) }
    self.init(address: address, version: version, value: value, updatedAt: try row.uint64(7))
  }
}
