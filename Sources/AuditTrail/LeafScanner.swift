import Residency

/// A cursor over the bytes of a leaf that accepts only the plainest form of each value: text without escapes in ASCII, numbers without
/// sign. What it does not accept may still be right; it is then for ``AuditEvent/init(leaf:)`` to say.
struct LeafScanner {
  private let start: UnsafePointer<UInt8>
  private let count: Int
  private var position = 0

  /// - Returns: `nil` for no bytes at all.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
    self.start = start
    count = bytes.count
  }

  var isAtEnd: Bool { position == count }

  /// Passes over `text` where it comes next.
  @inline(__always) mutating func take(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard count - position >= length else { return false }
    let (here, wanted) = (UnsafeRawPointer(start + position), UnsafeRawPointer(text.utf8Start))
    var offset = 0
    while offset + 8 <= length {
      guard
        here.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          == wanted.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      else { return false }
      offset += 8
    }
    while offset < length {
      guard start[position + offset] == text.utf8Start[offset] else { return false }
      offset += 1
    }
    position += length
    return true
  }

  /// The rest of a text up to its closing quotation mark, which is passed over.
  mutating func text() -> Range<Int>? {
    let first = position
    while count - position >= 8 {
      let special = Self.special(UnsafeRawPointer(start + position).loadUnaligned(as: UInt64.self).littleEndian)
      guard special != 0 else {
        position += 8
        continue
      }
      position += special.trailingZeroBitCount / 8
      guard start[position] == 0x22 else { return nil }
      position += 1
      return first..<position - 1
    }
    while position < count {
      let byte = start[position]
      if byte == 0x22 {
        position += 1
        return first..<position - 1
      }
      guard byte >= 0x20, byte < 0x7f, byte != 0x5c else { return nil }
      position += 1
    }
    return nil
  }

  /// Where in eight bytes, the first of them lowest, one ends a text or has to be looked at: its highest bit is set. Only of the first such
  /// byte that is so for certain; without one the word is 0, and all are printable ASCII, no quotation mark and no backslash.
  @inline(__always) private static func special(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }
    let control = (word &- ones &* 0x20) & ~word
    let quotes = zeros(word ^ ones &* 0x22) | zeros(word ^ ones &* 0x5c)
    return (word | control | quotes | zeros(word ^ ones &* 0x7f)) & (ones &* 0x80)
  }

  /// An activity's word and the quotation mark.
  mutating func activity() -> AuditActivity? {
    for (word, activity) in Self.activities where take(word) { return activity }
    return nil
  }

  /// The usual ones first.
  private static let activities: [(StaticString, AuditActivity)] = [
    ("read\"", .read), ("import\"", .importRecord), ("write\"", .write), ("list\"", .list), ("delete\"", .delete),
    ("decide\"", .decide),
    ("locate\"", .locate), ("register\"", .register), ("set_consent\"", .setConsent), ("withdraw_consent\"", .withdrawConsent),
    ("settle\"", .settle), ("export\"", .export), ("replicate\"", .replicate), ("move\"", .move), ("erase\"", .erase),
    ("restrict\"", .restrict), ("resolve_contest\"", .resolveContest), ("load_policy\"", .loadPolicy),
    ("configure\"", .configure),
    ("change_key\"", .changeKey), ("operate\"", .operate), ("start\"", .start), ("stop\"", .stop), ("account\"", .account),
  ]

  /// Digits without a leading zero, at most `digitsMax` of them.
  private mutating func digits(max digitsMax: Int) -> UInt64? {
    let first = position
    var value: UInt64 = 0
    while position < count, case let digit = start[position] &- 0x30, digit < 10 {
      guard position - first < digitsMax else { return nil }
      value = value * 10 + UInt64(digit)
      position += 1
    }
    guard position > first, position - first == 1 || start[first] != 0x30 else { return nil }
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
    // 0 to 9, a to f.
    guard let range = text(), range.count == 64, isOnly(range, below64: 0x03ff_0000_0000_0000, from64: 0x0000_007e_0000_0000)
    else { return nil }
    return range
  }

  /// Whether all bytes of a range of ASCII are among those of two sets of 64 bits.
  @inline(__always) private func isOnly(_ range: Range<Int>, below64: UInt64, from64: UInt64) -> Bool {
    var known: UInt64 = 1
    for position in range {
      let byte = start[position]
      known &= (byte < 64 ? below64 : from64) >> UInt64(byte & 63)
    }
    return known & 1 == 1
  }

  mutating func region() -> Range<Int>? {
    guard let range = text(), (1...32).contains(range.count), (0x61...0x7a).contains(start[range.lowerBound]) else { return nil }
    var previous: UInt8 = 0
    for position in range {
      let byte = start[position]
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
    guard let range = text(), (4...6).contains(range.count), isCountry(range.lowerBound), start[range.lowerBound + 2] == 0x2d,
      (range.lowerBound + 3..<range.upperBound).allSatisfy({
        (0x41...0x5a).contains(start[$0]) || (0x30...0x39).contains(start[$0])
      })
    else { return nil }
    return range
  }

  private func isCountry(_ place: Int) -> Bool {
    let (first, second) = (Int(start[place]) - 0x41, Int(start[place + 1]) - 0x41)
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
    while end > range.lowerBound, start[end - 1] == 0x3d, range.upperBound - end < 2 { end -= 1 }
    let padding = range.upperBound - end
    if let byteCount, range.count / 4 * 3 - padding != byteCount { return false }
    // + / 0 to 9, A to Z, a to z.
    guard end > range.lowerBound, isOnly(range.lowerBound..<end, below64: 0x03ff_8800_0000_0000, from64: 0x07ff_fffe_07ff_fffe)
    else { return false }
    let last = start[end - 1]
    let value =
      switch last {
      case 0x41...0x5a: last - 0x41
      case 0x61...0x7a: last - 0x61 + 26
      case 0x30...0x39: last - 0x30 + 52
      case 0x2b: 62 as UInt8
      default: 63 as UInt8
      }
    return value & (padding == 2 ? 15 : padding == 1 ? 3 : 0) == 0
  }

  /// Whether two ranges hold the same.
  func isEqual(_ one: Range<Int>, _ other: Range<Int>) -> Bool {
    one.count == other.count && zip(one, other).allSatisfy { start[$0] == start[$1] }
  }

  func isEqual(_ range: Range<Int>, _ text: StaticString) -> Bool {
    range.count == text.utf8CodeUnitCount && range.allSatisfy { start[$0] == text.utf8Start[$0 - range.lowerBound] }
  }

  /// The position of the next byte.
  var place: Int { position }
}
