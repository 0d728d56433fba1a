import Directory
import Postgres
import Residency

/// How log records stand in PostgreSQL.
///
/// Arrays are unnested where they are selected, here and wherever many rows are inserted: `FROM unnest(…)` writes them all down first, a fifth of
/// what such an insert costs.
enum LogRow {
  static func insert(_ records: [LogRecord]) -> PipelineStep {
    PipelineStep(
      insertRecords,
      [
        .int32Array(records.map { Int32($0.position.origin.rawValue) }),
        .int32Array(records.map { Int32(bitPattern: $0.position.incarnation.rawValue) }),
        .int64Array(records.map { Int64(bitPattern: $0.position.seq) }),
        .bytesArray(records.map(\.bytes)),
        .bytesArray(records.map(\.chain.bytes)),
      ])
  }

  private static let insertRecords = Statement(
    "insert_log",
    """
    INSERT INTO directory_log (origin, incarnation, seq, entry, chain)
    SELECT unnest($1::integer[]), unnest($2::integer[]), unnest($3::bigint[]), unnest($4::bytea[]), unnest($5::bytea[])
    """)
}
