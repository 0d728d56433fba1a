import ArgumentParser
import AuditTrail

extension UTCTime {
  /// For `@Option(…, transform: UTCTime.option)`.
  /// - Throws: `ValidationError`, which says how a time is written.
  static func option(_ text: String) throws -> UTCTime {
    guard let time = UTCTime(text) else { throw ValidationError("'\(text)' is no time in UTC, such as 2026-11-22T13:00Z.") }
    return time
  }
}
