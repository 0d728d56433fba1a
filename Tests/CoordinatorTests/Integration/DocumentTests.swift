import AuditTrail
import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import NIOHTTP1
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  /// Documents that all regions hold.
  @Suite struct Documents {
    private func freshKey() -> String { "notice-\(UUID().uuidString.prefix(8))" }

    @Test func `a document that one region took shows in all, and to a session at once`() async throws {
      let world = try await World.fragile()
      let key = freshKey()
      let token = try await world.deployment.token("app:documents")
      let put = try await world.post(
        .euWest, "DocumentService/PutDocument",
        json: #"{"collection":"announcements","key":"\#(key)","value":{"text":"maintenance"}}"#, token: token)
      #expect(put.status == 200, "\(put.text)")
      let session = try #require(put.headers.first(name: "domicile-session"))
      for region in [RegionID.usEast, .apSouth, .euWest] {
        let got = try await world.post(
          region, "DocumentService/GetDocument",
          json: #"{"collection":"announcements","key":"\#(key)","purpose":"service"}"#, token: token,
          headers: [("Domicile-Session", session)])
        #expect(got.status == 200, "\(got.text)")
        #expect(try got.json()["document"]?["values"] == [["text": "maintenance"]])
        #expect(try got.json()["decision"]?["effect"] == "PERMIT")
        #expect(try got.json()["receipt"]?["region"] == .string(region.rawValue))
      }
      // The key stands in the log, which names nobody by it.
      let leaves = try await world.events(.euWest, from: 0).filter { $0.documentKey == key }
      #expect(leaves.count == 2, "the write and the read")
    }

    @Test func `every region takes writes and answers while it is alone, and what came of it stands side by side`() async throws {
      let world = try await World.fragile()
      let key = freshKey()
      let regions = world.deployment.regions
      let callers = [try await world.app(.euWest), try await world.app(.usEast), try await world.app(.apSouth)]
      let absent = try await refusal { try await callers[0].document(key) }
      let first = try await callers[0].putDocument(key, ["by": "first"], context: try #require(absent.metadata["context"]))
      #expect(!first.concurrent)
      #expect(try await callers[0].putDocument(key, ["by": "second"], context: absent.metadata["context"] ?? "").concurrent)
      let both = try await callers[0].document(key)
      #expect(both.values.count == 2, "who read that there is nothing replaces nothing")
      try await callers[0].putDocument(key, ["by": "first"], context: both.context)
      for caller in callers { try await eventually("\(caller.region) has it") { await caller.has(key, ["by": "first"]) } }
      for caller in callers { await regions.stopCoordinator(of: caller.region) }
      for caller in callers {
        try await regions.startCoordinator(of: caller.region)
        let written = try await caller.putDocument(key, ["by": .init(stringLiteral: caller.region.rawValue)])
        #expect(!written.concurrent)
        #expect(try await caller.document(key).values == [["by": .init(stringLiteral: caller.region.rawValue)]])
        await regions.stopCoordinator(of: caller.region)
      }
      for caller in callers { try await regions.startCoordinator(of: caller.region) }
      for caller in callers {
        try await eventually(within: .seconds(30), "\(caller.region) has all three") {
          do { return try await caller.document(key).values.count == 3 } catch { return false }
        }
        #expect(try await caller.document(key).concurrent)
      }
      // Who read before does not replace what came meanwhile; who has read it all does.
      let stale = try await callers[1].putDocument(key, ["by": "stale"], context: first.context)
      #expect(stale.concurrent)
      let again = try await callers[1].putDocument(key, ["by": "stale"], context: first.context)
      #expect(again.concurrent)
      #expect(try await callers[1].document(key).values.count == 4, "a repeat writes nothing")
      // Its context stands for what its writer had read: not for what lies beside it in the same log.
      #expect(try await callers[1].putDocument(key, ["by": "later"], context: stale.context).concurrent)
      #expect(try await callers[1].document(key).values.count == 5)
      let read = try await callers[1].document(key)
      let settled = try await callers[1].putDocument(key, ["by": "who read all"], context: read.context)
      #expect(!settled.concurrent)
      for caller in callers {
        try await eventually(within: .seconds(30), "\(caller.region) shows what was settled") {
          await caller.has(key, ["by": "who read all"])
        }
        #expect(try await !caller.document(key).concurrent)
      }
      // The context of a write that replaced all is good for the next, wherever.
      let next = try await callers[2].putDocument(key, ["by": "next"], context: settled.context)
      #expect(!next.concurrent)
      try await eventually(within: .seconds(30), "it is there, alone") { await callers[0].has(key, ["by": "next"]) }
      try await callers[0].deleteDocument(key)
      #expect(try await refusal { try await callers[0].document(key) }.reason == "DOCUMENT_UNKNOWN")
      #expect(try await refusal { try await callers[0].deleteDocument(key) }.reason == "DOCUMENT_UNKNOWN")
    }

    @Test func `documents are listed by their keys, page by page`() async throws {
      let world = try await World.fragile()
      let caller = try await world.app(.euWest)
      let keys = (0..<5).map { "list-\(UUID().uuidString.prefix(6))-\($0)" }
      for key in keys { try await caller.putDocument(key, ["key": .init(stringLiteral: key)]) }
      var found: [String] = []
      var token = ""
      repeat {
        let page = try await caller.documents(pageSize: 2, token: token)
        #expect(page.documents.count <= 2)
        found += page.documents.map(\.key)
        token = page.nextPageToken
      } while !token.isEmpty
      #expect(found == found.sorted())
      #expect(Set(keys).isSubset(of: found))
    }

    @Test func `what cannot be is refused with a reason, and writes nothing`() async throws {
      let world = try await World.fragile()
      let caller = try await world.app(.euWest)
      let key = freshKey()
      #expect(
        try await refusal { try await caller.putDocument(key, [:], collection: "profile") }.reason == "COLLECTION_NOT_GLOBAL")
      #expect(try await refusal { try await caller.putDocument(key, [:], collection: "nothing") }.reason == "UNKNOWN_COLLECTION")
      #expect(try await refusal { try await caller.putDocument("", [:]) }.reason == "INVALID_ARGUMENT")
      #expect(try await refusal { try await caller.putDocument(key, [:], context: "made up") }.reason == "INVALID_ARGUMENT")
      let large = Google_Protobuf_Value(stringValue: String(repeating: "x", count: 70_000))
      #expect(try await refusal { try await caller.putDocument(key, .init(fields: ["x": large])) }.reason == "VALUE_TOO_LARGE")
      #expect(try await refusal { try await caller.document(key) }.reason == "DOCUMENT_UNKNOWN")
      #expect(try await refusal { try await caller.document(key, purpose: "gossip") }.reason == "UNKNOWN_PURPOSE")
      // A context is of one document.
      let other = try await caller.putDocument(freshKey(), [:])
      #expect(try await refusal { try await caller.putDocument(key, [:], context: other.context) }.reason == "INVALID_ARGUMENT")
      // Records of people do not go where nothing is about a person.
      let subject = freshSubject()
      try await caller.register(subject)
      #expect(
        try await refusal { try await caller.put(subject, "announcements", "main", ["name": "x"]) }.reason
          == "COLLECTION_IS_GLOBAL")
      // Nobody piles up versions without reading.
      let start = try await caller.putDocument(key, ["n": 0])
      var last: ConnectError?
      for number in 1...20 {
        do {
          _ = try await caller.putDocument(key, ["n": .init(integerLiteral: Int64(number))], context: start.context)
        } catch let error as ConnectError {
          last = error
          break
        }
      }
      #expect(last?.reason == "TOO_MANY_VERSIONS")
      #expect(try await caller.document(key).values.count == 16)
    }
  }
}

