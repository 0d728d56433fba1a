import Directory
import Postgres
import Residency

/// How documents stand in PostgreSQL: a row for each version that no other one has replaced, with the entry that wrote it.
enum DocumentRow {
  private static let columns = "origin, incarnation, seq, entry"

  static func read(_ ids: some Collection<DocumentID>) -> PipelineStep {
    PipelineStep(readDocuments, [.uuidArray(ids.map { $0.tag(DirectoryTransaction.digest).bytes })])
  }

  static func facts(_ rows: [PostgresRow]) throws -> [DocumentFact] {
    try rows.map { row in
      let entry = try DocumentEntry(decoding: try row.bytes(3))
      return DocumentFact(
        id: entry.id, version: entry.version(at: try RegionStore.position(row)), digest: DirectoryTransaction.digest)
    }
  }

  static func sets(_ rows: [PostgresRow]) throws -> [DocumentID: DocumentSet] {
    Dictionary(grouping: try facts(rows), by: \.id).mapValues { DocumentSet(joining: $0.map(\.version)) }
  }

  /// The steps that make the rows say what `changes` say, and the digest too.
  static func write(_ changes: [DocumentChange], hash: KeyedHash) -> [PipelineStep] {
    guard !changes.isEmpty else { return [] }
    let facts = changes.flatMap(\.facts)
    return [
      PipelineStep(delete, [.uuidArray(changes.map(\.tag.bytes))]),
      PipelineStep(
        insert,
        [
          .uuidArray(facts.map(\.tag.bytes)), .int32Array(facts.map { Int32($0.version.dot.origin.rawValue) }),
          .int32Array(facts.map { Int32(bitPattern: $0.version.dot.incarnation.rawValue) }),
          .int64Array(facts.map { Int64(bitPattern: $0.version.dot.seq) }), .textArray(facts.map(\.id.collection.rawValue)),
          .textArray(facts.map(\.id.key)), .boolArray(facts.map { $0.version.value == nil }),
          .bytesArray(facts.map(\.entry.encoded)),
        ]),
    ] + DigestRow.fold(DigestDelta(changes, hash: hash))
  }

  private static let readDocuments = Statement(
    "read_documents", "SELECT \(columns) FROM document WHERE tag = ANY ($1::uuid[])")
  private static let delete = Statement("delete_documents", "DELETE FROM document WHERE tag = ANY ($1::uuid[])")
  private static let insert = Statement(
    "insert_documents",
    """
    INSERT INTO document (tag, origin, incarnation, seq, collection, key, deleted, entry)
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::boolean[], $8::bytea[])
    """)
}

extension DocumentRow {
  /// Whole documents from a stretch of tags, in order.
  struct Stretch {
    let facts: [DocumentFact]
    /// The last tag that it speaks of; `nil` where nothing of the stretch follows.
    let through: SubjectTag?
  }

  /// So many versions are read at once; of one document there are far fewer.
  private static let rowsMax = 4_096
  /// A stretch ends with the document that takes it over this: 1 MiB.
  private static let bytesMax = 1_048_576

  /// - Parameters:
  ///   - after: `null` for the first.
  ///   - last: `null` for no end.
  static func readStretch(after: PostgresValue, last: PostgresValue) -> PipelineStep {
    PipelineStep(readStretchStatement, [after, last, .int64(Int64(rowsMax))])
  }

  static func stretch(_ rows: [PostgresRow]) throws -> Stretch {
    var facts = try facts(rows)
    let found = Int(try rows.first?.int64(4) ?? 0)
    // The last one may have more versions than were read.
    if found == rowsMax, rows.count == rowsMax, let last = facts.last?.tag { facts.removeAll { $0.tag == last } }
    return Stretch(facts: facts, through: facts.count < found || found == rowsMax ? facts.last?.tag : nil)
  }

  private static let readStretchStatement = Statement(
    "read_document_stretch",
    """
    WITH stretch AS (
      SELECT tag, \(columns) FROM document
       WHERE ($1::uuid IS NULL OR tag > $1::uuid) AND ($2::uuid IS NULL OR tag <= $2::uuid)
       ORDER BY tag, origin, incarnation, seq LIMIT $3::bigint
    ), sized AS (
      SELECT stretch.*, count(*) OVER () AS found, sum(octet_length(entry)) OVER (ORDER BY tag) AS upto,
             sum(octet_length(entry)) OVER (PARTITION BY tag) AS own
        FROM stretch
    )
    SELECT \(columns), found FROM sized WHERE upto - own < \(bytesMax) ORDER BY tag, origin, incarnation, seq
    """)

  /// Whole documents of one collection that are not deleted, in the order of their keys.
  static func readPage(_ page: DocumentPage) -> PipelineStep {
    PipelineStep(
      readPageStatement, [.text(page.collection.rawValue), .text(page.after), .int64(Int64(page.limit))])
  }

  static func page(_ rows: [PostgresRow]) throws -> StoredDocumentPage {
    let sets = try sets(rows)
    return StoredDocumentPage(
      documents: sets.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
      hasMore: Int(try rows.first?.int64(4) ?? 0) > sets.count)
  }

  private static let readPageStatement = Statement(
    "read_document_page",
    """
    WITH alive AS (
      SELECT DISTINCT key FROM document
       WHERE collection = $1::text AND key > $2::text AND NOT deleted ORDER BY key LIMIT $3::bigint + 1
    ), keys AS (
      SELECT a.key, (SELECT sum(octet_length(d.entry)) FROM document d WHERE d.collection = $1::text AND d.key = a.key) AS own
        FROM alive a
    ), sized AS (
      SELECT key, count(*) OVER () AS found, row_number() OVER (ORDER BY key) AS place, sum(own) OVER (ORDER BY key) - own AS before
        FROM keys
    )
    SELECT d.origin, d.incarnation, d.seq, d.entry, s.found
      FROM sized s JOIN document d ON d.collection = $1::text AND d.key = s.key
     WHERE s.before < \(bytesMax) AND s.place <= $3::bigint
    """)
}
