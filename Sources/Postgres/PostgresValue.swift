/// A parameter. It travels in PostgreSQL's binary format, so it must have the type that the statement infers or casts to.
package enum PostgresValue: Sendable {
  case bytes([UInt8])
  /// For `bigint`.
  case int64(Int64)
  /// For `integer`.
  case int32(Int32)
  /// For any type with a text form: `text`, `jsonb`, `uuid`, an enumeration…
  case text(String)
  case bool(Bool)
  /// For `timestamptz`; milliseconds since 1970-01-01 UTC.
  case timestamp(milliseconds: Int64)
  /// Of the type that the statement infers.
  case null
  case bytesArray([[UInt8]?])
  /// For `uuid[]`: each of 16 bytes.
  case uuidArray([[UInt8]])
  case int64Array([Int64?])
  case int32Array([Int32?])
  /// For `text[]` only: an array names its elements' type.
  case textArray([String?])
  case boolArray([Bool?])
  /// For `timestamptz[]`; milliseconds since 1970-01-01 UTC.
  case timestampArray([Int64?])
}

/// The numbers under which PostgreSQL's catalog knows its types.
enum TypeID {
  static let bool: UInt32 = 16
  static let bytea: UInt32 = 17
  static let int8: UInt32 = 20
  static let int2: UInt32 = 21
  static let int4: UInt32 = 23
  static let text: UInt32 = 25
  static let uuid: UInt32 = 2950
  static let json: UInt32 = 114
  static let jsonb: UInt32 = 3802
  static let timestamp: UInt32 = 1114
  static let timestamptz: UInt32 = 1184
  /// `char`, `name`, `text`, `json`, `xml`, `unknown`, `bpchar`, `varchar`: the binary form is the text.
  static let plainText: Set<UInt32> = [18, 19, 25, 114, 142, 705, 1042, 1043]
  static let byteaArray: UInt32 = 1001
  static let integerArrays: Set<UInt32> = [1005, 1007, 1016]
  /// Arrays of the types in `plainText`.
  static let textArrays: Set<UInt32> = [143, 199, 1002, 1003, 1009, 1014, 1015]
}

/// PostgreSQL counts time in microseconds from 2000-01-01 UTC.
enum PostgresEpoch {
  static let millisecondsAfter1970: Int64 = 946_684_800_000

  static func microseconds(milliseconds: Int64) -> Int64? {
    let (shifted, early) = milliseconds.subtractingReportingOverflow(millisecondsAfter1970)
    let (scaled, late) = shifted.multipliedReportingOverflow(by: 1000)
    return early || late ? nil : scaled
  }

  /// Rounded down to a whole millisecond.
  static func milliseconds(microseconds: Int64) -> Int64 {
    let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1000)
    return quotient - (remainder < 0 ? 1 : 0) + millisecondsAfter1970
  }
}
