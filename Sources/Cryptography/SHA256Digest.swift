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
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
