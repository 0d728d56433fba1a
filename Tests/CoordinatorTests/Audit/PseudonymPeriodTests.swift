import AuditTrail
import Testing

@testable import Coordinator

@Suite struct PseudonymPeriodTests {
  private static func months(_ from: String, _ to: String) throws -> [String] {
    let (start, end) = (try #require(UTCTime(from)), try #require(UTCTime(to)))
    return GetSubjectPseudonyms.periods(from: UInt64(start.milliseconds), to: UInt64(end.milliseconds)).map(\.description)
  }

  @Test func `a subject has a name for each month from the registration to today`() throws {
    #expect(try Self.months("2026-11-30", "2027-02-01") == ["2026-11", "2026-12", "2027-01", "2027-02"])
    #expect(try Self.months("2026-11-01", "2026-11-30") == ["2026-11"])
    #expect(try Self.months("2026-12-01", "2026-11-30").isEmpty, "a clock that went back")
  }

  @Test func `a leaf may claim any time, and its month is told`() {
    #expect(AuditPeriod(containing: UTCTime(milliseconds: -62_167_219_200_001)).description.hasSuffix("-12"))
  }
}
