import Postgres

/// Counters and times are never negative. A row that says otherwise was not written by this program: it is unreadable, not a crash.
extension PostgresRow {
  func uint64(_ column: Int) throws -> UInt64 {
    guard let value = UInt64(exactly: try int64(column)) else { throw StoreError.corrupt(what: "a number") }
    return value
  }

  func optionalUInt64(_ column: Int) throws -> UInt64? {
    guard let number = try optionalInt64(column) else { return nil }
    guard let value = UInt64(exactly: number) else { throw StoreError.corrupt(what: "a time") }
    return value
  }
}
