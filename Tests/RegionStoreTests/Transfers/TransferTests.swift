import Residency
import Testing

@testable import RegionStore

/// That people whose data leaves are counted once, and that nobody passes a limit unseen.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct TransferTests {
  private static let contact = DataClass("contact")

  /// Lets the person's data go where they would be one of fewer than `limit`.
  private func letGo(
    _ person: Int, below limit: Int, in year: Int = 2026, classes: [DataClass] = [contact], _ test: TestStore
  ) async throws -> Bool {
    let tag = try tag(person)
    var needs = FactsNeeded(subjects: [tag])
    needs.transferYears = [year]
    return try await test.store.commit(
      Operation(needs: needs, now: now) { facts, effects in
        let people = classes.map { facts.transfers.people(ClassInYear($0, in: year), with: tag) }
        let isBelow = people.allSatisfy { $0 < limit }
        if isBelow {
          for dataClass in classes { effects.count(Transfer(of: tag, ClassInYear(dataClass, in: year), limits: [limit])) }
        }
        effects.record(leaf("\(isBelow) \(people)"))
        return isBelow
      }
    ).outcome
  }

  private func count(_ test: TestStore, year: Int = 2026, _ dataClass: String = "contact") async throws -> Int64 {
    try await test.value("SELECT coalesce(sum(people), 0) FROM transfer_count WHERE year = \(year) AND class = '\(dataClass)'")
  }

  @Test func `a person counts once a class and year`() async throws {
    try await TestStore.with { test in
      for _ in 0..<3 {
        let isGone = try await letGo(1, below: 100, test)
        #expect(isGone)
      }
      #expect(try await count(test) == 1)
      #expect(try await letGo(2, below: 100, classes: [Self.contact, DataClass("profile")], test))
      #expect(try await count(test) == 2)
      #expect(try await count(test, "profile") == 1)
      #expect(try await letGo(1, below: 2, in: 2027, test), "another year begins at nobody")
      #expect(try await count(test, year: 2027) == 1)
      #expect(try await count(test) == 2)
    }
  }

  @Test func `who would be one too many stays, and who is counted already may go again`() async throws {
    try await TestStore.with { test in
      for number in 0..<4 {
        let isGone = try await letGo(number, below: 5, test)
        #expect(isGone)
      }
      #expect(try await letGo(9, below: 5, test) == false)
      #expect(try await letGo(2, below: 5, test))
      #expect(try await count(test) == 4)
    }
  }

  @Test(arguments: 0..<3)
  func `however many ask at once, at two coordinators, no more than the limit allows get through`(_ round: Int) async throws {
    try await TestStore.with { first in
      try await TestStore.with(sharing: first) { second in
        let limit = 30
        let gone = try await withThrowingTaskGroup(of: Bool.self) { group in
          for number in 0..<160 {
            let test = number.isMultiple(of: 2) ? first : second
            // Some people are asked for at both.
            let person = number / 3 * 2 + round
            group.addTask { try await letGo(person, below: limit, test) }
          }
          var gone = 0
          for try await isGone in group where isGone { gone += 1 }
          return gone
        }
        #expect(try await count(first) == Int64(limit - 1))
        #expect(gone >= limit - 1)
        #expect(try await first.value("SELECT count(*) FROM transfer") == Int64(limit - 1))
      }
    }
  }

  @Test func `who was counted is forgotten after another year, how many they were is not`() async throws {
    try await TestStore.with { test in
      for year in [2024, 2025, 2026] {
        let isGone = try await letGo(1, below: 100, in: year, test)
        #expect(isGone)
      }
      #expect(try await test.value("SELECT count(*) FROM transfer WHERE year < 2025") == 0)
      #expect(try await test.value("SELECT count(*) FROM transfer") == 2)
      #expect(try await count(test, year: 2024) == 1)
    }
  }

  @Test func `what a batch lets go is counted with its leaf, or not at all`() async throws {
    struct Refused: Error {}
    try await TestStore.with { test in
      let one = try tag(1)
      await #expect(throws: Refused.self) {
        var needs = FactsNeeded(subjects: [one])
        needs.transferYears = [2026]
        _ = try await test.store.commit(
          Operation(needs: needs, now: now) { _, effects in
            effects.count(Transfer(of: one, ClassInYear(Self.contact, in: 2026), limits: []))
            effects.record(leaf("none"))
            throw Refused()
          })
      }
      #expect(try await count(test) == 0)
      #expect(try await test.store.auditSize() == 0)
    }
  }
}
