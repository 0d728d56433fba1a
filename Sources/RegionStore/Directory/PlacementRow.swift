import Directory
import Postgres
import Residency

/// How placements stand in PostgreSQL.
enum PlacementRow {
  /// Settled rows, then siblings, of some tags.
  static let read = Statement(
    "read_placements",
    """
    SELECT tag, birth_origin, birth_incarnation, birth_seq, epoch, home, state, origin, incarnation, seq, covers
      FROM placement WHERE tag = ANY ($1::bytea[])
    UNION ALL
    SELECT tag, birth_origin, birth_incarnation, birth_seq, epoch, home, state, origin, incarnation, seq, covers
      FROM placement_sibling WHERE tag = ANY ($1::bytea[])
    """)

  /// What the rows say about each tag. Merging is idempotent, so a sibling that also is the tag's row does no harm.
  static func sets(_ rows: [PostgresRow]) throws -> [SubjectTag: PlacementSet] {
    var sets: [SubjectTag: PlacementSet] = [:]
    for row in rows {
      let placement = try decode(row)
      sets[placement.tag] = sets[placement.tag].map { merge($0, placement) } ?? PlacementSet(placement)
    }
    return sets
  }

  private static func decode(_ row: PostgresRow) throws -> Placement {
    guard let tag = SubjectTag(try row.bytes(0)), let home = RegionOrdinal(Int(try row.int32(5))),
      let state = PlacementState(rawValue: UInt8(clamping: try row.int32(6)))
    else { throw StoreError.corrupt(what: "a placement") }
    return Placement(
      tag: tag, birth: try position(row, from: 1), epoch: Epoch(try row.uint64(4)), home: home, state: state,
      position: try position(row, from: 7), covers: try row.optionalBytes(10).map { try Coverage(decoding: $0) } ?? .none)
  }

  private static func position(_ row: PostgresRow, from column: Int) throws -> LogPosition {
    guard let origin = RegionOrdinal(Int(try row.int32(column))) else { throw StoreError.corrupt(what: "a placement") }
    return LogPosition(
      origin: origin, incarnation: Incarnation(UInt32(bitPattern: try row.int32(column + 1))),
      seq: try row.uint64(column + 2))
  }

  /// The steps that make the rows say what `changes` say.
  static func write(_ changes: [PlacementChange]) -> [PipelineStep] {
    guard !changes.isEmpty else { return [] }
    var steps = [PipelineStep(upsert, columns(of: changes.map(\.placement)))]
    let contested = changes.filter(\.changesSiblings)
    if !contested.isEmpty {
      steps.append(PipelineStep(clearSiblings, [.bytesArray(contested.map(\.tag.bytes))]))
      steps.append(PipelineStep(insertSiblings, columns(of: contested.flatMap(\.siblings))))
    }
    return steps
  }

  private static func columns(of placements: [Placement]) -> [PostgresValue] {
    [
      .bytesArray(placements.map(\.tag.bytes)),
      .int32Array(placements.map { Int32($0.birth.origin.rawValue) }),
      .int32Array(placements.map { Int32(bitPattern: $0.birth.incarnation.rawValue) }),
      .int64Array(placements.map { Int64(bitPattern: $0.birth.seq) }),
      .int64Array(placements.map { Int64(bitPattern: $0.epoch.rawValue) }),
      .int32Array(placements.map { Int32($0.home.rawValue) }),
      .int32Array(placements.map { Int32($0.state.rawValue) }),
      .int32Array(placements.map { Int32($0.position.origin.rawValue) }),
      .int32Array(placements.map { Int32(bitPattern: $0.position.incarnation.rawValue) }),
      .int64Array(placements.map { Int64(bitPattern: $0.position.seq) }),
      .bytesArray(placements.map { $0.covers.isEmpty ? nil : $0.covers.encoded }),
    ]
  }

  private static let rows = """
    SELECT * FROM unnest($1::bytea[], $2::integer[], $3::integer[], $4::bigint[], $5::bigint[], $6::integer[], $7::integer[],
                         $8::integer[], $9::integer[], $10::bigint[], $11::bytea[])
    """
  private static let names =
    "tag, birth_origin, birth_incarnation, birth_seq, epoch, home, state, origin, incarnation, seq, covers"

  private static let upsert = Statement(
    "upsert_placements",
    """
    INSERT INTO placement (\(names)) \(rows)
    ON CONFLICT (tag) DO UPDATE SET birth_origin = excluded.birth_origin, birth_incarnation = excluded.birth_incarnation,
      birth_seq = excluded.birth_seq, epoch = excluded.epoch, home = excluded.home, state = excluded.state,
      origin = excluded.origin, incarnation = excluded.incarnation, seq = excluded.seq, covers = excluded.covers
    """)
  private static let clearSiblings = Statement(
    "clear_siblings", "DELETE FROM placement_sibling WHERE tag = ANY ($1::bytea[])")
  private static let insertSiblings = Statement("insert_siblings", "INSERT INTO placement_sibling (\(names)) \(rows)")
}
