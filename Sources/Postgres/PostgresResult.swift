import CLibPQ

/// The answer to one statement.
package struct PostgresResult: Sendable {
  package let rows: [PostgresRow]
  /// Rows written, or read by a `SELECT`.
  package let affectedRows: Int
  package let notices: [PostgresNotice]

  init(_ storage: ResultStorage, notices: [PostgresNotice]) {
    rows = (0..<PQntuples(storage.raw)).map { PostgresRow(storage: storage, index: $0) }
    affectedRows = PQcmdTuples(storage.raw).flatMap { Int(String(cString: $0)) } ?? 0
    self.notices = notices
  }
}

/// Owns one of libpq's results; rows read from it in place.
///
/// `@unchecked Sendable` holds: libpq never changes a result once it has handed it out, says that it may pass freely between
/// threads, and `deinit` runs once, after the last row is gone.
final class ResultStorage: @unchecked Sendable {
  let raw: OpaquePointer
  init(_ raw: OpaquePointer) { self.raw = raw }
  deinit { PQclear(raw) }
}
