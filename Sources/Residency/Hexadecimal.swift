/// The digits of bytes as people read them.
package enum Hexadecimal {
  /// - Parameter value: below 16.
  @inlinable @inline(__always) package static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

  /// - Returns: `nil` for what is no digit, and for a capital letter.
  @inlinable @inline(__always) package static func value(ofLowerCase digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x61...0x66: digit - 0x57
    default: nil
    }
  }
}

extension Sequence<UInt8> {
  /// Two lower-case hexadecimal digits for each byte.
  package var hex: String { withContiguousStorageIfAvailable(hexadecimal) ?? Array(self).withUnsafeBufferPointer(hexadecimal) }
}

/// Written in place: each leaf has several.
private func hexadecimal(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
  String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
    for (index, byte) in bytes.enumerated() {
      text[2 * index] = Hexadecimal.digit(byte >> 4)
      text[2 * index + 1] = Hexadecimal.digit(byte & 15)
    }
    return 2 * bytes.count
  }
}

extension [UInt8] {
  /// - Returns: `nil` where `hex` has an odd length or another character than a hexadecimal digit.
  package init?(hex: String) {
    let text = [UInt8](hex.utf8)
    guard text.count.isMultiple(of: 2) else { return nil }
    func value(_ digit: UInt8) -> UInt8? {
      (0x41...0x46).contains(digit) ? digit - 0x41 + 10 : Hexadecimal.value(ofLowerCase: digit)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    for index in stride(from: 0, to: text.count, by: 2) {
      guard let high = value(text[index]), let low = value(text[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    self = bytes
  }
}
