/// Damages bytes as accidents and forgers do. The same random numbers give the same damage.
package struct Mutation: Sendable {
  package init() {}

  /// Runs of bytes that parsers treat in a way of their own.
  private static let tokens: [[UInt8]] = [
    "\n", "\n\n", " ", "0", "00", "9223372036854775807", "9223372036854775808", "18446744073709551616", "-1", "1e3", "+", "=",
    "==",
    "\u{2014} ", "\u{0661}", "old ", "index ", "extra ", "log ", "quorum none\n", "x999/", ".p/255", "\"", "\\u0000", "{", "[",
    "null",
    "\u{feff}", "\r", "T00:00Z",
  ].map { Array($0.utf8) }

  package func damage(_ sample: [UInt8], with other: [UInt8], _ random: inout some RandomNumberGenerator) -> [UInt8] {
    var bytes = sample
    for _ in 0...Int.random(in: 0...3, using: &random) {
      let position = Int.random(in: 0...bytes.count, using: &random)
      let end = min(bytes.count, position + Int.random(in: 0...40, using: &random))
      switch Int.random(in: 0...8, using: &random) {
      case 0 where position < bytes.count: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 1: bytes.removeSubrange(position..<end)
      case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
      case 3: bytes = Array(bytes.prefix(position))
      case 4: bytes.insert(contentsOf: bytes[position..<end], at: position)
      case 5: bytes = bytes.prefix(position) + other.suffix(Int.random(in: 0...other.count, using: &random))
      case 6 where position < bytes.count: bytes[position] = UInt8.random(in: 0x30...0x39, using: &random)
      case 7 where position < end: bytes[position..<end].reverse()
      default: bytes.insert(contentsOf: Self.tokens.randomElement(using: &random) ?? [], at: position)
      }
    }
    return bytes
  }
}
