import Residency

/// A cursor over the bytes of a leaf that accepts only the plainest form of each value: text without escapes in ASCII, numbers without
/// sign. What it does not accept may still be right; it is then for ``AuditEvent/init(leaf:)`` to say.
struct LeafScanner {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  /// Passes over `text` where it comes next.
  mutating func take(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    let start = text.utf8Start
    for offset in 0..<count where bytes[position + offset] != start[offset] { return false }
    position += count
    return true
  }

  /// The rest of a text up to its closing quotation mark, which is passed over.
  mutating func text() -> Range<Int>? {
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == 0x22 {
        position += 1
        return start..<position - 1
      }
      guard byte >= 0x20, byte < 0x7f, byte != 0x5c else { return nil }
      position += 1
    }
    return nil
  }

  /// Digits without a leading zero, at most `digitsMax` of them.
  private mutating func digits(max digitsMax: Int) -> UInt64? {
    let start = position
    var value: UInt64 = 0
    while position < bytes.count, case let digit = bytes[position] &- 0x30, digit < 10 {
      guard position - start < digitsMax else { return nil }
      value = value * 10 + UInt64(digit)
      position += 1
    }
    guard position > start, position - start == 1 || bytes[start] != 0x30 else { return nil }
    return value
  }

  /// A number that JSON's doubles hold exactly.
  mutating func integer() -> Int64? { digits(max: 15).map { Int64($0) } }

  /// A number as text, with its closing quotation mark.
  mutating func decimal() -> UInt64? {
    guard let value = digits(max: 19), take("\"") else { return nil }
    return value
  }

  /// 64 lower-case hexadecimal digits and the quotation mark.
  mutating func digest() -> Range<Int>? {
    guard let range = text(), range.count == 64,
      bytes[range].allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    return range
  }

  mutating func region() -> Range<Int>? {
    guard let range = text(), (1...32).contains(range.count), (0x61...0x7a).contains(bytes[range.lowerBound]) else { return nil }
    var previous: UInt8 = 0
    for byte in bytes[range] {
      guard (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || (byte == 0x2d && previous != 0x2d) else { return nil }
      previous = byte
    }
    return previous == 0x2d ? nil : range
  }

  mutating func country() -> Range<Int>? {
    guard let range = text(), range.count == 2, isCountry(range.lowerBound) else { return nil }
    return range
  }

  /// A part of a country, with the country before it.
  mutating func part() -> Range<Int>? {
    guard let range = text(), (4...6).contains(range.count), isCountry(range.lowerBound), bytes[range.lowerBound + 2] == 0x2d,
      bytes[range.lowerBound + 3..<range.upperBound].allSatisfy({ (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) })
    else { return nil }
    return range
  }

  private func isCountry(_ start: Int) -> Bool {
    let (first, second) = (Int(bytes[start]) - 0x41, Int(bytes[start + 1]) - 0x41)
    return (0..<26).contains(first) && (0..<26).contains(second) && Self.countries[first * 26 + second]
  }

  private static let countries: [Bool] = {
    var known = [Bool](repeating: false, count: 26 * 26)
    for code in Jurisdiction.countries {
      let letters = code.utf8.map { Int($0) - 0x41 }
      known[letters[0] * 26 + letters[1]] = true
    }
    return known
  }()

  /// Base64 in its one form, with the quotation mark.
  mutating func base64(byteCount: Int? = nil) -> Bool {
    guard let range = text(), range.count.isMultiple(of: 4), !range.isEmpty else { return false }
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1] == 0x3d, range.upperBound - end < 2 { end -= 1 }
    let padding = range.upperBound - end
    if let byteCount, range.count / 4 * 3 - padding != byteCount { return false }
    var last: UInt8 = 0
    for byte in bytes[range.lowerBound..<end] {
      switch byte {
      case 0x41...0x5a: last = byte - 0x41
      case 0x61...0x7a: last = byte - 0x61 + 26
      case 0x30...0x39: last = byte - 0x30 + 52
      case 0x2b: last = 62
      case 0x2f: last = 63
      default: return false
      }
    }
    return last & (padding == 2 ? 15 : padding == 1 ? 3 : 0) == 0
  }

  func isEqual(_ range: Range<Int>, _ text: String) -> Bool {
    range.count == text.utf8.count && bytes[range].elementsEqual(text.utf8)
  }
}
