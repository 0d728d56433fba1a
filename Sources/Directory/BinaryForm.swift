import Residency

/// Appends numbers in network byte order.
extension [UInt8] {
  mutating func append(bigEndian value: some FixedWidthInteger) {
    var shift = value.bitWidth - 8
    while shift >= 0 {
      append(UInt8(truncatingIfNeeded: value >> shift))
      shift -= 8
    }
  }

  mutating func append(_ position: LogPosition) {
    append(bigEndian: position.origin.rawValue)
    append(bigEndian: position.incarnation.rawValue)
    append(bigEndian: position.seq)
  }
}

extension LogPosition {
  static let byteCount = 14

  /// Origin 2 bytes, incarnation 4, seq 8, in network byte order: within one log in the order of the places.
  package var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(self)
    return bytes
  }
}

/// Takes numbers in network byte order off the front of bytes, and never past their end.
struct BinaryReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// - Throws: ``DirectoryFormatError/truncated(needed:found:)`` unless `count` more bytes are there.
  func require(_ count: Int) throws(DirectoryFormatError) {
    guard bytes.count - offset >= count else { throw .truncated(needed: offset + count, found: bytes.count) }
  }

  /// - Throws: ``DirectoryFormatError/trailingBytes(_:)`` where something is left.
  func finish() throws(DirectoryFormatError) {
    guard offset == bytes.count else { throw .trailingBytes(bytes.count - offset) }
  }

  mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(
    _: Value.Type = Value.self
  ) throws(DirectoryFormatError) -> Value {
    let width = Value.bitWidth / 8
    try require(width)
    var value: Value = 0
    for index in offset..<(offset + width) { value = value << 8 | Value(bytes[index]) }
    offset += width
    return value
  }

  mutating func take(_ count: Int) throws(DirectoryFormatError) -> ArraySlice<UInt8> {
    try require(count)
    defer { offset += count }
    return bytes[offset..<(offset + count)]
  }

  mutating func region() throws(DirectoryFormatError) -> RegionOrdinal {
    guard let region = RegionOrdinal(Int(try integer(UInt16.self))) else { throw .invalid(.region) }
    return region
  }

  mutating func position() throws(DirectoryFormatError) -> LogPosition {
    let origin = try region()
    let incarnation = Incarnation(try integer(UInt32.self))
    guard incarnation.isStorable else { throw .invalid(.incarnation) }
    let seq = try integer(UInt64.self)
    guard seq > 0, seq <= UInt64.storableMax else { throw .invalid(.seq) }
    return LogPosition(origin: origin, incarnation: incarnation, seq: seq)
  }

  mutating func epoch() throws(DirectoryFormatError) -> Epoch {
    let epoch = Epoch(try integer(UInt64.self))
    guard epoch >= .first, epoch.rawValue <= UInt64.storableMax else { throw .invalid(.epoch) }
    return epoch
  }
}

/// A database's integers are signed: greater numbers are refused where they come in, so that storing one never fails.
extension UInt64 {
  static let storableMax = UInt64(Int64.max)
}

extension Incarnation {
  var isStorable: Bool { self >= .first && rawValue <= UInt32(Int32.max) }
}
