/// A position in PostgreSQL's write-ahead log: type `pg_lsn`, e.g. `16/B374D848`. Comparable only within one history
/// (``ClusterHistory``).
package struct LogSequenceNumber: RawRepresentable, Hashable, Comparable, Sendable {
  /// Bytes from the beginning of the log.
  package let rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// What PostgreSQL calls invalid: before everything.
  package static let zero = LogSequenceNumber(rawValue: 0)

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension LogSequenceNumber: LosslessStringConvertible {
  /// - Parameter text: two hexadecimal numbers of one to eight digits, with a slash between them.
  package init?(_ text: String) {
    let halves = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard halves.count == 2, let high = Self.half(halves[0]), let low = Self.half(halves[1]) else { return nil }
    rawValue = high << 32 | low
  }

  package var description: String {
    "\(String(rawValue >> 32, radix: 16, uppercase: true))/\(String(rawValue & 0xffff_ffff, radix: 16, uppercase: true))"
  }

  private static func half(_ digits: Substring.UTF8View) -> UInt64? {
    // `UInt64` would take a sign.
    guard (1...8).contains(digits.count), digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
    return UInt64(Substring(digits), radix: 16)
  }
}
