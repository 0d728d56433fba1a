import AuditTrail
import ConnectRPC
import Cryptography
import DomicileAPI
import DomicileTestKit
import Foundation
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration {
  @Suite struct Records {
    @Test func `a record is written, read, listed and deleted at home`() async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let written = try await app.put(subject, ["name": "E. U. Resident", "email": "e@example.eu", "age": 41])
      #expect(written.version == 1)
      #expect(written.decision.effect == .permit)

      let read = try await app.get(subject)
      #expect(read.record.version == 1)
      #expect(read.record.value == ["name": "E. U. Resident", "email": "e@example.eu", "age": 41])
      #expect(read.evidence.readLevel == .linearizable)
      #expect(read.receipt.region == "eu-west")
      #expect(read.receipt.index > written.receipt.index)

      #expect(try await app.list(subject).records.map(\.key) == ["main"])
      try await app.delete(subject)
      let gone = try await refusal { try await app.get(subject) }
      #expect(gone.code == .notFound)
      #expect(gone.reason == "RECORD_UNKNOWN")
      #expect(try await app.list(subject).records.isEmpty)
    }

    @Test func `a write that expects a version happens at that version only`() async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      func mismatch(_ call: () async throws -> any Message) async throws -> String? {
        let error = try await refusal(of: call)
        #expect(error.code == .aborted)
        #expect(error.reason == "VERSION_MISMATCH")
        return error.metadata["version"]
      }
      #expect(try await mismatch { try await app.put(subject, ["name": "a"], expectedVersion: 1) } == "0")
      #expect(try await app.put(subject, ["name": "a"], expectedVersion: 0).version == 1)
      #expect(try await mismatch { try await app.put(subject, ["name": "b"], expectedVersion: 0) } == "1")
      #expect(try await app.put(subject, ["name": "b"], expectedVersion: 1).version == 2)
      #expect(try await mismatch { try await app.delete(subject, expectedVersion: 1) } == "2")
      try await app.delete(subject, expectedVersion: 2)
      // Nothing is there, and yet no version ever counts twice.
      #expect(try await mismatch { try await app.put(subject, ["name": "c"], expectedVersion: 3) } == "0")
      #expect(try await app.put(subject, ["name": "c"], expectedVersion: 0).version == 4)
      #expect(try await app.get(subject).record.value == ["name": "c"])
    }

    @Test func `of many writers that expect the same version one succeeds`() async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let versions = try await withThrowingTaskGroup(of: UInt64?.self) { group in
        for writer in 0..<16 {
          group.addTask {
            do throws(ConnectError) {
              return try await app.put(subject, ["name": .init(numberValue: Double(writer))], expectedVersion: 0).version
            } catch {
              #expect(error.reason == "VERSION_MISMATCH")
              return nil
            }
          }
        }
        return try await group.reduce(into: [UInt64]()) { if let version = $1 { $0.append(version) } }
      }
      #expect(versions == [1])
    }

    @Test func `a repeated write is done once and answered alike`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.euWest)
      let subject = freshSubject()
      let registered = try await app.register(subject, country: "FR", requestID: "r")
      #expect(try await app.register(subject, country: "FR", requestID: "r").isLike(registered))
      #expect(registered.subject.residence.country == "FR")

      let written = try await app.put(subject, ["name": "once"], requestID: "p")
      let repeats = try await withThrowingTaskGroup(of: Domicile_V1_PutRecordResponse.self) { group in
        for _ in 0..<8 { group.addTask { try await app.put(subject, ["name": "once"], requestID: "p") } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(repeats.count == 8)
      #expect(repeats.allSatisfy { $0.isLike(written) })
      #expect(try await app.get(subject).record.version == 1)

      let consent = try await app.consent(subject, to: "support", requestID: "c")
      #expect(try await app.consent(subject, to: "support", requestID: "c").isLike(consent))
      let withdrawn = try await app.withdrawConsent(subject, to: "support", requestID: "w")
      #expect(try await app.withdrawConsent(subject, to: "support", requestID: "w").isLike(withdrawn))
      let deleted = try await app.delete(subject, requestID: "d")
      #expect(try await app.delete(subject, requestID: "d").isLike(deleted))

      // Each is recorded, and one of them wrote.
      let auditor = try await world.auditor(.euWest)
      let events = try await auditor.events(of: subject).events.map { try AuditEvent(leaf: [UInt8]($0.leaf)) }
      #expect(events.filter { $0.activity == .write }.count == 9)
      #expect(events.filter { $0.activity == .write && $0.recordVersion != nil }.count == 1)
      #expect(events.filter { $0.activity == .delete && $0.recordVersion != nil }.count == 1)
      #expect(events.filter { $0.activity == .register }.count == 2)
    }

    @Test func `a forwarded write that is repeated is done once`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      let written = try await abroad.put(subject, ["name": "from abroad"], requestID: "p")
      #expect(written.receipt.region == "eu-west")
      #expect(try await abroad.put(subject, ["name": "from abroad"], requestID: "p").isLike(written))
      #expect(try await home.put(subject, ["name": "from abroad"], requestID: "p").isLike(written))
      #expect(try await home.get(subject).record.version == 1)
    }

    @Test func `a write from abroad is taken home, but not where policy forbids it`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      #expect(try await abroad.put(subject, ["name": "from abroad"]).decision.rules.first == "eu.write-home")
      #expect(try await home.get(subject).record.value == ["name": "from abroad"])

      let denied = try await refusal { try await abroad.put(subject, "health", "main", ["blood_type": "0+"]) }
      #expect(denied.code == .permissionDenied)
      #expect(denied.reason == "POLICY_DENIED")
      let leaf = try await world.event(of: denied)
      #expect(leaf.home?.region == .euWest)
      #expect(leaf.activity == .write)
      #expect(try await refusal { try await home.get(subject, "health") }.reason == "RECORD_UNKNOWN")
      // us-east has no account of the subject's, whatever it passed on.
      let tag = try world.tag(of: subject)
      #expect(try await world.deployment.sql(.usEast, "SELECT 1 FROM subject WHERE tag = $1::bytea", [.bytes(tag.bytes)]).isEmpty)
    }

    @Test func `both sides of a transfer record it, and each names the other's record`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(
        subject, ["name": "E. U. Resident", "email": "e@example.eu", "phone": "+353 1 555 0100", "ip": "192.0.2.7"])
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }

      let read = try await abroad.get(subject, purpose: "support")
      #expect(read.record.value.text("name") == "E. U. Resident")
      #expect(read.record.value.text("phone") == "****0100")
      #expect(read.record.value.text("email")?.hasPrefix("h:") == true)
      #expect(read.record.value.fields["ip"] == nil)
      let exported = try await world.event(.euWest, read.receipt.index)
      let imported = try await world.event(.usEast, read.importReceipt.index)
      #expect(exported.activity == .read)
      #expect(exported.hops.map(\.to.region) == [.usEast])
      #expect(exported.rules.first?.id == "eu.adequacy-certified")
      #expect(exported.rules.first?.location.hasPrefix("policies/eu-transfers.yaml:") == true)
      #expect(exported.redactions.map(\.field).sorted() == ["email", "ip", "phone"])
      #expect(imported.activity == .importRecord)
      #expect(imported.counterpart?.region == .euWest)
      #expect(imported.counterpart?.index == read.receipt.index)
      #expect(imported.counterpart?.leafHash?.bytes == [UInt8](read.receipt.leafHash))
      #expect(imported.subject == exported.subject)
      #expect(imported.purpose == exported.purpose)
      #expect(imported.collection == exported.collection)

      let denied = try await refusal { try await abroad.get(subject, purpose: "analytics") }
      let index = try #require(denied.metadata["receipt_index"].flatMap { UInt64($0) })
      let noted = try await world.events(.usEast, from: read.importReceipt.index).first { $0.counterpart?.index == index }
      #expect(noted?.effect == .denied)
      #expect(noted?.reason == "POLICY_DENIED")
      #expect(denied.metadata["pseudonym"] == nil, "the log's name for a person is for logs")
    }

    @Test func `pages go through many records, small and large, once each and in order`() async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let keys = (0..<250).map { "key-\(String($0 + 1_000))" }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (number, key) in keys.enumerated() {
          if number >= 32 { try await group.next() }
          // Every tenth is so large that a page ends soon after it.
          let text = String(repeating: "x", count: number.isMultiple(of: 10) ? 200_000 : 10)
          group.addTask { try await app.put(subject, "profile", key, ["name": .init(stringValue: text)]) }
        }
        try await group.waitForAll()
      }
      for size in [0, 7, 1_000] as [UInt32] {
        var found: [String] = []
        var token = ""
        var pages = 0
        repeat {
          let page = try await app.list(subject, size: size, token: token)
          #expect(page.records.count <= (size == 0 ? 100 : Int(size)))
          #expect(!page.records.isEmpty)
          found += page.records.map(\.key)
          token = page.nextPageToken
          pages += 1
        } while !token.isEmpty && pages < 300
        #expect(found == keys, "pages of \(size)")
      }
    }

    @Test func `a page of long keys is recorded whole`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      // The longest keys, of letters that JSON escapes.
      let keys = (0..<300).map { "\($0 + 1_000)" + String(repeating: "\"", count: 252) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (number, key) in keys.enumerated() {
          if number >= 32 { try await group.next() }
          group.addTask { try await app.put(subject, "profile", key, [:]) }
        }
        try await group.waitForAll()
      }
      var found: [String] = []
      var token = ""
      repeat {
        let page = try await app.list(subject, size: 1_000, token: token)
        found += page.records.map(\.key)
        token = page.nextPageToken
        #expect(try await world.event(.euWest, page.receipt.index).sealedDetails != nil)
      } while !token.isEmpty && found.count < 1_000
      #expect(found == keys)
    }

    @Test func `a document of many fields that no schema names can be read from abroad`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      var document: Google_Protobuf_Struct = ["name": "E. U. Resident"]
      for number in 0..<5_000 { document.fields["unnamed field number \(number)"] = "x" }
      try await home.put(subject, document)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      let read = try await abroad.get(subject, purpose: "support")
      #expect(read.record.value == ["name": "E. U. Resident"])
      // Their names are the app's: answer and log count them as one.
      #expect(read.decision.redactions.map(\.field) == ["*"])
      #expect(try await world.event(.euWest, read.receipt.index).redactions.map(\.field) == ["*"])
    }

    @Test func `a batch answers each item on its own, in order`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let (european, american) = (freshSubject(), freshSubject())
      try await home.register(european)
      try await home.put(european, ["name": "the European"])
      try await home.put(european, "health", "main", ["blood_type": "0+"])
      try await abroad.register(american, country: "US")
      try await abroad.put(american, ["name": "the American"])
      try await eventually("us-east knows the subject") { try await isKnown(european, to: abroad) }

      let answer = try await abroad.batch(
        [
          (european, "profile", "main"), (european, "health", "main"), (freshSubject(), "profile", "main"),
          (american, "profile", "main"), (american, "profile", "other"), ("", "profile", "main"), (european, "profile", "main"),
        ], purpose: "support")
      let said = answer.results.map { $0.hasFound ? $0.found.record.value.text("name") ?? "" : $0.failure.reason }
      #expect(
        said == [
          "the European", "POLICY_DENIED", "SUBJECT_UNKNOWN", "the American", "RECORD_UNKNOWN", "INVALID_SUBJECT_ID",
          "the European",
        ])
      #expect(answer.results.map(\.found.receipt.region) == ["eu-west", "", "", "us-east", "", "", "eu-west"])
      #expect(answer.results[0].found.receipt.index != answer.results[6].found.receipt.index, "each is recorded")
    }

    @Test func `only the fields asked for are read`() async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      try await app.put(subject, ["name": "E. U. Resident", "email": "e@example.eu", "locale": "de"])
      #expect(try await app.get(subject, fields: ["locale", "phone"]).record.value == ["locale": "de"])
    }

    @Test func `JSON and binary say the same`() async throws {
      let world = try await World.shared()
      let subject = freshSubject()
      let binary = try await world.app(.euWest)
      let json = try await world.app(.euWest, codec: .json)
      try await json.register(subject, country: "AT")
      let value: Google_Protobuf_Struct = [
        "name": "Ünïcödé 🇪🇺", "number": 1.5, "large": 9_007_199_254_740_991, "yes": true, "none": nil,
        "list": .init(listValue: [1, "two", true]),
      ]
      #expect(try await json.put(subject, "profile", "json", value).version == 1)
      #expect(try await binary.put(subject, "profile", "binary", value).version == 1)
      for key in ["json", "binary"] {
        let (first, second) = (try await json.get(subject, "profile", key), try await binary.get(subject, "profile", key))
        #expect(first.record == second.record)
        #expect(first.record.value == value)
        #expect(first.decision.rules == second.decision.rules)
        #expect(first.evidence.readLevel == second.evidence.readLevel)
        #expect(first.evidence.sessionToken.count == second.evidence.sessionToken.count)
      }
      #expect(try await json.locate(subject) == binary.locate(subject))
      let errors = try await (
        refusal { try await json.get(subject, "nothing") }, refusal { try await binary.get(subject, "nothing") }
      )
      #expect(errors.0.message == errors.1.message)
      #expect(errors.0.reason == errors.1.reason)
    }
  }
}

/// What an answer says beside how it was committed: a repeat is committed anew.
private protocol Repeatable: Equatable {
  var evidence: Domicile_V1_Evidence { get set }
}

extension Repeatable {
  fileprivate func isLike(_ other: Self) -> Bool {
    var (one, other) = (self, other)
    (one.evidence, other.evidence) = (.init(), .init())
    return one == other
  }
}

extension Domicile_V1_RegisterSubjectResponse: Repeatable {}
extension Domicile_V1_PutRecordResponse: Repeatable {}
extension Domicile_V1_SetConsentResponse: Repeatable {}
extension Domicile_V1_WithdrawConsentResponse: Repeatable {}
extension Domicile_V1_DeleteRecordResponse: Repeatable {}
