import Testing

@testable import Coordinator

/// Since when a log is not published.
@Suite struct PublicationStandingTests {
  private let start = ContinuousClock.now

  @Test func `the time counts from when all was published last, and ends when it is again`() {
    var standing = PublicationStanding(at: start)
    let began = standing.succeeded(at: start + .seconds(1))
    #expect(began == nil)
    #expect(standing.unpublished(at: start + .seconds(2)) == .zero)
    let isTold = standing.failed("no room", at: start + .seconds(3))
    #expect(isTold)
    #expect(standing.unpublished(at: start + .seconds(4)) == .seconds(3))
    let lasted = standing.succeeded(at: start + .seconds(9))
    #expect(lasted == .seconds(8))
    #expect(standing.unpublished(at: start + .seconds(10)) == .zero)
    let again = standing.succeeded(at: start + .seconds(11))
    #expect(again == nil)
  }

  @Test func `a round that does not end counts as one that fails`() {
    let standing = PublicationStanding(at: start)
    #expect(standing.unpublished(at: start + PublicationStanding.roundMax) == .zero)
    #expect(standing.unpublished(at: start + .seconds(11)) == .seconds(11))
  }

  @Test func `what lasts is told once a minute, and another cause at once`() {
    var standing = PublicationStanding(at: start)
    let told = [("no room", 0), ("no room", 59), ("no room", 60), ("no room", 61), ("read-only", 62)].map { why, seconds in
      standing.failed(why, at: start + .seconds(seconds))
    }
    #expect(told == [true, false, true, false, true])
  }
}
