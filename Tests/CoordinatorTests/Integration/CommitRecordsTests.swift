import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Residency
import SwiftProtobuf
import Testing

extension Caller.Change {
  static func put(
    _ collection: String, _ key: String, _ value: Google_Protobuf_Struct, at version: UInt64? = nil
  ) -> Self {
    change(collection, key, version) { $0.put = value }
  }

  static func delete(_ collection: String, _ key: String, at version: UInt64? = nil) -> Self {
    change(collection, key, version) { $0.delete = .init() }
  }

  static func check(_ collection: String, _ key: String, at version: UInt64?) -> Self {
    change(collection, key, version) { $0.check = .init() }
  }

  private static func change(_ collection: String, _ key: String, _ version: UInt64?, _ fill: (inout Self) -> Void) -> Self {
    var change = Self()
    change.collection = collection
    change.key = key
    if let version { change.expectedVersion = version }
    fill(&change)
    return change
  }
}

extension Integration {
  @Suite struct CommitRecords {
    @Test func `changes of several collections happen together, each with its own decision and leaf`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      try await app.put(subject, ["name": "E. U. Resident"])
      try await app.put(subject, "orders", "6", ["number": "6"])
      let answer = try await app.commit(
        subject,
        [
          .put("orders", "7", ["number": "7"], at: 0), .delete("orders", "6", at: 1), .check("profile", "main", at: 1),
          .put("profile", "other", ["name": "Other"]),
        ])
      #expect(answer.results.map(\.version) == [1, 2, 1, 1])
      #expect(Set(answer.results.map(\.decision.id)).count == 4)
      #expect(answer.results.map(\.hasReceipt) == [true, true, false, true])
      let leaves = try await [answer.results[0], answer.results[1], answer.results[3]].mapAsync {
        try await world.event(.euWest, $0.receipt.index)
      }
      #expect(leaves.map(\.activity) == [.write, .delete, .write])
      #expect(leaves.map { $0.collection?.rawValue } == ["orders", "orders", "profile"])
      #expect(leaves.map(\.recordVersion) == [1, 2, 1])
      #expect(leaves.map(\.id) == [0, 1, 3].map { answer.results[$0].decision.id })
      #expect(Set(leaves.map(\.salt)).count == 3, "one leaf that is shown must not open the others")
      #expect(try await app.list(subject, "orders").records.map(\.key) == ["7"])
      #expect(try await app.get(subject, "profile", "other").record.value == ["name": "Other"])
    }

    @Test(arguments: [
      Caller.Change.put("orders", "2", ["number": "x"], at: 9), .delete("orders", "none"), .check("profile", "main", at: 7),
      .put("profile", "main", ["name": "x"], at: 0),
    ])
    func `one change that cannot be keeps all from happening, and is named`(bad: Caller.Change) async throws {
      let world = try await World.shared()
      let app = try await world.app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      try await app.put(subject, ["name": "E. U. Resident"])
      let error = try await refusal {
        try await app.commit(subject, [.put("orders", "1", ["number": "1"]), .put("profile", "p", ["name": "p"]), bad])
      }
      #expect(["VERSION_MISMATCH", "RECORD_UNKNOWN"].contains(error.reason), "\(error)")
      #expect(error.metadata["change"] == "2")
      #expect(try await world.event(of: error).effect == .denied)
      #expect(try await app.list(subject, "orders").records.isEmpty)
      #expect(try await app.list(subject).records.map(\.key) == ["main"])
      #expect(try await app.get(subject).record.version == 1)
    }

    @Test func `a change that policy denies keeps all from happening`() async throws {
      let app = try await World.shared().app(.euWest)
      let abroad = try await World.shared().app(.usEast)
      let subject = freshSubject()
      try await app.register(subject)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      let error = try await refusal {
        try await abroad.commit(subject, [.put("profile", "main", ["name": "n"]), .put("nowhere", "main", ["name": "n"])])
      }
      #expect(["UNKNOWN_COLLECTION", "POLICY_DENIED"].contains(error.reason), "\(error)")
      #expect(try await app.list(subject).records.isEmpty)
    }

