/// The digits of bytes, in place: each leaf has several.
package enum Hexadecimal {
  /// Writes two lower-case digits for each byte.
  /// - Parameter text: has room for them.
  package static func write(_ bytes: UnsafeBufferPointer<UInt8>, to text: UnsafeMutablePointer<UInt8>) {
    for (index, byte) in bytes.enumerated() {
      text[2 * index] = digit(byte >> 4)
      text[2 * index + 1] = digit(byte & 15)
    }
  }

  /// Whether a text is an even number of lower-case digits.
  package static func isCanonical(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    text.count.isMultiple(of: 2) && text.allSatisfy { value($0) != nil }
  }

  /// Appends the bytes of which a text has the digits. It ``isCanonical(_:)``.
  package static func append(bytesOf text: Slice<UnsafeBufferPointer<UInt8>>, to bytes: inout [UInt8]) {
    for place in stride(from: text.startIndex, to: text.endIndex, by: 2) {
      bytes.append((value(text[place]) ?? 0) << 4 | (value(text[place + 1]) ?? 0))
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

  /// - Returns: `nil` for what is no digit, and for a capital letter.
  fileprivate static func value(_ digit: UInt8) -> UInt8? {
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

private func hexadecimal(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
  String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
    if let start = text.baseAddress { Hexadecimal.write(bytes, to: start) }
    return 2 * bytes.count
  }
}

extension [UInt8] {
  /// - Returns: `nil` where `hex` has an odd length or another character than a hexadecimal digit.
  package init?(hex: String) {
    let text = [UInt8](hex.utf8)
    guard text.count.isMultiple(of: 2) else { return nil }
    func value(_ digit: UInt8) -> UInt8? {
      (0x41...0x46).contains(digit) ? digit - 0x41 + 10 : Hexadecimal.value(digit)
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
