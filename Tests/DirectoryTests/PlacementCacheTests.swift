import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

@Suite struct PlacementCacheTests {
  private func spread(_ number: Int) throws -> SubjectTag {
    try #require(SubjectTag(Array(simulatedDigest([UInt8(number & 255), UInt8(number >> 8)]).prefix(16))))
  }

  private func fact(_ number: Int, epoch: UInt64 = 1) throws -> Placement {
    Placement(
      tag: try spread(number), birth: try at(1, UInt64(number + 1)), epoch: Epoch(epoch), home: try region(1), state: .active,
      position: try at(1, UInt64(number + 1)))
  }

  @Test func `what was filled is found, what was dropped is not, and room is made for what is used`() throws {
    var cache = PlacementCache(capacity: 64)
    #expect(cache.capacity == 64)
    for number in 0..<1_000 {
      let fact = try fact(number)
      cache.fill(fact, cache.ticket(for: fact.tag))
      #expect(cache.placement(of: try spread(0)) == (try self.fact(0)), "one that is used all the time stays")
      #expect(cache.placement(of: fact.tag) == fact)
    }
    let kept = try (0..<1_000).filter { cache.placement(of: try spread($0)) != nil }
    #expect(kept.count <= 64 && kept.count > 32)
    cache.drop(try spread(0))
    #expect(cache.placement(of: try spread(0)) == nil)
    cache.dropAll()
    #expect(try (0..<1_000).allSatisfy { cache.placement(of: try spread($0)) == nil })
  }

  @Test func `what was read before an entry came is not kept`() throws {
    var cache = PlacementCache(capacity: 64)
    let old = try fact(1)
    let ticket = cache.ticket(for: old.tag)
    cache.drop(old.tag)
    cache.fill(old, ticket)
    #expect(cache.placement(of: old.tag) == nil)
    let other = cache.ticket(for: old.tag)
    cache.dropAll()
    cache.fill(old, other)
    #expect(cache.placement(of: old.tag) == nil)
  }

  @Test func `a filter lets every tag through that was added, and few others`() throws {
    var filter = TagFilter(bytes: 1_280)
    for number in 0..<1_000 { filter.add(try spread(number)) }
    #expect(try (0..<1_000).allSatisfy { filter.mayContain(try spread($0)) })
    let others = try (1_000..<21_000).filter { filter.mayContain(try spread($0)) }.count
    #expect(others < 800, "\(others) of 20,000 at 16 bits a tag")
    #expect(filter.count == 1_000)
  }
}
