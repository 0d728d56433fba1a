import AuditTrail
import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import Foundation
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  /// Invariant 4.
  @Suite struct StaleDirectory {
    @Test(arguments: [RegionID.apSouth, .usEast])
    func `a directory that names the wrong home costs a hop and gives nothing away`(_ wrong: RegionID) async throws {
      let world = try await World.fragile()
      let home = try await world.app(.euWest)
      let name = "app:\(freshSubject("stale"))"
      let abroad = try await world.app(.usEast, name)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      let tag = try world.tag(of: subject)
      try await eventually("us-east knows the subject") { try await world.home(of: tag, in: .usEast) == 2 }

      let ordinal = try #require(world.deployment.catalog[wrong]).ordinal.rawValue
      try await during(
        { try await world.setHome(of: tag, to: Int32(ordinal), in: .usEast) },
        undoing: { try await world.setHome(of: tag, to: 2, in: .usEast) }
      ) {
        let read = try await refusal { try await abroad.get(subject, purpose: "support") }
        #expect(read.code == .unavailable)
        #expect(read.reason == "STALE_DIRECTORY")
        let write = try await refusal { try await abroad.put(subject, ["name": "Another"]) }
        #expect(write.reason == "STALE_DIRECTORY")
        // Nothing came to lie where the directory pointed, and the asking region recorded that it got nothing.
        #expect(try await world.deployment.sql(wrong, "SELECT 1 FROM subject WHERE tag = $1::bytea", [.bytes(tag.bytes)]).isEmpty)
        let leaves = try await world.events(.usEast, from: 0).filter { $0.principal == name }
        #expect(leaves.map(\.effect) == [.denied, .denied])
        #expect(leaves.map(\.reason) == ["STALE_DIRECTORY", "STALE_DIRECTORY"])
      }
      #expect(try await abroad.get(subject, purpose: "support").record.version == 1)
    }

    @Test(arguments: [("moved", "WRONG_REGION"), ("erased", "SUBJECT_ERASED"), ("restricted", "SUBJECT_RESTRICTED")])
    func `a store that has given a subject up gives nothing away, though every directory names it`(
      _ state: String, _ reason: String
    ) async throws {
      let world = try await World.fragile()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      let tag = PostgresValue.bytes(try world.tag(of: subject).bytes)
      try await world.deployment.sql(.euWest, "UPDATE subject SET state = '\(state)' WHERE tag = $1::bytea", [tag])
      for caller in [home, abroad] {
        for call in [
          { try await caller.get(subject, purpose: "support") as Any },
          { try await caller.list(subject, purpose: "support") as Any },
          { try await caller.subject(subject, purpose: "support") as Any },
          { try await caller.put(subject, ["name": "x"]) as Any },
        ] {
          let error = try await refusal(of: call)
          #expect(error.reason == reason)
          #expect(try await world.event(of: error).reason == reason)
        }
      }
      let versions = try await world.deployment.sql(.euWest, "SELECT version FROM record WHERE tag = $1::bytea", [tag])
      #expect(try versions.map { try $0.int64(0) } == [1])
    }
  }
}

extension World {
  /// What the global layer knows a subject by.
  /// Whether a region's key database holds keys of a subject.
  func hasKeys(_ region: RegionID, _ tag: SubjectTag) async throws -> Bool {
    let rows = try await deployment.sql(
      region, "SELECT count(*) FROM subject_key WHERE tag = $1::bytea", [.bytes(tag.bytes)], database: "domicile_keys")
    return try rows.first?.int64(0) == 1
  }

  func tag(of subject: String) throws -> SubjectTag {
    let text = try String(contentsOfFile: "\(deployment.state.folder(of: .usEast))/directory.key", encoding: .utf8)
    let key = try #require([UInt8](hex: text.trimmingCharacters(in: .whitespacesAndNewlines)))
    let id = try #require(SubjectID(subject))
    return try #require(SubjectTagger(key: key)?.tag(of: id))
  }

  /// The ordinal of a subject's home in a region's copy of the directory; `nil` where it has none.
  func home(of tag: SubjectTag, in region: RegionID) async throws -> Int32? {
    try await deployment.sql(region, "SELECT home::integer FROM placement WHERE tag = $1::uuid", [.bytes(tag.bytes)]).first?
      .int32(0)
  }

  /// Takes a subject out of a region's copy of the directory, as if the row had been lost.
  func forget(_ tag: SubjectTag, in region: RegionID) async throws {
    try await deployment.sql(region, "DELETE FROM placement WHERE tag = $1::uuid", [.bytes(tag.bytes)])
  }

  func setHome(of tag: SubjectTag, to ordinal: Int32, in region: RegionID) async throws {
    try await deployment.sql(
      region, "UPDATE placement SET home = $2::integer WHERE tag = $1::uuid", [.bytes(tag.bytes), .int32(ordinal)])
  }
}
