package import Cryptography
package import Residency

/// A calendar month in UTC: how long one pseudonym stands for a subject.
package struct AuditPeriod: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// `2026-11`.
  package let description: String

  package init(containing time: UTCTime) { description = time.monthDescription }

  /// - Returns: `nil` unless the text is a year and a month.
  package init?(_ text: String) {
    guard text.utf8.count == 7, UTCTime("\(text)-01") != nil else { return nil }
    description = text
  }

  package static func < (left: Self, right: Self) -> Bool { left.description < right.description }
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
    guard let code = SHA256Digest(try auditKey.code(for: tag.bytes, purpose: "domicile audit pseudonym \(period)")) else {
      throw .libraryFailure(operation: "a pseudonym")
    }
    self.init(period: period, code: code)
  }

  /// 64 hexadecimal digits.
  package var description: String { code.description }
}
