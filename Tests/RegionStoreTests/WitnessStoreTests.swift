import RegionStore
import Testing

/// What a region remembers as a witness.
@Suite(.serialized)
struct WitnessStoreTests {
  private static let origin = "us-east.example/audit"

  @Test func `a head moves on from what it was compared with, and from nothing else`() async throws {
    try await TestStore.with("eu-west") { (test) async throws in
      func advance(_ size: UInt64, from old: UInt64) async throws -> Bool {
        try await test.store.advance(Self.origin, to: WitnessedHead(size: size, note: [UInt8(size)]), from: old)
      }
      #expect(try await test.store.witnessedHead(of: Self.origin) == nil)
      #expect(try await !advance(7, from: 5))
      #expect(try await test.store.witnessedHead(of: Self.origin) == nil)
      #expect(try await advance(5, from: 0))
      #expect(try await !advance(7, from: 0))
      #expect(try await advance(7, from: 5))
      #expect(try await advance(7, from: 7))
      #expect(try await !advance(6, from: 7))
      #expect(try await test.store.witnessedHead(of: Self.origin) == WitnessedHead(size: 7, note: [7]))
      #expect(try await test.store.witnessedHead(of: "another/audit") == nil)
    }
  }

  @Test func `of several at once one goes on`() async throws {
    try await TestStore.with("eu-west") { test in
      let store = test.store
      #expect(try await store.advance(Self.origin, to: WitnessedHead(size: 1, note: [1]), from: 0))
      let done = try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<8 {
          group.addTask { try await store.advance(Self.origin, to: WitnessedHead(size: 2, note: [UInt8(number)]), from: 1) }
        }
        return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(done == 1)
    }
  }

  @Test func `evidence is kept once, and not without bounds; what proves itself is not crowded out`() async throws {
    try await TestStore.with("eu-west") { (test) async throws in
      func keep(_ number: Int, isProven: Bool) async throws -> Bool {
        try await test.store.keepEvidence(
          against: Self.origin, note: [1, 2], hash: [UInt8(number)], head: [3], isProven: isProven)
      }
      for number in 0..<100 { #expect(try await keep(number, isProven: false)) }
      #expect(try await !keep(5, isProven: false))
      #expect(try await !keep(200, isProven: false))
      #expect(try await keep(5, isProven: true))
      #expect(try await !keep(5, isProven: true))
    }
  }
}