extension Caller {
  fileprivate func document(_ key: String, purpose: String = "service") async throws(ConnectError) -> Domicile_V1_Document {
    let answer: Domicile_V1_GetDocumentResponse = try await call(
      "DocumentService", "GetDocument",
      Domicile_V1_GetDocumentRequest.with {
        $0.collection = "announcements"
        $0.key = key
        $0.purpose = purpose
      })
    return answer.document
  }

  fileprivate func has(_ key: String, _ value: Google_Protobuf_Struct) async -> Bool {
    do { return try await document(key).values == [value] } catch { return false }
  }

  @discardableResult
  fileprivate func putDocument(
    _ key: String, _ value: Google_Protobuf_Struct, context: String = "", collection: String = "announcements"
  ) async throws(ConnectError) -> Domicile_V1_PutDocumentResponse {
    try await call(
      "DocumentService", "PutDocument",
      Domicile_V1_PutDocumentRequest.with {
        $0.collection = collection
        $0.key = key
        $0.value = value
        $0.context = context
      })
  }

  @discardableResult
  fileprivate func deleteDocument(_ key: String) async throws(ConnectError) -> Domicile_V1_DeleteDocumentResponse {
    try await call(
      "DocumentService", "DeleteDocument",
      Domicile_V1_DeleteDocumentRequest.with {
        $0.collection = "announcements"
        $0.key = key
      })
  }

  fileprivate func documents(pageSize: UInt32, token: String) async throws(ConnectError) -> Domicile_V1_ListDocumentsResponse {
    try await call(
      "DocumentService", "ListDocuments",
      Domicile_V1_ListDocumentsRequest.with {
        $0.collection = "announcements"
        $0.purpose = "service"
        $0.pageSize = pageSize
        $0.pageToken = token
      })
  }
}
