import Testing

@testable import Coordinator

/// Who waits for witnesses.
@Suite struct CheckpointHolderTests {
  @Test func `a leaf that enough have cosigned is not waited for, and another until they have`() async {
    let holder = CheckpointHolder()
    holder.replace(with: [1], size: 5, witnesses: .enough)
    #expect(await holder.isWitnessed(4, by: .now))
    #expect(await !holder.isWitnessed(5, by: .now + .milliseconds(20)))
    async let waiting = [holder.isWitnessed(5, by: .now + .seconds(20)), holder.isWitnessed(7, by: .now + .seconds(20))]
    while holder.waitingCount < 1 { await Task.yield() }
    holder.replace(with: [2], size: 9, witnesses: .tooFew)
    holder.replace(with: [3], size: 9, witnesses: .enough)
    #expect(await waiting == [true, true])
    #expect(holder.current.witnessedSize == 9)
  }

  @Test func `too few witnesses let nobody through, and the time is remembered since the first`() async throws {
    let holder = CheckpointHolder()
    holder.replace(with: [1], size: 5, witnesses: .tooFew)
    let since = try #require(holder.current.unwitnessedSince)
    holder.replace(with: [2], size: 6, witnesses: .tooFew)
    #expect(holder.current.unwitnessedSince == since)
    #expect(holder.current.witnessedSize == 0)
    #expect(await !holder.isWitnessed(0, by: .now + .milliseconds(10)))
    holder.replace(with: [2], size: 6, witnesses: .enough)
    #expect(holder.current.unwitnessedSince == nil)
  }

  @Test func `nobody waits where nobody is asked, or after the log went back`() async {
    let holder = CheckpointHolder()
    holder.replace(with: [1], size: 5, witnesses: .none)
    let began = ContinuousClock.now
    #expect(await !holder.isWitnessed(0, by: .now + .seconds(60)))
    #expect(holder.current.unwitnessedSince == nil)
    #expect(began.duration(to: .now) < .seconds(10))
    holder.replace(with: [2], size: 6, witnesses: .enough)
    holder.forgetWitnesses()
    #expect(await !holder.isWitnessed(0, by: .now + .milliseconds(10)))
    #expect(holder.current.unwitnessedSince != nil)
  }

  @Test func `whoever is cancelled waits no longer`() async {
    let holder = CheckpointHolder()
    let waiting = Task { await holder.isWitnessed(0, by: .now + .seconds(60)) }
    while holder.waitingCount < 1 { await Task.yield() }
    let began = ContinuousClock.now
    waiting.cancel()
    #expect(await !waiting.value)
    #expect(began.duration(to: .now) < .seconds(10))
  }

  @Test func `whoever asks for witnesses does not wait long for a log that cannot be published`() async throws {
    let holder = CheckpointHolder()
    holder.replace(with: [1], size: 5, witnesses: .enough)
    #expect(holder.noteUnpublished("no room"))
    #expect(holder.unpublished > .zero)
    #expect(await holder.isWitnessed(4, by: .now + .seconds(60)), "what was published stays so")
    try await eventually("it has not been published for a while") { holder.unpublished > .seconds(3) }
    let began = ContinuousClock.now
    #expect(await !holder.isWitnessed(5, by: .now + .seconds(60)))
    #expect(began.duration(to: .now) < .seconds(10))
    #expect(try #require(holder.notePublished()) > .seconds(3))
    #expect(holder.unpublished == .zero)
  }
}
