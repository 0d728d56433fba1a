/// 32 bytes that SHA-256 made, held without an allocation: trees have millions of them.
package struct SHA256Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
  private var words: (UInt64, UInt64, UInt64, UInt64)

  init(_ fill: (UnsafeMutableRawBufferPointer) -> Void) {
    words = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { fill($0) }
  }

  /// - Returns: `nil` unless there are exactly 32 bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == SHA256.byteCount else { return nil }
    self.init { buffer in bytes.withUnsafeBytes { buffer.copyMemory(from: $0) } }
  }

  /// - Returns: `nil` unless there are exactly 32 bytes.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count == SHA256.byteCount else { return nil }
    self.init { $0.copyMemory(from: bytes) }
  }

  /// - Returns: `nil` unless there are exactly 64 lower-case hexadecimal digits.
  package init?(hex digits: UnsafeRawBufferPointer) {
    guard digits.count == 2 * SHA256.byteCount else { return nil }
    var isHex = true
    func value(_ digit: UInt8) -> UInt8 {
      switch digit {
      case 0x30...0x39: return digit - 0x30
      case 0x61...0x66: return digit - 0x57
      default:
        isHex = false
        return 0
      }
    }
    self.init { buffer in
      for index in 0..<SHA256.byteCount { buffer[index] = value(digits[2 * index]) << 4 | value(digits[2 * index + 1]) }
    }
    guard isHex else { return nil }
  }

  package var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

  package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Swift.withUnsafeBytes(of: words, body)
  }

  package static func == (left: Self, right: Self) -> Bool { left.words == right.words }

  package static func < (left: Self, right: Self) -> Bool {
    left.withUnsafeBytes { a in right.withUnsafeBytes { b in a.lexicographicallyPrecedes(b) } }
  }

  package func hash(into hasher: inout Hasher) { withUnsafeBytes { hasher.combine(bytes: $0) } }

  /// 64 lower-case hexadecimal digits.
  package var description: String {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
    return String(unsafeUninitializedCapacity: 64) { text in
      withUnsafeBytes { bytes in
        for (index, byte) in bytes.enumerated() {
          text[2 * index] = digit(byte >> 4)
          text[2 * index + 1] = digit(byte & 15)
        }
      }
      return 64
    }
  }
}
