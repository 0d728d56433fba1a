import CLibPQ

/// One row of a result. Columns count from 0 and are decoded when asked for.
///
/// Every accessor throws `.decoding` for a column that is not there, of another type, or NULL where no optional is asked for.
package struct PostgresRow: Sendable {
  private let storage: ResultStorage
  private let index: Int32

  init(storage: ResultStorage, index: Int32) {
    self.storage = storage
    self.index = index
  }

  package var columnCount: Int { Int(PQnfields(storage.raw)) }

  package func isNull(_ column: Int) throws(PostgresError) -> Bool {
    PQgetisnull(storage.raw, index, try position(of: column)) != 0
  }

  /// The 16 bytes of a `uuid`.
  package func uuid(_ column: Int) throws(PostgresError) -> [UInt8] {
    try present(
      read(column, "uuid", where: { $0 == TypeID.uuid }) { (field, _) throws(PostgresError) in [UInt8](field) }, column)
  }
  package func bytes(_ column: Int) throws(PostgresError) -> [UInt8] { try present(optionalBytes(column), column) }
  package func optionalBytes(_ column: Int) throws(PostgresError) -> [UInt8]? {
    try read(column, "bytea", where: { $0 == TypeID.bytea }) { (field, _) throws(PostgresError) in [UInt8](field) }
  }

  /// Of `bigint`, `integer` or `smallint`.
  package func int64(_ column: Int) throws(PostgresError) -> Int64 { try present(optionalInt64(column), column) }
  package func optionalInt64(_ column: Int) throws(PostgresError) -> Int64? {
    try read(column, "bigint", where: { $0 == TypeID.int8 || $0 == TypeID.int4 || $0 == TypeID.int2 }) {
      (field, _) throws(PostgresError) in try BinaryFormat.integer(field, column)
    }
  }

  /// Of `integer` or `smallint`.
  package func int32(_ column: Int) throws(PostgresError) -> Int32 { try present(optionalInt32(column), column) }
  package func optionalInt32(_ column: Int) throws(PostgresError) -> Int32? {
    try read(column, "integer", where: { $0 == TypeID.int4 || $0 == TypeID.int2 }) { (field, _) throws(PostgresError) in
      Int32(truncatingIfNeeded: try BinaryFormat.integer(field, column))
    }
  }

  /// Of `text`, its kin, `json` or `jsonb`. Cast other types in the statement.
  package func text(_ column: Int) throws(PostgresError) -> String { try present(optionalText(column), column) }
  package func optionalText(_ column: Int) throws(PostgresError) -> String? {
    try read(column, "text", where: { TypeID.plainText.contains($0) || $0 == TypeID.jsonb }) {
      (field, type) throws(PostgresError) in
      // jsonb's binary form is its text behind a version byte.
      String(decoding: type == TypeID.jsonb ? UnsafeRawBufferPointer(rebasing: field.dropFirst()) : field, as: UTF8.self)
    }
  }

  package func bool(_ column: Int) throws(PostgresError) -> Bool { try present(optionalBool(column), column) }
  package func optionalBool(_ column: Int) throws(PostgresError) -> Bool? {
    try read(column, "boolean", where: { $0 == TypeID.bool }) { (field, _) throws(PostgresError) in field.first == 1 }
  }

  /// Of `timestamptz` or `timestamp`: milliseconds since 1970-01-01 UTC, rounded down.
  package func timestampMilliseconds(_ column: Int) throws(PostgresError) -> Int64 {
    try present(optionalTimestampMilliseconds(column), column)
  }
  package func optionalTimestampMilliseconds(_ column: Int) throws(PostgresError) -> Int64? {
    try read(column, "timestamptz", where: { $0 == TypeID.timestamptz || $0 == TypeID.timestamp }) {
      (field, _) throws(PostgresError) in
      PostgresEpoch.milliseconds(microseconds: try BinaryFormat.integer(field, column))
    }
  }

  /// One-dimensional, without NULL elements; so are all the arrays below.
  package func textArray(_ column: Int) throws(PostgresError) -> [String] {
    try array(column, "text[]", of: TypeID.textArrays, where: TypeID.plainText.contains) { (field) throws(PostgresError) in
      String(decoding: field, as: UTF8.self)
    }
  }

  package func bytesArray(_ column: Int) throws(PostgresError) -> [[UInt8]] {
    try array(column, "bytea[]", of: [TypeID.byteaArray], where: { $0 == TypeID.bytea }) { (field) throws(PostgresError) in
      [UInt8](field)
    }
  }

  package func int64Array(_ column: Int) throws(PostgresError) -> [Int64] {
    try array(
      column, "bigint[]", of: TypeID.integerArrays, where: { $0 == TypeID.int8 || $0 == TypeID.int4 || $0 == TypeID.int2 }
    ) {
      (field) throws(PostgresError) in try BinaryFormat.integer(field, column)
    }
  }

  package func int32Array(_ column: Int) throws(PostgresError) -> [Int32] {
    try array(column, "integer[]", of: TypeID.integerArrays, where: { $0 == TypeID.int4 || $0 == TypeID.int2 }) {
      (field) throws(PostgresError) in
      Int32(truncatingIfNeeded: try BinaryFormat.integer(field, column))
    }
  }
}

extension PostgresRow {
  private func position(of column: Int) throws(PostgresError) -> Int32 {
    guard let position = Int32(exactly: column), position >= 0, position < PQnfields(storage.raw) else {
      throw PostgresError(.decoding, "there is no column \(column)")
    }
    return position
  }

  private func present<Value>(_ value: Value?, _ column: Int) throws(PostgresError) -> Value {
    guard let value else { throw PostgresError(.decoding, "column \(column) is NULL") }
    return value
  }

  private func read<Value>(
    _ column: Int, _ wanted: String, where accepts: (UInt32) -> Bool,
    _ decode: (UnsafeRawBufferPointer, UInt32) throws(PostgresError) -> Value
  ) throws(PostgresError) -> Value? {
    let position = try position(of: column)
    let type = PQftype(storage.raw, position)
    guard accepts(type), PQfformat(storage.raw, position) == 1 else {
      throw PostgresError(.decoding, "column \(column) has type \(type), not \(wanted)")
    }
    guard PQgetisnull(storage.raw, index, position) == 0 else { return nil }
    return try withExtendedLifetime(storage) { () throws(PostgresError) in
      try decode(field(position), type)
    }
  }

  private func array<Element>(
    _ column: Int, _ wanted: String, of types: Set<UInt32>, where accepts: (UInt32) -> Bool,
    _ decode: (UnsafeRawBufferPointer) throws(PostgresError) -> Element
  ) throws(PostgresError) -> [Element] {
    let position = try position(of: column)
    let type = PQftype(storage.raw, position)
    guard types.contains(type), PQfformat(storage.raw, position) == 1 else {
      throw PostgresError(.decoding, "column \(column) has type \(type), not \(wanted)")
    }
    guard PQgetisnull(storage.raw, index, position) == 0 else {
      throw PostgresError(.decoding, "column \(column) is NULL")
    }
    return try withExtendedLifetime(storage) { () throws(PostgresError) in
      try BinaryFormat.array(field(position), column, wanted, where: accepts, decode)
    }
  }

  private func field(_ position: Int32) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: PQgetvalue(storage.raw, index, position), count: Int(PQgetlength(storage.raw, index, position)))
  }
}
