import Testing

@testable import RegionStore

struct SessionTokenTests {
  private static let mark = LogMark(
    history: ClusterHistory(systemIdentifier: 0x0123_4567_89ab_cdef, timeline: 7),
    position: LogSequenceNumber(rawValue: 0x1_0000_0002))

  @Test(arguments: [true, false]) func `a token survives being written`(isDurable: Bool) {
    let token = SessionToken(mark: Self.mark, isDurable: isDurable)
    #expect(token.text.utf8.count == 44)
    #expect(SessionToken(token.text) == token)
  }

  @Test func `other texts are no token`() {
    let text = SessionToken(mark: Self.mark, isDurable: true).text
    for other in [
      "", String(text.dropLast(2)), text + "00", "02" + text.dropFirst(2), "0102" + text.dropFirst(4), "x" + text.dropFirst(),
    ] {
      #expect(SessionToken(other) == nil)
    }
  }
}

struct PrimaryPositionsTests {
  private static let start = ContinuousClock.now
  private static let history = ClusterHistory(systemIdentifier: 1, timeline: 1)

  private func mark(_ position: UInt64, timeline: UInt32 = 1, system: UInt64 = 1) -> LogMark {
    LogMark(
      history: ClusterHistory(systemIdentifier: system, timeline: timeline), position: LogSequenceNumber(rawValue: position))
  }

  private func standby(_ position: UInt64, timeline: UInt32 = 1, system: UInt64 = 1) -> StandbyState {
    let mark = mark(position, timeline: timeline, system: system)
    return StandbyState(history: mark.history, replayed: mark.position)
  }

  private func at(_ seconds: Int) -> ContinuousClock.Instant { Self.start + .seconds(seconds) }

  @Test func `a standby is as old as the last position that it has reached`() {
    let positions = PrimaryPositions()
    for second in 0..<100 { positions.note(mark(UInt64(second) * 10), at: at(second)) }
    #expect(positions.lastSeen(by: standby(505)) == at(50))
    #expect(positions.lastSeen(by: standby(510)) == at(51))
    #expect(positions.lastSeen(by: standby(99_999)) == at(99))
    #expect(positions.lastSeen(by: standby(0)) == at(0))
  }

  @Test func `nothing is known of one that is behind all, or of another cluster`() {
    let positions = PrimaryPositions()
    positions.note(mark(100), at: at(0))
    #expect(positions.lastSeen(by: standby(99)) == nil)
    #expect(positions.lastSeen(by: standby(200, system: 2)) == nil)
    positions.note(mark(5, system: 2), at: at(1))
    #expect(positions.lastSeen(by: standby(200, system: 2)) == at(1))
    #expect(positions.lastSeen(by: standby(200)) == nil)
  }

  @Test func `a standby of an older timeline has not seen what was written on the new one`() {
    let positions = PrimaryPositions()
    positions.note(mark(100), at: at(0))
    positions.note(mark(120, timeline: 2), at: at(1))
    #expect(positions.lastSeen(by: standby(500)) == at(0))
    #expect(positions.lastSeen(by: standby(500, timeline: 2)) == at(1))
  }

  @Test func `what is older than any caller may ask for is forgotten`() {
    let positions = PrimaryPositions()
    positions.note(mark(1), at: at(0))
    positions.note(mark(2), at: at(601))
    #expect(positions.lastSeen(by: standby(1)) == nil)
    #expect(positions.lastSeen(by: standby(2)) == at(601))
  }
}
