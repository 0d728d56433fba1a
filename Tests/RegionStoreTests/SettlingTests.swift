import Cryptography
import Residency
import Testing

@testable import RegionStore

/// What became of a write whose answer was lost. On a real PostgreSQL cluster.
struct SettlingTests {
  private static let key = SHA256.hash([7])

  @Test func `a write that happened is found, with its receipts, and may still be repeated`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let receipt = try await test.putOnce("v", at: test.address(subject), key: Self.key)
      #expect(try await test.settle(Self.key, about: subject))
      #expect(try await test.putOnce("v", at: test.address(subject), key: Self.key) == receipt)
    }
  }

  @Test func `a write that did not happen never will, however often it is asked`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      #expect(try await !test.settle(Self.key, about: subject))
      await #expect(throws: TestStore.Fenced.self) {
        try await test.putOnce("v", at: test.address(subject), key: Self.key)
      }
      #expect(try await !test.settle(Self.key, about: subject))
      #expect(try await test.get(test.address(subject)) == nil)
    }
  }

  @Test func `of a write and a settlement that race, exactly one wins, and both agree who`() async throws {
    try await TestStore.with { test in
      try await TestStore.with(sharing: test) { other in
        let subject = try tag(1)
        try await test.register(subject)
        var (written, fenced) = (0, 0)
        for number in 0..<40 {
          let key = SHA256.hash(Array("request \(number)".utf8))
          let address = test.address(subject, "k\(number)")
          async let write = Result.catching { try await test.putOnce("v", at: address, key: key) }
          async let settled = other.settle(key, about: subject)
          let (outcome, isCommitted) = (await write, try await settled)
          let isThere = try await test.get(address) != nil
          #expect(isThere == isCommitted)
          switch outcome {
          case .success:
            written += 1
            #expect(isCommitted)
          case .failure(let error):
            fenced += 1
            #expect(error is TestStore.Fenced)
            #expect(!isCommitted)
          }
        }
        #expect(written + fenced == 40)
      }
    }
  }

  @Test func `an answer keeps the receipts of all leaves of its write`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      func write() async throws -> Committed<[LeafReceipt]?> {
        let needs = FactsNeeded(subjects: [subject], requestKey: Self.key, mayWrite: true)
        return try await test.store.commit(
          Operation(needs: needs, now: UInt64(4_000_000_000_000)) { facts, effects in
            if case .answered(_, _, let receipts) = facts.settledRequests[Self.key] {
              effects.record(leaf("again"))
              return receipts
            }
            for number in 0..<3 { effects.record(leaf("part \(number)")) }
            effects.remember([1], about: subject, key: Self.key, requestHash: SHA256.hash([2]))
            return nil
          })
      }
      // Leaves of others in the same batches.
      async let others: Void = withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<20 { group.addTask { try await test.put("x", at: test.address(subject, "o\(number)")) } }
        try await group.waitForAll()
      }
      let first = try await write()
      try await others
      #expect(first.outcome == nil)
      #expect(first.receipts.count == 3)
      #expect(try await write().outcome == first.receipts)
    }
  }
}

extension Result where Failure == any Error {
  fileprivate static func catching(_ body: () async throws -> Success) async -> Self {
    do { return .success(try await body()) } catch { return .failure(error) }
  }
}
