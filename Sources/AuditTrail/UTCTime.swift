/// A moment as milliseconds since 1970 UTC, and its calendar form. Always UTC: a log read in two time zones reads the same.
package struct UTCTime: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let milliseconds: Int64

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// What milliseconds cannot reach becomes the furthest that they do: a witness may claim any second at all.
  package init(seconds: Int64) {
    let (product, isOver) = seconds.multipliedReportingOverflow(by: 1000)
    milliseconds = isOver ? (seconds < 0 ? .min : .max) : product
  }

  /// The proleptic Gregorian date.
  package var date: (year: Int, month: Int, day: Int) {
    // Years that start in March have their leap day at the end; 400 of them have 146,097 days.
    let days = Int(floorDivide(milliseconds, 86_400_000)) + 719_468
    let era = floorDivide(days, 146_097)
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  /// ISO 8601, to the millisecond: `2026-11-22T13:48:54.012Z`.
  package var description: String {
    let (year, month, day) = date
    let afterMidnight = Int(milliseconds % 86_400_000)
    let ofDay = afterMidnight < 0 ? afterMidnight + 86_400_000 : afterMidnight
    var text: [UInt8] = []
    text.reserveCapacity(24)
    text.add(year, 4, "-")
    text.add(month, 2, "-")
    text.add(day, 2, "T")
    text.add(ofDay / 3_600_000, 2, ":")
    text.add(ofDay / 60_000 % 60, 2, ":")
    text.add(ofDay / 1000 % 60, 2, ".")
    text.add(ofDay % 1000, 3, "Z")
    return String(decoding: text, as: UTF8.self)
  }

  /// `2026-11`.
  static func monthText(year: Int, month: Int) -> String {
    var text: [UInt8] = []
    text.add(year, 4, "-")
    text.add(month, 2, nil)
    return String(decoding: text, as: UTF8.self)
  }

  /// `2026-11-22` (midnight) or `2026-11-22T13:48[:54[.012]]Z`.
  /// - Returns: `nil` for anything else, a time zone other than `Z` among it.
  package init?(_ text: String) {
    let halves = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
    let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    guard date.count == 3, let year = fixed(date[0], 4), let month = fixed(date[1], 2), let day = fixed(date[2], 2) else {
      return nil
    }
    guard year >= 1970, (1...12).contains(month), day >= 1 else { return nil }
    let (marchYear, marchMonth) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
    let days = 365 * marchYear + marchYear / 4 - marchYear / 100 + marchYear / 400 + (153 * marchMonth + 2) / 5 + day - 719_469
    var milliseconds = Int64(days) * 86_400_000
    if halves.count == 2 {
      guard halves[1].hasSuffix("Z") else { return nil }
      let clock = halves[1].dropLast().split(separator: ":", omittingEmptySubsequences: false)
      guard (2...3).contains(clock.count), let hour = fixed(clock[0], 2), let minute = fixed(clock[1], 2), hour < 24, minute < 60
      else { return nil }
      milliseconds += Int64(hour * 60 + minute) * 60_000
      if clock.count == 3 {
        let second = clock[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = fixed(second[0], 2), whole < 60 else { return nil }
        milliseconds += Int64(whole) * 1000
        if second.count == 2 {
          guard let fraction = fixed(second[1], 3) else { return nil }
          milliseconds += Int64(fraction)
        }
      }
    }
    self.milliseconds = milliseconds
    guard self.date == (year, month, day) else { return nil }
  }

  package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
}

extension [UInt8] {
  fileprivate mutating func add(_ number: Int, _ width: Int, _ end: Unicode.Scalar?) {
    let digits = String(number).utf8
    append(contentsOf: repeatElement(0x30, count: Swift.max(0, width - digits.count)))
    append(contentsOf: digits)
    if let end { append(UInt8(ascii: end)) }
  }
}

func floorDivide<Number: BinaryInteger>(_ left: Number, _ right: Number) -> Number {
  let quotient = left / right
  return left % right < 0 ? quotient - 1 : quotient
}

/// A number of exactly `width` ASCII digits.
private func fixed(_ text: Substring, _ width: Int) -> Int? {
  text.utf8.count == width && text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) ? Int(text) : nil
}
