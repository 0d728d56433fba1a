import Directory
import Residency
import Testing

@testable import RegionStore

@Suite(.serialized)
struct DirectoryCacheTests {
  /// Until it holds, for as long as another coordinator's commits may take to be followed.
  private func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
      if try await condition() { return true }
      await Task.yield()
    }
    return false
  }

  @Test func `what was seen of a log at a place where a branch was cut is never taken for shown`() throws {
    let cache = DirectoryCache()
    let log = LogID(origin: try #require(RegionOrdinal(2)), incarnation: .first)
    func seen(_ seq: UInt64) -> VersionVector {
      var vector = VersionVector()
      vector.advance(to: LogPosition(log: log, seq: seq))
      return vector
    }
    cache.followed(log, from: 1, to: 10, tags: [])
    #expect(cache.shows(seen(10)))
    #expect(!cache.shows(seen(11)))
    cache.note(cuts: [LogPosition(log: log, seq: 7)])
    #expect(cache.shows(seen(6)))
    #expect(!cache.shows(seen(7)), "two entries stand there: who saw one may have seen the one that does not count")
  }

  @Test func `look-ups are answered from memory, and never against what this coordinator has committed`() async throws {
    try await TestStore.with { test in
      let cache = test.store.directoryCache
      for number in 0..<20 {
        try await test.register(try tag(number))
        #expect(try await test.store.lookUp(try tag(number))?.primary.home == test.region.ordinal)
      }
      // What is followed is dropped once more, though it is known already.
      #expect(try await eventually { cache.vector[test.log] == 20 })
      for number in 0..<20 { #expect(try await test.store.lookUp(try tag(number)) != nil) }
      let before = cache.counts
      for number in 0..<20 { #expect(try await test.store.lookUp(try tag(number)) != nil) }
      #expect(cache.counts.hits == before.hits + 20)
      let known = cache.counts
      for number in 100..<120 { #expect(try await test.store.lookUp(try tag(number)) == nil) }
      #expect(cache.counts.absent > known.absent + 15, "who is not there costs no look at PostgreSQL")
    }
  }

  @Test func `what another coordinator of the region commits, or a peer's log brings, is followed`() async throws {
    try await TestStore.with("eu-west") { first in
      try await TestStore.with("us-east") { america in
        try await TestStore.with("eu-west", sharing: first) { second in
          let subject = try tag(1)
          #expect(try await second.store.lookUp(subject) == nil)
          try await first.register(subject)
          #expect(try await eventually { try await second.store.lookUp(subject) != nil })
          // The same subject registered elsewhere: contested, for the other coordinator too, which remembered it as settled.
          #expect(try await second.store.lookUp(subject)?.isContested == false)
          try await america.register(subject)
          guard case .batch(let batch) = try await america.store.logBatch(of: america.log, from: 1, entriesMax: 10) else {
            Issue.record("there is a log")
            return
          }
          _ = try await first.store.apply(batch)
          #expect(try await first.store.lookUp(subject)?.isContested == true)
          #expect(try await eventually { try await second.store.lookUp(subject)?.isContested == true })
        }
      }
    }
  }
}
