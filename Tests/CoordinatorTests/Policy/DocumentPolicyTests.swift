import PolicyEngine
import Residency
import Testing

@testable import Coordinator

/// What policy says of documents that all regions hold, after it was served.
@Suite struct DocumentPolicyTests {
  private static let notes = CollectionName("notes")

  private static let beforeTheEnd: UInt64 = 1_796_000_000_000
  private static let afterTheEnd: UInt64 = 1_799_000_000_000

  @Test func `once the permit to replicate has ended, nothing more is written that would go by it`() throws {
    #expect(try CallFixture.call(at: Self.beforeTheEnd).replicationBarrier(Self.notes) == nil)
    let barrier = try #require(try CallFixture.call(at: Self.afterTheEnd).replicationBarrier(Self.notes))
    #expect(barrier.effect == .deny)
    #expect(try CallFixture.call(at: Self.afterTheEnd).refusal(for: barrier).reason == .policyDenied)
  }

  @Test func `a collection of people's records holds no documents, and one of documents no people's records`() throws {
    let call = try CallFixture.call(at: Self.beforeTheEnd)
    #expect(try call.globalCollection("notes") == Self.notes)
    #expect(throws: Refusal.self) { try call.globalCollection("profile") }
    #expect(throws: Refusal.self) { try call.globalCollection("nothing") }
    #expect(try call.homeCollection("profile") == CollectionName("profile"))
    #expect(throws: Refusal.self) { try call.homeCollection("notes") }
  }
}