    @Test func `a repeat gets the first answer with all its receipts, and another request under its id is refused`() async throws
    {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let changes: [Caller.Change] = [.put("orders", "1", ["number": "1"]), .put("orders", "2", ["number": "2"])]
      let first = try await app.commit(subject, changes, requestID: "r")
      let again = try await app.commit(subject, changes, requestID: "r")
      #expect(again.results == first.results)
      #expect(try await app.get(subject, "orders", "1").record.version == 1)
      let other = try await refusal { try await app.commit(subject, Array(changes.dropLast()), requestID: "r") }
      #expect(other.reason == "IDEMPOTENCY_REUSED")
      let put = try await refusal { try await app.put(subject, "orders", "1", ["number": "1"], requestID: "r") }
      #expect(put.reason == "IDEMPOTENCY_REUSED", "an id is for one request, whatever its method")
    }

    @Test func `of commits that want the same version one succeeds`() async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let succeeded = await withTaskGroup(of: Bool.self) { group in
        for number in 0..<12 {
          group.addTask {
            let changes: [Caller.Change] = [
              .put("orders", "shared", ["number": .init(stringValue: "\(number)")], at: 0),
              .put("orders", "own-\(number)", ["number": .init(stringValue: "\(number)")]),
            ]
            do {
              try await app.commit(subject, changes)
              return true
            } catch {
              return false
            }
          }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(succeeded == 1)
      #expect(try await app.list(subject, "orders").records.count == 2)
    }

    @Test func `a commit from abroad is executed at home, and recorded on both sides`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.apSouth, "app:abroad")
      let subject = freshSubject()
      try await home.register(subject)
      try await eventually("ap-south knows the subject") { try await isKnown(subject, to: abroad) }
      do {
        let answer = try await abroad.commit(subject, [.put("orders", "1", ["number": "1"])])
        #expect(answer.results.first?.receipt.region == "eu-west")
        #expect(try await home.get(subject, "orders", "1").record.version == 1)
      } catch {
        // Policy may forbid it; then home says so, and nothing is there.
        #expect(error.reason == "POLICY_DENIED", "\(error)")
        #expect(try await world.event(of: error).home?.region == .euWest)
        #expect(try await home.list(subject, "orders").records.isEmpty)
      }
    }

    @Test(arguments: [
      [], [Caller.Change.check("profile", "main", at: 0)], [.check("profile", "main", at: nil), .put("profile", "b", [:])],
      [.put("profile", "a", [:]), .delete("profile", "a")], [.put("profile", "", [:])], [Caller.Change()],
      (0...100).map { .put("profile", "\($0)", [:]) },
    ])
    func `a commit of the wrong form is refused, and changes nothing`(changes: [Caller.Change]) async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let error = try await refusal { try await app.commit(subject, changes) }
      #expect(error.code == .invalidArgument)
      #expect(try await app.list(subject).records.isEmpty)
    }
  }

  @Suite struct SettleWrite {
    @Test func `a write that took effect is found, and one that did not never will`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let written = try await app.put(subject, ["name": "a"], requestID: "done")
      let done = try await app.settle("done", of: subject)
      #expect(done.outcome == .committed)
      #expect(done.writeReceipts == [written.receipt])
      #expect(try await world.event(.euWest, done.receipt.index).activity == .settle)

      #expect(try await app.settle("lost", of: subject).outcome == .fenced)
      let late = try await refusal { try await app.put(subject, ["name": "b"], requestID: "lost") }
      #expect(late.code == .aborted)
      #expect(late.reason == "FENCED")
      #expect(try await app.settle("lost", of: subject).outcome == .fenced)
      #expect(try await app.get(subject).record.value == ["name": "a"])
    }

    @Test func `it is asked at home from anywhere, and only about the caller's own writes`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "a"], requestID: "mine")
      let abroad = try await world.app(.usEast)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      #expect(try await abroad.settle("mine", of: subject).outcome == .committed, "the same principal, in another region")
      let other = try await world.app(.euWest, "app:other")
      #expect(try await other.settle("mine", of: subject).outcome == .fenced)
      #expect(try await home.settle("mine", of: subject).outcome == .committed)
    }

    @Test func `one that names no write, or nobody, is refused`() async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      #expect(try await refusal { try await app.settle("x", of: subject) }.reason == "SUBJECT_UNKNOWN")
      try await app.register(subject)
      #expect(try await refusal { try await app.settle("", of: subject) }.code == .invalidArgument)
    }
  }
}

extension Sequence {
  fileprivate func mapAsync<T>(_ transform: (Element) async throws -> T) async throws -> [T] {
    var all: [T] = []
    for element in self { all.append(try await transform(element)) }
    return all
  }
}
