package import AuditTrail

/// A span of time that a report is about, in UTC.
package struct ReportPeriod: Hashable, Sendable, CustomStringConvertible {
  package let since: UTCTime?
  /// The first moment after it.
  package let until: UTCTime?
  package let description: String

  /// All that a log holds.
  package static let everything = ReportPeriod(since: nil, until: nil, description: "everything up to the checkpoint")

  private init(since: UTCTime?, until: UTCTime?, description: String) {
    self.since = since
    self.until = until
    self.description = description
  }

  /// - Parameter until: the first moment after it; `nil`: up to the checkpoint.
  package init(since: UTCTime, until: UTCTime?) {
    self.init(
      since: since, until: until, description: "\(since) to \(until.map { "\($0), not included" } ?? "the checkpoint") (UTC)")
  }

  /// `2026`, `2026-Q4`, `2026-11`, `2026-11-22`, or two of these with `..` between them: from the start of the first to the end of the
  /// second.
  /// - Returns: `nil` for anything else, and for an end before its start.
  package init?(_ text: String) {
    let parts = text.split(separator: "..", omittingEmptySubsequences: false).map(String.init)
    guard (1...2).contains(parts.count), let first = Self.span(parts[0]), let last = Self.span(parts[parts.count - 1]),
      first.start < last.end
    else { return nil }
    since = first.start
    until = last.end
    description = "\(first.start.day) to \(UTCTime(milliseconds: last.end.milliseconds - 1).day), both included (UTC)"
  }

  package func contains(_ time: UTCTime) -> Bool { since.map { $0 <= time } ?? true && until.map { time < $0 } ?? true }

  private static func span(_ text: String) -> (start: UTCTime, end: UTCTime)? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard let year = Int(parts[0]), parts[0].utf8.count == 4 else { return nil }
    func month(_ index: Int) -> UTCTime? {
      let (year, month) = (year + index / 12, index % 12 + 1)
      return UTCTime("\(year)-\(month < 10 ? "0" : "")\(month)-01")
    }
    func months(_ first: Int, _ count: Int) -> (start: UTCTime, end: UTCTime)? {
      guard let start = month(first), let end = month(first + count) else { return nil }
      return (start, end)
    }
    switch parts.count {
    case 1: return months(0, 12)
    case 2 where parts[1].hasPrefix("Q"):
      guard let quarter = Int(parts[1].dropFirst()), (1...4).contains(quarter), parts[1].utf8.count == 2 else { return nil }
      return months((quarter - 1) * 3, 3)
    case 2:
      guard let number = Int(parts[1]), (1...12).contains(number), parts[1].utf8.count == 2 else { return nil }
      return months(number - 1, 1)
    case 3:
      guard let start = UTCTime(text) else { return nil }
      return (start, UTCTime(milliseconds: start.milliseconds + 86_400_000))
    default: return nil
    }
  }
}

extension UTCTime {
  /// `2026-11-22`
  package var day: String { String(description.prefix(10)) }
  /// `2026-11`
  var month: String { String(description.prefix(7)) }
}
