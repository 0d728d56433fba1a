import AuditTrail
import DomicileAPI
import DomicileTestKit
import Foundation
import NIOHTTP1
import Postgres
import Residency
import SwiftProtobuf
import Testing

@testable import ConnectRPC

extension Integration {
  /// What is wrong with a request is said with a code and a reason, recorded where it concerns a subject, and loses nothing.
  @Suite struct BadInput {
    /// A request in JSON, and what has to come of it. `$SUBJECT` stands for a subject at home in the region.
    private struct Wrong: Sendable {
      let method: String
      let json: String
      let status: Int
      let code: String
      let reason: String
      /// Whether the subject's log has to say it.
      var isRecorded = false
    }

    private static let long = String(repeating: "x", count: 257)

    private static let requests: [Wrong] = [
      // Not a message.
      Wrong(
        method: "RecordService/GetRecord", json: #"{"subjectId":"#, status: 400, code: "invalid_argument",
        reason: "MALFORMED_BODY"),
      Wrong(method: "RecordService/GetRecord", json: "", status: 400, code: "invalid_argument", reason: "MALFORMED_BODY"),
      Wrong(method: "RecordService/GetRecord", json: "[]", status: 400, code: "invalid_argument", reason: "MALFORMED_BODY"),
      Wrong(
        method: "RecordService/GetRecord", json: #"{"subjectId":5}"#, status: 400, code: "invalid_argument",
        reason: "MALFORMED_BODY"),
      Wrong(
        method: "RecordService/PutRecord", json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"main","value":"text"}"#,
        status: 400,
        code: "invalid_argument", reason: "MALFORMED_BODY"),
      Wrong(
        method: "RecordService/PutRecord",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"main","expectedVersion":-1,"value":{}}"#,
        status: 400, code: "invalid_argument", reason: "MALFORMED_BODY"),
      // Whose?
      Wrong(
        method: "RecordService/GetRecord", json: #"{"collection":"profile","key":"main","purpose":"service"}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_SUBJECT_ID"),
      Wrong(
        method: "RecordService/GetRecord",
        json: #"{"subjectId":"\#(long)","collection":"profile","key":"main","purpose":"service"}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_SUBJECT_ID"),
      Wrong(
        method: "SubjectService/RegisterSubject", json: #"{"subjectId":"a\nb","residence":{"country":"DE"}}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_SUBJECT_ID"),
      Wrong(
        method: "SubjectService/LocateSubject", json: "{}", status: 400, code: "invalid_argument", reason: "INVALID_SUBJECT_ID"),
      Wrong(
        method: "RecordService/GetRecord",
        json: #"{"subjectId":"no-such-subject","collection":"profile","key":"main","purpose":"service"}"#,
        status: 404, code: "not_found", reason: "SUBJECT_UNKNOWN"),
      // What, and why?
      Wrong(
        method: "RecordService/GetRecord",
        json: #"{"subjectId":"$SUBJECT","collection":"profil","key":"main","purpose":"service"}"#, status: 400,
        code: "invalid_argument", reason: "UNKNOWN_COLLECTION", isRecorded: true),
      Wrong(
        method: "RecordService/PutRecord", json: #"{"subjectId":"$SUBJECT","collection":"profil","key":"main","value":{}}"#,
        status: 400,
        code: "invalid_argument", reason: "UNKNOWN_COLLECTION", isRecorded: true),
      Wrong(
        method: "RecordService/GetRecord",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"main","purpose":"curiosity"}"#, status: 400,
        code: "invalid_argument", reason: "UNKNOWN_PURPOSE", isRecorded: true),
      Wrong(
        method: "RecordService/GetRecord", json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"main"}"#, status: 400,
        code: "invalid_argument", reason: "UNKNOWN_PURPOSE"),
      Wrong(
        method: "RecordService/GetRecord",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"main","purpose":"legal"}"#, status: 403,
        code: "permission_denied", reason: "PURPOSE_NOT_ALLOWED", isRecorded: true),
      Wrong(
        method: "RecordService/GetRecord", json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"","purpose":"service"}"#,
        status: 400,
        code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "RecordService/GetRecord",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"\#(long)","purpose":"service"}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "RecordService/GetRecord",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"nothing","purpose":"service"}"#, status: 404,
        code: "not_found", reason: "RECORD_UNKNOWN", isRecorded: true),
      Wrong(
        method: "RecordService/DeleteRecord", json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"nothing"}"#,
        status: 404,
        code: "not_found", reason: "RECORD_UNKNOWN", isRecorded: true),
      Wrong(
        method: "RecordService/PutRecord", json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"main"}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "RecordService/PutRecord",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"main","expectedVersion":"7","value":{}}"#,
        status: 409, code: "aborted", reason: "VERSION_MISMATCH", isRecorded: true),
      Wrong(
        method: "RecordService/PutRecord",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","key":"main","value":{},"requestId":"\#(long)"}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      // Where?
      Wrong(
        method: "SubjectService/RegisterSubject", json: #"{"subjectId":"x","homeRegion":"mars","residence":{"country":"DE"}}"#,
        status: 400,
        code: "invalid_argument", reason: "UNKNOWN_REGION"),
      Wrong(
        method: "SubjectService/RegisterSubject", json: #"{"subjectId":"x","residence":{"country":"Germany"}}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "SubjectService/RegisterSubject", json: #"{"subjectId":"x"}"#, status: 400, code: "invalid_argument",
        reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "SubjectService/RegisterSubject", json: #"{"subjectId":"x","residence":{"country":"DE","subdivision":"CA-QC"}}"#,
        status: 400,
        code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "SubjectService/RegisterSubject", json: #"{"subjectId":"$SUBJECT","residence":{"country":"DE"}}"#, status: 409,
        code: "already_exists", reason: "SUBJECT_EXISTS", isRecorded: true),
      // Consents.
      Wrong(
        method: "SubjectService/SetConsent", json: #"{"subjectId":"$SUBJECT","purpose":"support","kind":"vague"}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "SubjectService/SetConsent", json: #"{"subjectId":"$SUBJECT","purpose":"curiosity"}"#, status: 400,
        code: "invalid_argument", reason: "UNKNOWN_PURPOSE"),
      Wrong(
        method: "SubjectService/WithdrawConsent", json: #"{"subjectId":"$SUBJECT","purpose":"support"}"#, status: 404,
        code: "not_found", reason: "CONSENT_UNKNOWN", isRecorded: true),
      // Pages and batches.
      Wrong(
        method: "RecordService/ListRecords",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","purpose":"service","pageSize":1001}"#,
        status: 400, code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "RecordService/ListRecords",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","purpose":"service","pageToken":"?"}"#,
        status: 400, code: "invalid_argument", reason: "INVALID_PAGE_TOKEN"),
      Wrong(
        method: "RecordService/ListRecords",
        json: #"{"subjectId":"$SUBJECT","collection":"profile","purpose":"service","pageToken":"eHg"}"#,
        status: 400, code: "invalid_argument", reason: "INVALID_PAGE_TOKEN"),
      Wrong(
        method: "RecordService/BatchGetRecords", json: #"{"purpose":"service"}"#, status: 400, code: "invalid_argument",
        reason: "INVALID_ARGUMENT"),
      Wrong(
        method: "RecordService/BatchGetRecords",
        json: #"{"purpose":"service","items":[\#(Array(repeating: "{}", count: 1_001).joined(separator: ","))]}"#, status: 400,
        code: "invalid_argument", reason: "INVALID_ARGUMENT"),
      // The log.
      Wrong(method: "AuditService/ListEvents", json: "{}", status: 403, code: "permission_denied", reason: "ROLE_REQUIRED"),
      Wrong(
        method: "PolicyService/Decide", json: #"{"action":"look"}"#, status: 400, code: "invalid_argument",
        reason: "INVALID_ARGUMENT"),
    ]

    @Test(arguments: requests.indices)
    func `a request that is wrong is answered with code and reason`(_ number: Int) async throws {
      let wrong = Self.requests[number]
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      let json = wrong.json.replacing("$SUBJECT", with: subject)
      let answer = try await world.post(.euWest, wrong.method, json: json, token: try await world.deployment.token())
      let what = "\(wrong.method) \(wrong.json.prefix(120)): \(answer.text)"
      #expect(answer.status == wrong.status, "\(what)")
      #expect(try answer.code() == wrong.code, "\(what)")
      #expect(try answer.reason() == wrong.reason, "\(what)")
      #expect(answer.headers.first(name: "content-type") == "application/json")
      let receipt = try answer.metadata("receipt_index").flatMap { UInt64($0) }
      #expect((receipt != nil) == wrong.isRecorded, "\(what)")
      if let receipt {
        let leaf = try await world.event(.euWest, receipt)
        #expect(leaf.effect == .denied)
        #expect(leaf.reason == wrong.reason)
        #expect(leaf.subject != nil)
      }
      let kept = try await home.get(subject)
      #expect(kept.record.version == 1)
      #expect(kept.record.value == ["name": "E. U. Resident"])
    }

    @Test func `a value of over 1 MiB is refused and recorded; one of 1 MiB is kept`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      // {"name":"…"} has 11 bytes around the text.
      let most = String(repeating: "x", count: 1_048_576 - 11)
      #expect(try await home.put(subject, ["name": .init(stringValue: most)]).version == 1)
      let error = try await refusal { try await home.put(subject, ["name": .init(stringValue: most + "x")]) }
      #expect(error.code == .resourceExhausted)
      #expect(error.reason == "VALUE_TOO_LARGE")
      #expect(try await world.event(of: error).reason == "VALUE_TOO_LARGE")
      let kept = try await home.get(subject)
      #expect(kept.record.version == 1)
      #expect(kept.record.value.text("name") == most)
    }

    @Test func `a message of over 2 MiB is refused, also one that is small before it is inflated`() async throws {
      let world = try await World.shared()
      let token = try await world.deployment.token()
      let plain = [UInt8](repeating: UInt8(ascii: " "), count: 2 * 1_048_576 + 1)
      let large = try await world.post(.euWest, "RecordService/GetRecord", plain, token: token)
      #expect(large.status == 429)
      #expect(try large.reason() == "MESSAGE_TOO_LARGE")

      let bomb = try #require(Gzip.deflate([UInt8](repeating: UInt8(ascii: " "), count: 64 * 1_048_576)))
      #expect(bomb.count < 1_048_576)
      let answer = try await world.post(
        .euWest, "RecordService/GetRecord", bomb, token: token,
        headers: [("content-type", "application/json"), ("content-encoding", "gzip")])
      #expect(answer.status == 429)
      #expect(try answer.code() == "resource_exhausted")
      #expect(try answer.reason() == "MESSAGE_TOO_LARGE")

      let torn = try await world.post(
        .euWest, "RecordService/GetRecord", Array(bomb.prefix(100)), token: token,
        headers: [("content-type", "application/json"), ("content-encoding", "gzip")])
      #expect(try torn.reason() == "MALFORMED_BODY")
    }

    @Test func `a deadline of 1 ms loses nothing, and the service is as before`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      let json = #"{"subjectId":"\#(subject)","collection":"profile","key":"main","value":{"name":"x"},"requestId":"only-once"}"#
      let token = try await world.deployment.token()
      for _ in 0..<20 {
        let answer = try await world.post(
          .euWest, "RecordService/PutRecord", json: json, token: token, headers: [("connect-timeout-ms", "1")])
        guard answer.status != 200 else { continue }
        #expect(answer.status == 504)
        #expect(try answer.code() == "deadline_exceeded")
        #expect(try answer.reason() == "DEADLINE_EXCEEDED")
      }
      let settled = try await world.post(.euWest, "RecordService/PutRecord", json: json, token: token)
      #expect(settled.status == 200)
      #expect(try settled.json()["version"] == "1")
      #expect(try await home.get(subject).record.version == 1)
    }

    @Test(arguments: ["0x10", "-1", "12345678901", "1.5", ""])
    func `a deadline that is no number is refused`(_ text: String) async throws {
      let world = try await World.shared()
      let answer = try await world.post(
        .euWest, "SubjectService/LocateSubject", json: "{}", token: try await world.deployment.token(),
        headers: [("connect-timeout-ms", text)])
      #expect(answer.status == 400)
      #expect(try answer.reason() == "INVALID_TIMEOUT")
    }

    @Test func `the protocol's own rules are kept`() async throws {
      let world = try await World.shared()
      let token = try await world.deployment.token()
      let url = try "\(world.url(.euWest))/domicile.v1.RecordService/GetRecord"
      let json = [("content-type", "application/json")]

      let get = try await world.send(.GET, url, nil, token: token, headers: [])
      #expect(get.status == 405)
      #expect(get.headers.first(name: "allow") == "POST")
      let text = try await world.send(.POST, url, Array("{}".utf8), token: token, headers: [("content-type", "text/plain")])
      #expect(text.status == 415)
      #expect(text.headers.first(name: "accept-post") == "application/json, application/proto")
      let version = try await world.send(
        .POST, url, Array("{}".utf8), token: token, headers: json + [("connect-protocol-version", "2")])
      #expect(version.status == 400)
      #expect(try version.reason() == "UNSUPPORTED_PROTOCOL_VERSION")
      let encoding = try await world.send(
        .POST, url, Array("{}".utf8), token: token, headers: json + [("content-encoding", "br")])
      #expect(encoding.status == 501)
      #expect(try encoding.reason() == "UNSUPPORTED_ENCODING")
      let path = try await world.send(
        .POST, "\(world.url(.euWest))/domicile.v1.RecordService/getRecord", Array("{}".utf8), token: token, headers: json)
      #expect(path.status == 404)
      let routing = try await world.send(
        .POST, url, Array("{}".utf8), token: token, headers: json + [("domicile-routing", "sideways")])
      #expect(routing.status == 400)
      #expect(try routing.reason() == "INVALID_ARGUMENT")
      // A peer's service is not an app's.
      let peer = try await world.send(
        .POST, "\(world.url(.euWest))/domicile.peer.v1.PeerService/Execute", Array("{}".utf8), token: token, headers: json)
      #expect(peer.status == 404)
    }

    @Test func `a request id that was used for another request does nothing, and is recorded`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      let first = try await home.put(subject, ["name": "first"], requestID: "same")
      let error = try await refusal { try await home.put(subject, ["name": "second"], requestID: "same") }
      #expect(error.code == .alreadyExists)
      #expect(error.reason == "IDEMPOTENCY_REUSED")
      #expect(try await world.event(of: error).reason == "IDEMPOTENCY_REUSED")
      let kept = try await home.get(subject)
      #expect(kept.record.version == first.version)
      #expect(kept.record.value == ["name": "first"])
      // Another app's id is its own.
      let other = try await world.app(.euWest, "app:other")
      #expect(try await other.put(subject, ["name": "third"], requestID: "same").version == 2)
    }

    @Test(arguments: [RegionID.euWest, .usEast])
    func `names that are too long for a record of the call harm nobody else's call`(_ region: RegionID) async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      let app = try await world.app(region)
      try await eventually("the region knows the subject") { try await isKnown(subject, to: app) }
      let name = String(repeating: "collection", count: 10_000)
      let calls: [@Sendable () async throws -> any Message] = [
        { try await app.get(subject, name, purpose: "support") },
        { try await app.get(subject, purpose: name) },
        { try await app.put(subject, name, "main", ["name": "x"]) },
        { try await app.list(subject, name, purpose: "support") },
      ]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for call in calls {
          group.addTask {
            let error = try await refusal(of: call)
            #expect(error.code == .invalidArgument, "\(error)")
          }
          for _ in 0..<8 {
            group.addTask {
              let read = try await app.get(subject, purpose: "support")
              #expect(read.record.version == 1)
            }
          }
        }
        try await group.waitForAll()
      }
      let longest = try await world.storedLeaves(region).map { try $0.row.leaf().count }.max()
      #expect(try #require(longest) < 65_536)
    }
  }
}
