/// Reads PostgreSQL's binary formats. Every read is within the field's bounds.
enum BinaryFormat {
  /// Two, four or eight bytes, the highest first.
  static func integer(_ field: UnsafeRawBufferPointer, _ column: Int) throws(PostgresError) -> Int64 {
    switch field.count {
    case 8: Int64(bigEndian: field.loadUnaligned(as: Int64.self))
    case 4: Int64(Int32(bigEndian: field.loadUnaligned(as: Int32.self)))
    case 2: Int64(Int16(bigEndian: field.loadUnaligned(as: Int16.self)))
    default: throw PostgresError(.decoding, "column \(column) holds an integer of \(field.count) bytes")
    }
  }

  /// The layout of PostgreSQL's `array_send`.
  static func array<Element>(
    _ field: UnsafeRawBufferPointer, _ column: Int, _ wanted: String, where accepts: (UInt32) -> Bool,
    _ decode: (UnsafeRawBufferPointer) throws(PostgresError) -> Element
  ) throws(PostgresError) -> [Element] {
    var reader = Reader(field: field, column: column)
    let dimensions = try reader.int32()
    _ = try reader.int32()
    let type = UInt32(bitPattern: try reader.int32())
    guard accepts(type) else {
      throw PostgresError(.decoding, "column \(column) has elements of type \(type), not \(wanted)")
    }
    guard dimensions > 0 else { return [] }
    guard dimensions == 1 else { throw PostgresError(.decoding, "column \(column) has \(dimensions) dimensions") }
    let count = Int(try reader.int32())
    _ = try reader.int32()
    var elements: [Element] = []
    elements.reserveCapacity(max(0, min(count, field.count / 4)))
    for _ in 0..<max(0, count) {
      let length = Int(try reader.int32())
      guard length >= 0 else { throw PostgresError(.decoding, "column \(column) has a NULL element") }
      elements.append(try decode(try reader.bytes(length)))
    }
    return elements
  }

  private struct Reader {
    let field: UnsafeRawBufferPointer
    let column: Int
    var position = 0

    mutating func bytes(_ count: Int) throws(PostgresError) -> UnsafeRawBufferPointer {
      guard count <= field.count - position else { throw PostgresError(.decoding, "column \(column) is cut short") }
      defer { position += count }
      return UnsafeRawBufferPointer(rebasing: field[position..<(position + count)])
    }

    mutating func int32() throws(PostgresError) -> Int32 {
      Int32(bigEndian: try bytes(4).loadUnaligned(as: Int32.self))
    }
  }
}
