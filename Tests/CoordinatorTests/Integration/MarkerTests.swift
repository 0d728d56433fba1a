import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Glibc
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  /// Invariant 6.
  @Suite struct Markers {
    @Test func `nothing that a person's data says is outside the home, and nothing is in clear inside it`() async throws {
      let world = try await World.fragile()
      // Seen in everything that exists outside eu-west, these would be personal data.
      let subject = freshSubject("person")
      let marker = "marker\(UUID().uuidString)"
      let secondMarker = "health\(UUID().uuidString)"
      // These have to be found: they show that the search finds what is there.
      let principal = "app:\(freshSubject("witness"))"
      let home = try await world.app(.euWest, principal)

      try await home.register(subject, requestID: "register-\(UUID().uuidString)")
      try await home.put(
        subject, ["name": .init(stringValue: marker), "email": .init(stringValue: "\(marker)@example.eu")],
        requestID: "put-\(UUID())")
      try await home.put(subject, "health", "main", ["conditions": .init(stringValue: secondMarker)])
      #expect(try await home.get(subject).record.value.text("name") == marker)

      for region in [RegionID.usEast, .apSouth] {
        let abroad = try await world.app(region, principal)
        try await eventually("\(region) knows the subject") { try await isKnown(subject, to: abroad) }
        try await use(subject, marker: marker, by: abroad)
        try await askInAllWrongWays(world, region, subject, marker)
      }
      try await home.consent(subject, to: "support")
      let released = try await world.app(.usEast, principal).get(subject, purpose: "support")
      #expect(released.record.value.text("name") == marker, "the name itself is given to us-east's app")

      for region in world.deployment.catalog.regions {
        try await world.deployment.sql(region.id, "CHECKPOINT")
      }
      let tag = try world.tag(of: subject)
      for region in world.deployment.catalog.regions {
        let folder = world.deployment.state.folder(of: region.id)
        // The start of the id too: a tag must not be one.
        for needle in [marker, secondMarker, subject, String(subject.prefix(16))] {
          let bytes = Array(needle.utf8)
          for form in [bytes, Array(bytes.hex.utf8), Array(Data(bytes).base64EncodedString().dropLast(4).utf8)] {
            #expect(try files(in: folder, holding: form) == [], "\(region.id)")
          }
        }
        #expect(try !files(in: "\(folder)/postgres", holding: tag.bytes).isEmpty, "the search finds the tag in \(region.id)")
        #expect(try !files(in: "\(folder)/postgres", holding: Array(principal.utf8)).isEmpty, "and the caller")
        let metrics = try await world.get(region.id, "/metrics")
        #expect(metrics.status == 200)
        #expect(metrics.text.contains("domicile_rpc_calls_total"))
        for needle in [marker, secondMarker, subject, tag.description] { #expect(!metrics.text.contains(needle)) }
      }
    }

    /// Reads that are permitted, denied, not there, and a look-up: answers to the app hold what policy gives, errors nothing.
    private func use(_ subject: String, marker: String, by abroad: Caller) async throws {
      #expect(try await abroad.locate(subject).homeRegion == "eu-west")
      let attempts: [() async throws -> any Message] = [
        { try await abroad.get(subject, purpose: "support") },
        { try await abroad.get(subject, purpose: "analytics") },
        { try await abroad.get(subject, "health", purpose: "support") },
        { try await abroad.get(subject, "profile", "other", purpose: "support") },
        { try await abroad.list(subject, purpose: "support") },
        { try await abroad.subject(subject, purpose: "support") },
        { try await abroad.put(subject, "profile", "note", ["name": .init(stringValue: marker)], requestID: "\(UUID())") },
        { try await abroad.put(subject, "profile", "note", ["name": .init(stringValue: marker)], expectedVersion: 77) },
        { try await abroad.put(subject, "health", "note", ["conditions": .init(stringValue: marker)]) },
        { try await abroad.register(subject, home: .euWest) },
        { try await abroad.batch([(subject, "profile", "main"), (subject, "health", "main")], purpose: "support") },
        { try await abroad.with(routing: "redirect").get(subject, purpose: "support") },
        { try await abroad.consent(subject, to: "analytics", requestID: "\(UUID())") },
        { try await abroad.with(timeout: .milliseconds(2)).get(subject, purpose: "support") },
      ]
      for attempt in attempts {
        do { _ = try await attempt() } catch let error as ConnectError {
          let said = "\(error.message) \(error.metadata)"
          #expect(!said.contains(subject) && !said.contains(marker), "\(error)")
        }
      }
    }

    /// What comes back of requests that are not understood quotes nothing of them.
    private func askInAllWrongWays(_ world: World, _ region: RegionID, _ subject: String, _ marker: String) async throws {
      let token = try await world.deployment.token()
      let bodies = [
        #"{"subjectId":"\#(subject)","collection":"profile","key":"\#(marker)","purpose":"\#(marker)"}"#,
        #"{"subjectId":"\#(subject)","collection":"\#(marker)","key":"main","purpose":"support"}"#,
        #"{"subjectId":"\#(subject)","collection":"profile","key":"main","purpose":"support","fields":["\#(marker)"]}"#,
        #"{"subjectId":"\#(subject)","collection":["\#(marker)"]}"#,
        #"{"subjectId":"\#(subject)\u0000","purpose":"support","key":"\#(marker)"}"#,
        #"{"subjectId":"\#(subject)" "\#(marker)"#,
      ]
      for body in bodies {
        let answer = try await world.post(region, "RecordService/GetRecord", json: body, token: token)
        #expect(!answer.text.contains(subject), "\(answer.text)")
      }
      let unsigned = try await world.post(region, "RecordService/GetRecord", json: bodies[0], token: "a.\(marker).c")
      #expect(!unsigned.text.contains(marker))
    }

    /// The files below a folder that hold these bytes somewhere.
    private func files(in folder: String, holding needle: [UInt8]) throws -> [String] {
      let paths = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
      try #require(paths.count > 100, "\(folder) has been looked through")
      return paths.filter { path in
        let file = open("\(folder)/\(path)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return false }
        defer { close(file) }
        let length = Int(lseek(file, 0, SEEK_END))
        guard length >= needle.count, let memory = mmap(nil, length, PROT_READ, MAP_PRIVATE, file, 0), memory != MAP_FAILED
        else { return false }
        defer { munmap(memory, length) }
        return UnsafeRawBufferPointer(start: memory, count: length).holds(needle)
      }
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether these bytes stand somewhere in it.
  fileprivate func holds(_ needle: [UInt8]) -> Bool {
    guard let start = baseAddress, let anchor = needle.firstIndex(where: { $0 != 0 }) else { return false }
    var position = anchor
    let end = count - needle.count + anchor
    while position <= end, let found = memchr(start + position, Int32(needle[anchor]), end - position + 1) {
      let place = start.distance(to: UnsafeRawPointer(found)) - anchor
      if memcmp(start + place, needle, needle.count) == 0 { return true }
      position = place + anchor + 1
    }
    return false
  }
}
