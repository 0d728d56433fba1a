import Directory
import Postgres
import Residency

/// How log records stand in PostgreSQL.
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
    SELECT * FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bytea[], $5::bytea[])
    """)
}
