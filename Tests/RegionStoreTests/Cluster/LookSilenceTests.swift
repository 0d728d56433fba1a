import Testing

@testable import RegionStore

/// When a PostgreSQL counts as one that says nothing.
@Suite struct LookSilenceTests {
  private func passing(_ ticks: Int, in silence: inout LookSilence) { for _ in 0..<ticks { silence.passed() } }

  @Test func `a look that is not answered for long is silence, until one is answered`() {
    var silence = LookSilence()
    silence.began()
    passing(LookSilence.ticksMax - 1, in: &silence)
    #expect(!silence.isSilent)
    passing(1, in: &silence)
    #expect(silence.isSilent)
    // It is given up, and the next one is not answered either.
    silence.ended(answered: false)
    #expect(silence.isSilent)
    silence.began()
    #expect(silence.isSilent)
    silence.ended(answered: true)
    #expect(!silence.isSilent)
  }

  @Test func `looks that fail at once are no silence: whoever calls is told as soon`() {
    var silence = LookSilence()
    for _ in 0..<100 {
      silence.began()
      passing(1, in: &silence)
      silence.ended(answered: false)
      passing(1, in: &silence)
    }
    #expect(!silence.isSilent)
  }

  @Test func `an operation that was answered ends the silence`() {
    var silence = LookSilence()
    silence.began()
    passing(LookSilence.ticksMax, in: &silence)
    silence.heard()
    #expect(!silence.isSilent)
    passing(LookSilence.ticksMax - 1, in: &silence)
    #expect(!silence.isSilent)
  }
}
