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
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    append(bytes, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends what ``encode(_:)`` makes.
  static func append(_ bytes: some Collection<UInt8>, to text: inout [UInt8]) {
    let digits = digits
    var group: UInt32 = 0
    var count = 0
    func emit(_ shift: UInt32) { text.append(digits[Int(group >> shift & 63)]) }
    for byte in bytes {
      group = group << 8 | UInt32(byte)
      count += 1
      guard count == 3 else { continue }
      for shift: UInt32 in [18, 12, 6, 0] { emit(shift) }
      (group, count) = (0, 0)
    }
    if count == 1 {
      group <<= 16
      emit(18)
      emit(12)
      text += [padding, padding]
    } else if count == 2 {
      group <<= 8
      emit(18)
      emit(12)
      emit(6)
      text.append(padding)
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
