/// The app's own id of a person: 1 to 256 bytes of UTF-8 without control characters.
///
/// It is personal data: it stays in the home region's sealed columns and in the caller's request, and is never logged.
/// Deliberately not `CustomStringConvertible` in the clear: printing one shows its length only.
package struct SubjectID: Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String

  /// - Returns: `nil` where `text` is empty, longer than 256 bytes, or holds a control character.
  package init?(_ text: String) {
    guard (1...256).contains(text.utf8.count) else { return nil }
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else { return nil }
    rawValue = text
  }

  package var description: String { "SubjectID(\(rawValue.utf8.count) bytes)" }
}

/// HMAC-SHA-256(directory key, subject id) cut to 16 bytes: all that the directory and other regions ever hold of a person.
package struct SubjectTag: Hashable, Sendable, Comparable, CustomStringConvertible {
  package static let byteCount = 16
  /// Held without an allocation: whatever concerns a subject is looked up by it.
  private let high: UInt64
  private let low: UInt64

  package var words: (high: UInt64, low: UInt64) { (high, low) }

  package var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
      bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      count = Self.byteCount
    }
  }

  package func withUnsafeBytes<Result, Failure>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try Swift.withUnsafeBytes(of: (high.bigEndian, low.bigEndian), body)
  }

  package init(words: (high: UInt64, low: UInt64)) { (high, low) = words }

  /// - Returns: `nil` unless there are exactly 16 bytes.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.byteCount else { return nil }
    high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
  }

  /// - Returns: `nil` unless there are exactly 16 bytes.
  package init?(_ bytes: [UInt8]) {
    guard let tag = bytes.withUnsafeBytes({ Self($0) }) else { return nil }
    self = tag
  }

  /// - Returns: `nil` unless `hex` is 32 hexadecimal digits.
  package init?(hex: String) {
    guard let bytes = [UInt8](hex: hex) else { return nil }
    self.init(bytes)
  }

  /// 32 lower-case hexadecimal digits.
  package var description: String { bytes.hex }
  package static func < (left: Self, right: Self) -> Bool { (left.high, left.low) < (right.high, right.low) }
}
