import Testing

@testable import PolicyEngine

@Suite struct TruthTests {
  @Test func `and, or and not are Kleene's tables`() {
    let table: [(Truth, Truth, and: Truth, or: Truth)] = [
      (.yes, .yes, .yes, .yes), (.yes, .unknown, .unknown, .yes), (.yes, .no, .no, .yes),
      (.unknown, .yes, .unknown, .yes), (.unknown, .unknown, .unknown, .unknown), (.unknown, .no, .no, .unknown),
      (.no, .yes, .no, .yes), (.no, .unknown, .no, .unknown), (.no, .no, .no, .no),
    ]
    for (left, right, and, or) in table {
      #expect((left && right) == and, "\(left) and \(right)")
      #expect((left || right) == or, "\(left) or \(right)")
    }
    #expect(!Truth.yes == .no)
    #expect(!Truth.unknown == .unknown)
    #expect(!Truth.no == .yes)
  }

  @Test func `of nothing, all is yes and some is no`() {
    #expect([Truth]().all(\.self) == .yes)
    #expect([Truth]().some(\.self) == .no)
  }
}

@Suite struct CalendarDateTests {
  @Test func `only days that exist are days`() {
    for text in [
      "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "1900-02-29", "26-01-01", "2026-04-31", "2026-11-22Z", "",
    ] {
      #expect(CalendarDate(text) == nil, "\(text)")
    }
    #expect(CalendarDate("2000-02-29")?.description == "2000-02-29")
    #expect(CalendarDate("2028-02-29") != nil)
  }

  @Test func `an instant belongs to its day in UTC`() {
    let days: [(Int64, String)] = [
      (0, "1970-01-01"), (-1, "1969-12-31"), (86_399, "1970-01-01"), (86_400, "1970-01-02"), (951_782_400, "2000-02-29"),
      (1_795_305_600, "2026-11-22"), (4_107_542_399, "2100-02-28"), (4_107_542_400, "2100-03-01"),
    ]
    for (seconds, day) in days { #expect(CalendarDate(secondsSince1970: seconds).description == day) }
  }

  @Test func `a period ends before the day it names`() {
    let period = Period(from: Fixture.day("2026-01-01"), until: Fixture.day("2027-01-01"))
    #expect(!period.contains(Fixture.day("2025-12-31")))
    #expect(period.contains(Fixture.day("2026-01-01")))
    #expect(period.contains(Fixture.day("2026-12-31")))
    #expect(!period.contains(Fixture.day("2027-01-01")))
  }
}

@Suite struct MembershipTests {
  @Test func `Quebec is in Canada, and of Canada nobody knows whether it is Quebec`() {
    #expect(Fixture.jurisdiction("CA-QC").isWithin(Fixture.jurisdiction("CA")) == .yes)
    #expect(Fixture.jurisdiction("CA").isWithin(Fixture.jurisdiction("CA-QC")) == .unknown)
    #expect(Fixture.jurisdiction("CA-BC").isWithin(Fixture.jurisdiction("CA-QC")) == .no)
    #expect(Fixture.jurisdiction("US").isWithin(Fixture.jurisdiction("CA-QC")) == .no)
  }

  @Test func `a star stands for any run of characters`() {
    let table: [(String, String, Bool)] = [
      ("desk", "desk", true), ("desk", "desk2", false), ("app:*", "app:", true), ("app:*", "app:web", true),
      ("app:*", "xapp:web", false),
      ("*", "", true), ("*", "anything", true), ("a*c", "abc", true), ("a*c", "ac", true), ("a*c", "acb", false),
      ("a*a", "a", false),
      ("*b*", "abc", true), ("*b*", "ac", false), ("a*b*c", "a1b2c", true), ("a*bb*c", "abc", false), ("", "", true),
      ("", "x", false),
      ("a**c", "abc", true),
    ]
    for (pattern, name, expected) in table { #expect(NamePattern(text: pattern).matches(name) == expected, "\(pattern) \(name)") }
  }
}
