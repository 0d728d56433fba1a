/// The parameters of one step as libpq wants them: all bytes in one buffer, and where each value lies in it.
struct ParameterBlock {
  private var bytes: [UInt8] = [0]
  private var offsets: [Int?] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []

  private static let textFormat: Int32 = 0
  private static let binaryFormat: Int32 = 1

  /// - Throws: `.protocol` for a value that PostgreSQL has no form for: a time out of its range, over 2 GiB of bytes, too many parameters.
  init(_ parameters: [PostgresValue]) throws(PostgresError) {
    guard parameters.count <= 65_535 else { throw PostgresError(.protocol, "a statement takes at most 65535 parameters") }
    offsets.reserveCapacity(parameters.count)
    lengths.reserveCapacity(parameters.count)
    formats.reserveCapacity(parameters.count)
    for (index, parameter) in parameters.enumerated() { try append(parameter, at: index) }
  }

  /// Calls `body` with libpq's arrays of values, lengths and formats.
  func withArrays<R>(_ body: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) -> R) -> R {
    bytes.withUnsafeBytes { buffer in
      let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      let values = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } }
      return body(Int32(offsets.count), values, lengths, formats)
    }
  }

  private mutating func append(_ parameter: PostgresValue, at index: Int) throws(PostgresError) {
    let start = bytes.count
    var format = Self.binaryFormat
    switch parameter {
    case .null:
      offsets.append(nil)
      lengths.append(0)
      formats.append(format)
      return
    case .text(let text):
      // The server reads the text form of any type; only a zero byte, which would end it early, must go as binary `text`,
      // for the server to refuse.
      if !text.utf8.contains(0) { format = Self.textFormat }
      bytes.append(contentsOf: text.utf8)
    case .bytes(let value): bytes.append(contentsOf: value)
    case .int64(let value): append(value)
    case .int32(let value): append(value)
    case .bool(let value): bytes.append(value ? 1 : 0)
    case .timestamp(let milliseconds): append(try Self.microseconds(milliseconds, at: index))
    case .bytesArray(let values):
      try append(array: values, of: TypeID.bytea) { (block, value) throws(PostgresError) in block.bytes.append(contentsOf: value)
      }
    case .uuidArray(let values):
      guard values.allSatisfy({ $0.count == 16 }) else {
        throw PostgresError(.protocol, "parameter \(index + 1) has a uuid that is not of 16 bytes")
      }
      try append(array: values, of: TypeID.uuid) { (block, value) throws(PostgresError) in block.bytes.append(contentsOf: value) }
    case .int64Array(let values):
      try append(array: values, of: TypeID.int8) { (block, value) throws(PostgresError) in block.append(value) }
    case .int32Array(let values):
      try append(array: values, of: TypeID.int4) { (block, value) throws(PostgresError) in block.append(value) }
    case .textArray(let values):
      try append(array: values, of: TypeID.text) { (block, value) throws(PostgresError) in
        block.bytes.append(contentsOf: value.utf8)
      }
    case .boolArray(let values):
      try append(array: values, of: TypeID.bool) { (block, value) throws(PostgresError) in block.bytes.append(value ? 1 : 0) }
    case .timestampArray(let values):
      try append(array: values, of: TypeID.timestamptz) { (block, value) throws(PostgresError) in
        block.append(try Self.microseconds(value, at: index))
      }
    }
    guard let length = Int32(exactly: bytes.count - start) else {
      throw PostgresError(.protocol, "parameter \(index + 1) is larger than a message may be")
    }
    if format == Self.textFormat { bytes.append(0) }
    offsets.append(start)
    lengths.append(length)
    formats.append(format)
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// The layout of `array_send`: dimensions, whether there are nulls, the elements' type, then (length, lower bound) and the
  /// elements, each behind its length; -1 is NULL.
  private mutating func append<Element>(
    array: [Element?], of type: UInt32, _ appendElement: (inout Self, Element) throws(PostgresError) -> Void
  ) throws(PostgresError) {
    append(Int32(array.isEmpty ? 0 : 1))
    append(Int32(array.contains { $0 == nil } ? 1 : 0))
    append(type)
    guard !array.isEmpty else { return }
    append(Int32(truncatingIfNeeded: array.count))
    append(Int32(1))
    for element in array {
      guard let element else {
        append(Int32(-1))
        continue
      }
      let lengthAt = bytes.count
      append(Int32(0))
      try appendElement(&self, element)
      let length = UInt32(truncatingIfNeeded: bytes.count - lengthAt - 4)
      for byte in 0..<4 { bytes[lengthAt + byte] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * byte)) }
    }
  }

  private static func microseconds(_ milliseconds: Int64, at index: Int) throws(PostgresError) -> Int64 {
    guard let microseconds = PostgresEpoch.microseconds(milliseconds: milliseconds) else {
      throw PostgresError(.protocol, "parameter \(index + 1) is a time out of PostgreSQL's range")
    }
    return microseconds
  }
}
