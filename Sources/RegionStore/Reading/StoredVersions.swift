package import Cryptography
import Postgres
package import Residency

/// At which versions a subject's records are: not which records, and not what is in them.
package struct StoredVersions: Sendable {
  package struct Rows: Sendable {
    package let collection: CollectionName
    /// 1 or more, unless something else than this program wrote it.
    package let version: Int64
    package let count: UInt64
  }

  /// Where the directory, as this region holds it, says that the subject is at home.
  package enum Home: Hashable, Sendable {
    /// Or contested, and this region is one of those that registered it.
    case here
    case elsewhere(RegionOrdinal)
    case nowhere
  }

  let tag: SubjectTag
  /// Names the subject in the log; `nil` where its keys are gone or do not open.
  package fileprivate(set) var auditKey: RootKey?
  /// Milliseconds since 1970 UTC.
  package let registeredAt: UInt64
  package let isFrozen: Bool
  package let home: Home
  /// Whether the account agreed to give up its id.
  package let isLeaving: Bool
  /// By collection and version.
  package fileprivate(set) var rows: [Rows] = []
  /// Whether it has more than that.
  package fileprivate(set) var isCutShort = false

  /// The log's name for the subject is made of its tag, which the region keeps to itself.
  package func named<Name>(_ name: (_ tag: SubjectTag, _ auditKey: RootKey) throws -> Name) rethrows -> Name? {
    try auditKey.map { try name(tag, $0) }
  }
}

/// Some subjects in the order of their tags, in one snapshot.
package struct StoredVersionsPage: Sendable {
  /// Leaves before this index speak of what is on the page.
  package fileprivate(set) var auditSize: UInt64 = 0
  package fileprivate(set) var subjects: [StoredVersions] = []
  /// Where the next page begins, sealed; `nil` where nothing follows.
  package fileprivate(set) var next: [UInt8]?
}

extension RegionStore {
  /// Counts of rows at a version, of all subjects of a page.
  package static let storedVersionsMax = 20_000

  /// - Returns: `nil` for what no page said.
  package func openPosition(_ sealed: [UInt8]) -> SubjectTag? { Sealer.openPosition(sealed, under: kek) }

  /// - Parameters:
  ///   - position: where the page before ended; `nil` for the first page.
  ///   - limit: of subjects.
  ///   - rowsMax: of collections and versions. A page ends before the subject that takes it over this; one that does so alone is cut short.
  package func storedVersions(
    after position: SubjectTag?, limit: Int, rowsMax: Int = storedVersionsMax
  ) async throws(StoreError) -> StoredVersionsPage {
    let rows = try await reading { connection, deadline in
      try await connection.execute(
        .readStoredVersions,
        [
          .bytes(position?.bytes ?? []), .int64(Int64(limit + 1)), .int64(Int64(rowsMax + 1)),
          .int32(Int32(Int16(bitPattern: region.ordinal.rawValue))),
        ], deadline: deadline
      ).rows
    }
    var page = StoredVersionsPage()
    do {
      for row in rows { try page.add(row) }
    } catch let error as StoreError {
      throw error
    } catch {
      throw .corrupt(what: "a row")
    }
    let isWhole = rows.count <= rowsMax && page.subjects.count <= limit
    page.end(limit: limit, isCut: rows.count > rowsMax)
    try await addKeys(to: &page)
    if !isWhole, let last = page.subjects.last {
      do { page.next = try Sealer.seal(position: last.tag, under: kek) } catch { throw .unavailable }
    }
    return page
  }

  private func addKeys(to page: inout StoredVersionsPage) async throws(StoreError) {
    let found: KeyVault.Found
    do {
      found = try await keys.keys(for: page.subjects.map(\.tag), remembers: false)
    } catch let error as PostgresError {
      throw StoreError(error)
    } catch let error as StoreError {
      throw error
    } catch {
      throw .unavailable
    }
    for index in page.subjects.indices { page.subjects[index].auditKey = found.keys[page.subjects[index].tag]?.audit }
  }
}

extension StoredVersionsPage {
  fileprivate mutating func add(_ row: PostgresRow) throws {
    auditSize = try row.uint64(0)
    guard let bytes = try row.optionalBytes(1) else { return }
    guard let tag = SubjectTag(bytes) else { throw StoreError.corrupt(what: "a tag") }
    if subjects.last?.tag != tag {
      subjects.append(
        StoredVersions(
          tag: tag, registeredAt: try row.uint64(3), isFrozen: try row.text(2) == SubjectState.frozen.rawValue,
          home: try home(row), isLeaving: try row.bool(9)))
    }
    guard let collection = try row.optionalText(4) else { return }
    subjects[subjects.count - 1].rows.append(
      StoredVersions.Rows(
        collection: CollectionName(collection), version: try row.int64(5), count: try row.uint64(6)))
  }

  private func home(_ row: PostgresRow) throws -> StoredVersions.Home {
    guard try !row.bool(7) else { return .here }
    guard let home = try row.optionalInt64(8) else { return .nowhere }
    guard let ordinal = RegionOrdinal(Int(UInt16(truncatingIfNeeded: home))) else {
      throw StoreError.corrupt(what: "a placement")
    }
    return .elsewhere(ordinal)
  }

  /// - Parameter isCut: whether there were more rows than were read.
  fileprivate mutating func end(limit: Int, isCut: Bool) {
    if isCut {
      // Of the last one some rows may be missing.
      if subjects.count > 1 { subjects.removeLast() } else { subjects[0].isCutShort = true }
    }
    if subjects.count > limit { subjects.removeLast(subjects.count - limit) }
  }
}

extension Statement {
  /// One statement has one snapshot: the log's size in it is that of these rows. Without subjects it answers the size alone.
  fileprivate static let readStoredVersions = Statement(
    "read_stored_versions",
    """
    SELECT h.audit_size, s.tag, s.state, (extract(epoch FROM s.registered_at) * 1000)::bigint, v.collection, v.version, v.count,
           s.is_here, s.home, EXISTS (SELECT FROM workflow w WHERE w.kind = 'yield' AND substring(w.id FROM 1 FOR 16) = s.tag)
      FROM head h
      LEFT JOIN (
        SELECT t.*, p.home,
               coalesce(p.home = $4::integer, false) OR EXISTS (
                 SELECT FROM placement_sibling o WHERE o.tag = t.id AND o.home = $4::integer AND o.state <> 3) AS is_here
          FROM (SELECT *, encode(tag, 'hex')::uuid AS id FROM subject WHERE tag > $1::bytea ORDER BY tag LIMIT $2::bigint) AS t
          LEFT JOIN placement p ON p.tag = t.id AND p.state <> 3) AS s ON true
      LEFT JOIN LATERAL (
        SELECT r.collection, r.version, count(*) AS count FROM record r WHERE r.tag = s.tag
         GROUP BY r.collection, r.version ORDER BY r.collection, r.version LIMIT $3::bigint) AS v ON true
     ORDER BY s.tag, v.collection, v.version LIMIT $3::bigint
    """)
}
