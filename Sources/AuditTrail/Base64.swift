/// RFC 4648, section 4, in its one canonical form: padded, no white space, no stray bits in the last digit. A changed
/// character therefore always changes the bytes, or is refused.
package enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
    return values
  }()

  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    let bytes = Array(bytes)
    return String(unsafeUninitializedCapacity: digitCount(ofBytes: bytes.count)) { text in
      text.baseAddress.map { start in bytes.withUnsafeBufferPointer { write($0, to: start) } } ?? 0
    }
  }

  /// How many characters that many bytes have.
  static func digitCount(ofBytes byteCount: Int) -> Int { (byteCount + 2) / 3 * 4 }

  /// Writes what ``encode(_:)`` makes.
  /// - Parameter text: has room for ``digitCount(ofBytes:)``.
  /// - Returns: how many characters they are.
  @discardableResult
  static func write(_ bytes: UnsafeBufferPointer<UInt8>, to text: UnsafeMutablePointer<UInt8>) -> Int {
    digits.withUnsafeBufferPointer { digits in
      var place = 0
      func emit(_ group: UInt32, count: Int) {
        for digit in 0..<4 {
          text[place] = digit < count ? digits[Int(group >> UInt32(18 - 6 * digit) & 63)] : padding
          place += 1
        }
      }
      var index = 0
      while index + 3 <= bytes.count {
        emit(UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]), count: 4)
        index += 3
      }
      switch bytes.count - index {
      case 1: emit(UInt32(bytes[index]) << 16, count: 2)
      case 2: emit(UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8, count: 3)
      default: break
      }
      return place
    }
  }

  /// - Returns: `nil` for anything that ``encode(_:)`` does not produce.
  package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    let text = Array(text)
    guard text.count.isMultiple(of: 4) else { return nil }
    let paddingCount = text.suffix(2).reversed().prefix { $0 == padding }.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var group: UInt32 = 0
    var bits: UInt32 = 0
    for digit in text.dropLast(paddingCount) {
      let value = values[Int(digit)]
      guard value < 64 else { return nil }
      group = group << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: group >> bits))
        group &= (1 << bits) - 1
      }
    }
    return group == 0 ? bytes : nil
  }

  package static func decode(_ text: String) -> [UInt8]? { decode(text.utf8) }
}
