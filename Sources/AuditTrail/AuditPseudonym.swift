package import Cryptography
package import Residency

/// A calendar month in UTC: how long one pseudonym stands for a subject.
package struct AuditPeriod: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Months since January of the year 0; negative before it, as a leaf may claim.
  fileprivate let number: Int

  package init(containing time: UTCTime) {
    let date = time.date
    number = 12 * date.year + date.month - 1
  }

  /// - Returns: `nil` unless the text is a year and a month.
  package init?(_ text: String) {
    guard text.utf8.count == 7, let first = UTCTime("\(text)-01") else { return nil }
    self.init(containing: first)
  }

  package var next: Self { Self(number: number + 1) }

  private init(number: Int) { self.number = number }

  /// `2026-11`.
  package var description: String {
    UTCTime.monthText(year: floorDivide(number, 12), month: number - 12 * floorDivide(number, 12) + 1)
  }

  package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// All that a leaf says of who a person is: `HMAC-SHA-256(subject's audit key for the period, tag)`.
///
/// Without the audit key nobody can tell that two periods' pseudonyms are one person's, or whose a pseudonym is. Destroying the
/// key is how a subject is erased from a log that cannot change.
package struct AuditPseudonym: Hashable, Sendable, CustomStringConvertible {
  package let period: AuditPeriod
  package let code: SHA256Digest

  package init(period: AuditPeriod, code: SHA256Digest) {
    self.period = period
    self.code = code
  }

  /// - Parameter auditKey: the subject's audit key; each period's key is derived from it.
  package init(of tag: SubjectTag, auditKey: RootKey, period: AuditPeriod) throws(CryptographyError) {
    let code = try tag.withUnsafeBytes { (tag) throws(CryptographyError) in
      try auditKey.code(for: tag, number: period.number, purpose: "domicile audit pseudonym \(period)")
    }
    self.init(period: period, code: code)
  }

  /// 64 hexadecimal digits.
  package var description: String { code.description }
}
