import Testing

@testable import RegionStore

struct GatheringTests {
  private static let start = ContinuousClock.now

  private func at(_ milliseconds: Int) -> ContinuousClock.Instant { Self.start + .milliseconds(milliseconds) }

  /// After `count` operations were here at once.
  private func gathering(_ count: Int) -> Gathering {
    var gathering = Gathering(limit: .milliseconds(2))
    for present in 1...count { gathering.note(present: present, at: at(0)) }
    return gathering
  }

  @Test func `one that comes alone does not wait`() {
    #expect(gathering(1).pause(waiting: 1, isBeside: false, oldest: at(1), now: at(1)) == nil)
    #expect(Gathering(limit: .milliseconds(2)).pause(waiting: 1, isBeside: false, oldest: at(1), now: at(1)) == nil)
  }

  @Test func `where many came lately, a batch waits until most are there, and no longer than its limit`() {
    let gathering = gathering(16)
    #expect(gathering.pause(waiting: 3, isBeside: false, oldest: at(1), now: at(1)) == at(3))
    #expect(gathering.pause(waiting: 12, isBeside: false, oldest: at(1), now: at(1)) == nil)
    #expect(gathering.pause(waiting: 3, isBeside: false, oldest: at(1), now: at(3)) == nil)
  }

  @Test(arguments: [(here: 16, enough: 16), (here: 64, enough: 16), (here: 128, enough: 32)])
  func `beside another batch a second one is for many, or for when that takes long`(here: Int, enough: Int) {
    let gathering = gathering(here)
    #expect(gathering.pause(waiting: enough - 1, isBeside: true, oldest: at(0), now: at(0)) == at(8))
    #expect(gathering.pause(waiting: enough, isBeside: true, oldest: at(0), now: at(0)) == nil)
    #expect(gathering.pause(waiting: 1, isBeside: true, oldest: at(0), now: at(8)) == nil)
  }

  @Test func `those who went are forgotten`() {
    var gathering = gathering(64)
    #expect(gathering.pause(waiting: 23, isBeside: false, oldest: at(100), now: at(100)) != nil)
    #expect(gathering.pause(waiting: 24, isBeside: false, oldest: at(100), now: at(100)) == nil)
    gathering.note(present: 1, at: at(1_000))
    #expect(gathering.pause(waiting: 1, isBeside: false, oldest: at(1_000), now: at(1_000)) == nil)
  }
}
