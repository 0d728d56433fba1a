/// A day of the Gregorian calendar in UTC. Policies, lists and agreements begin and end by the day.
package struct CalendarDate: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let year: Int
  package let month: Int
  package let day: Int

  /// - Returns: `nil` where there is no such day, or the year is not of four digits.
  package init?(year: Int, month: Int, day: Int) {
    guard (1000...9999).contains(year), (1...12).contains(month) else { return nil }
    guard (1...Self.days(inMonth: month, of: year)).contains(day) else { return nil }
    self.year = year
    self.month = month
    self.day = day
  }

  /// - Returns: `nil` where `text` is not a day in the form `2026-11-22`.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [4, 2, 2], text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2d }) else {
      return nil
    }
    guard let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]) else { return nil }
    self.init(year: year, month: month, day: day)
  }

  /// Before everything that happens.
  static let distantPast = CalendarDate(secondsSince1970: -30_000_000_000)

  /// The day in UTC that holds the instant `seconds` after 1970-01-01T00:00:00Z.
  ///
  /// Days to civil date by eras of 400 years that start on 1 March, so that the leap day comes last.
  package init(secondsSince1970 seconds: Int64) {
    let days = Int((Double(seconds) / 86_400).rounded(.down)) + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shifted + 2) / 5 + 1
    month = shifted < 10 ? shifted + 3 : shifted - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  private static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
    default: 31
    }
  }

  /// `2026-11-22`.
  package var description: String {
    func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(year)-\(padded(month))-\(padded(day))"
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.year, left.month, left.day) < (right.year, right.month, right.day)
  }
}

/// From the first day on which something holds up to, and without, the day on which it no longer does.
struct Period: Hashable, Sendable {
  /// `nil`: since ever.
  var from: CalendarDate?
  /// `nil`: without end.
  var until: CalendarDate?

  static let always = Period()

  func contains(_ day: CalendarDate) -> Bool { hasBegun(by: day) && !hasEnded(by: day) }
  func hasBegun(by day: CalendarDate) -> Bool { from.map { $0 <= day } ?? true }
  func hasEnded(by day: CalendarDate) -> Bool { until.map { $0 <= day } ?? false }

  func intersection(_ other: Period) -> Period {
    let starts = [from, other.from].compactMap(\.self)
    let ends = [until, other.until].compactMap(\.self)
    return Period(from: starts.max(), until: ends.min())
  }
}
