import Directory
import Postgres
import Residency

/// How placements stand in PostgreSQL.
///
/// `later` is empty where a fact stands at its subject's birth and covers nothing; otherwise it holds the fact's own position (origin 2
/// bytes, incarnation 4, seq 8) and its coverage.
enum PlacementRow {
  static let columns = "tag, birth_origin, birth_incarnation, birth_seq, epoch, home, state, later"

  /// Settled rows, then siblings, of some tags.
  static let read = Statement(
    "read_placements",
    """
    SELECT \(columns) FROM placement WHERE tag = ANY ($1::uuid[])
    UNION ALL SELECT \(columns) FROM placement_sibling WHERE tag = ANY ($1::uuid[])
    """)

  /// What the rows say about each tag. Merging is idempotent, so a sibling that also is the tag's row does no harm.
  static func sets(_ rows: [PostgresRow]) throws -> [SubjectTag: PlacementSet] {
    var sets: [SubjectTag: PlacementSet] = [:]
    sets.reserveCapacity(rows.count)
    for row in rows {
      let placement = try decode(row)
      if let known = sets[placement.tag] {
        sets[placement.tag] = merge(known, placement)
      } else {
        sets[placement.tag] = PlacementSet(placement)
      }
    }
    return sets
  }

  static func decode(_ row: PostgresRow) throws -> Placement {
    guard let tag = SubjectTag(try row.uuid(0)), let state = PlacementState(rawValue: UInt8(clamping: try row.int64(6))) else {
      throw StoreError.corrupt(what: "a placement")
    }
    let birth = LogPosition(
      origin: try ordinal(row, 1), incarnation: Incarnation(UInt32(truncatingIfNeeded: try row.int64(2))),
      seq: try row.uint64(3))
    let later = try row.bytes(7)
    let (position, covers) = later.isEmpty ? (birth, .none) : try Placement.later(decoding: later)
    return Placement(
      tag: tag, birth: birth, epoch: Epoch(try row.uint64(4)), home: try ordinal(row, 5), state: state, position: position,
      covers: covers)
  }

  private static func ordinal(_ row: PostgresRow, _ column: Int) throws -> RegionOrdinal {
    guard let ordinal = RegionOrdinal(Int(UInt16(truncatingIfNeeded: try row.int64(column)))) else {
      throw StoreError.corrupt(what: "a placement")
    }
    return ordinal
  }

  /// The steps that make the rows say what `changes` say, and the digest too.
  static func write(_ changes: [PlacementChange], hash: KeyedHash) -> [PipelineStep] {
    guard !changes.isEmpty else { return [] }
    var steps: [PipelineStep] = []
    // Apart, since to insert takes less than half as long where no conflict is looked for. Who writes holds the directory's lock, and has
    // read under it what is there.
    let new = changes.filter { $0.before == nil }.compactMap(\.placement)
    if !new.isEmpty { steps.append(PipelineStep(insert, values(of: new))) }
    let kept = changes.filter { $0.before != nil }.compactMap(\.placement)
    if !kept.isEmpty { steps.append(PipelineStep(update, values(of: kept))) }
    let gone = changes.filter { $0.after == nil }
    if !gone.isEmpty { steps.append(PipelineStep(delete, [.uuidArray(gone.map(\.tag.bytes))])) }
    let contested = changes.filter(\.changesSiblings)
    if !contested.isEmpty {
      steps.append(PipelineStep(clearSiblings, [.uuidArray(contested.map(\.tag.bytes))]))
      steps.append(PipelineStep(insertSiblings, values(of: contested.flatMap(\.siblings))))
    }
    return steps + DigestRow.fold(DigestDelta(changes, hash: hash))
  }

  private static func values(of placements: [Placement]) -> [PostgresValue] {
    [
      .uuidArray(placements.map(\.tag.bytes)),
      .int32Array(placements.map { Int32(Int16(bitPattern: $0.birth.origin.rawValue)) }),
      .int32Array(placements.map { Int32(bitPattern: $0.birth.incarnation.rawValue) }),
      .int64Array(placements.map { Int64(bitPattern: $0.birth.seq) }),
      .int64Array(placements.map { Int64(bitPattern: $0.epoch.rawValue) }),
      .int32Array(placements.map { Int32(Int16(bitPattern: $0.home.rawValue)) }),
      .int32Array(placements.map { Int32($0.state.rawValue) }),
      .bytesArray(placements.map(\.later)),
    ]
  }

  private static let rows = """
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::bigint[], $5::bigint[], $6::integer[], $7::integer[],
                         $8::bytea[])
    """

  private static let insert = Statement(
    "insert_placements",
    """
    INSERT INTO placement (\(columns))
    SELECT unnest($1::uuid[]), unnest($2::integer[]), unnest($3::integer[]), unnest($4::bigint[]), unnest($5::bigint[]),
           unnest($6::integer[]), unnest($7::integer[]), unnest($8::bytea[])
    """)
  private static let update = Statement(
    "update_placements",
    """
    UPDATE placement AS p
       SET birth_origin = t.birth_origin, birth_incarnation = t.birth_incarnation, birth_seq = t.birth_seq, epoch = t.epoch,
           home = t.home, state = t.state, later = t.later
      FROM (\(rows)) AS t (\(columns)) WHERE p.tag = t.tag
    """)
  private static let delete = Statement("delete_placements", "DELETE FROM placement WHERE tag = ANY ($1::uuid[])")
  private static let clearSiblings = Statement(
    "clear_siblings", "DELETE FROM placement_sibling WHERE tag = ANY ($1::uuid[])")
  private static let insertSiblings = Statement(
    "insert_siblings",
    """
    INSERT INTO placement_sibling (\(columns), number)
    SELECT t.*, row_number() OVER (PARTITION BY t.tag) FROM (\(rows)) AS t (\(columns))
    """)
}

/// How the digest of all placements stands in PostgreSQL: a row for each bucket.
enum DigestRow {
  static func fold(_ delta: DigestDelta) -> [PipelineStep] {
    guard !delta.sums.isEmpty else { return [] }
    let sums = delta.sums.sorted { $0.key < $1.key }
    return [
      PipelineStep(
        foldSums,
        [
          .int32Array(sums.map { Int32($0.key) }), .int64Array(sums.map { Int64(bitPattern: $0.value.xor) }),
          .int64Array(sums.map(\.value.count)),
        ])
    ]
  }

  /// Only who holds the directory's lock writes these rows.
  private static let foldSums = Statement(
    "fold_digest",
    """
    UPDATE directory_digest AS d SET xor = d.xor # c.xor, count = d.count + c.count
      FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS c (bucket, xor, count) WHERE d.bucket = c.bucket
    """)
}
