import Postgres
import Residency
import Testing

@testable import RegionStore

/// Work in several steps, as a region's store keeps it.
@Suite(.serialized)
struct WorkflowStoreTests {
  private static func id(_ name: String) -> Workflow.ID { Workflow.ID(.intent, key: Array(name.utf8)) }

  private func begin(_ names: [String], in test: TestStore) async throws {
    for name in names {
      let workflow = Workflow(id: Self.id(name), body: Array("body of \(name)".utf8))
      _ = try await test.store.commit(
        Operation(needs: FactsNeeded(subjects: []), now: 1_000) { _, effects in effects.begin(workflow, dueAt: 1_000) })
    }
  }

  private func due(_ test: TestStore, lease: Duration = .seconds(30), limit: Int = 10) async throws -> Set<String> {
    Set(
      try await test.store.dueWorkflows(.intent, lease: lease, limit: limit).map {
        String(decoding: $0.workflow.id.key, as: UTF8.self)
      })
  }

  @Test func `each is taken by one at a time, and again when its lease is over or it was given back`() async throws {
    try await TestStore.with("eu-west") { test in
      try await begin(["a", "b", "c"], in: test)
      let first = try await due(test, limit: 2)
      let second = try await due(test)
      #expect(first.count == 2)
      #expect(first.union(second) == ["a", "b", "c"])
      #expect(first.isDisjoint(with: second))
      #expect(try await due(test) == [])

      try await test.store.postpone(Self.id("a"), by: .zero)
      #expect(try await due(test, lease: .milliseconds(50)) == ["a"])
      try await Task.sleep(for: .milliseconds(80))
      let again = try await test.store.dueWorkflows(.intent, lease: .seconds(30), limit: 10)
      #expect(again.map(\.workflow.body) == [Array("body of a".utf8)])
      #expect(again.map(\.tries) == [2])

      try await test.store.end(Self.id("a"), now: 2_000)
      try await test.store.postpone(Self.id("a"), by: .zero)
      #expect(try await due(test) == [])
      #expect(try await test.store.workflowCount(.intent) == 2)
    }
  }

  @Test func `two who look at once share what is due`() async throws {
    try await TestStore.with("eu-west") { test in
      let names = (0..<60).map { "w\($0)" }
      try await begin(names, in: test)
      let taken = try await withThrowingTaskGroup(of: Set<String>.self) { group in
        for _ in 0..<6 { group.addTask { try await due(test, limit: 10) } }
        return try await group.reduce(into: [Set<String>]()) { $0.append($1) }
      }
      #expect(taken.reduce(0) { $0 + $1.count } == taken.reduce(into: Set<String>()) { $0.formUnion($1) }.count)
    }
  }

  @Test func `one that cannot be read stays, and holds up no other`() async throws {
    try await TestStore.with("eu-west") { test in
      try await begin(["a", "b", "c"], in: test)
      // Another's, under this one's name.
      try await test.sql("UPDATE workflow SET sealed = (SELECT sealed FROM workflow WHERE id = '\\x61') WHERE id = '\\x62'")
      #expect(try await due(test) == ["a", "c"])
      #expect(try await test.store.workflowCount(.intent) == 3)
      await #expect(throws: StoreError.corrupt(what: "a workflow")) { try await test.store.workflow(Self.id("b")) }
    }
  }
}
