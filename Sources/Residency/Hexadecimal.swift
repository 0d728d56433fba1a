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

  /// The bytes of which a text has the digits.
  /// - Parameter body: is given `nil` unless it is an even number of lower-case digits.
  package static func withBytes<Result>(
    of text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>?) -> Result
  ) -> Result {
    guard text.count.isMultiple(of: 2) else { return body(nil) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count / 2) { bytes in
      var all: UInt8 = 0
      for index in bytes.indices {
        let (high, low) = (value(text[2 * index]), value(text[2 * index + 1]))
        all |= high | low
        bytes.initializeElement(at: index, to: high << 4 | low & 15)
      }
      return body(all < 16 ? UnsafeBufferPointer(bytes) : nil)
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

  /// - Returns: 255 for what is no digit, and for a capital letter.
  @inline(__always) fileprivate static func value(_ digit: UInt8) -> UInt8 {
    let (number, letter) = (digit &- 0x30, digit &- 0x61)
    return number < 10 ? number : letter < 6 ? letter + 10 : 255
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
      let value = (0x41...0x46).contains(digit) ? digit - 0x41 + 10 : Hexadecimal.value(digit)
      return value < 16 ? value : nil
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
