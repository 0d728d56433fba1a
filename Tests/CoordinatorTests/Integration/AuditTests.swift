import AuditTrail
import ConnectRPC
import Coordinator
import Cryptography
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration {
  @Suite struct Audit {
    @Test func `a receipt's leaf is proved to be in the log that the region signed`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.euWest)
      let auditor = try await world.auditor(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let receipt = try await app.put(subject, ["name": "E. U. Resident"]).receipt
      try await world.deployment.regions.waitForCheckpoint(of: .euWest, covering: receipt.index)

      let file = "\(world.deployment.state.path)/audit-trust/eu-west.txt"
      let trust = try TrustPolicy(parsing: [UInt8](Data(contentsOf: URL(filePath: file))), file: file)
      let proof = try TransparencyProof(parsing: Array(await auditor.inclusionProof(of: receipt.index).utf8))
      let trusted = try trust.verify(proof.checkpoint)
      #expect(trusted.checkpoint.origin.description == "eu-west.domicile.example/audit")
      #expect(trusted.checkpoint.size > Int(receipt.index))
      #expect(proof.index == Int(receipt.index))
      let leafHash = try #require(SHA256Digest([UInt8](receipt.leafHash)))
      #expect(try proof.isValid(leafHash: leafHash))
      // The leaf is the one with that hash, and no other hash is proved.
      #expect(try MerkleTree.leafHash(await world.event(.euWest, receipt.index).leafBytes()) == leafHash)
      #expect(try !proof.isValid(leafHash: MerkleTree.leafHash([1, 2, 3])))
      // us-east's keys do not vouch for it.
      let other = "\(world.deployment.state.path)/audit-trust/us-east.txt"
      let foreign = try TrustPolicy(parsing: [UInt8](Data(contentsOf: URL(filePath: other))), file: other)
      #expect(throws: TrustError.self) { try foreign.verify(proof.checkpoint) }

      let note = try SignedNote(parsing: Array(await auditor.checkpoint().utf8))
      #expect(try trust.verify(note).checkpoint.size >= trusted.checkpoint.size)
      let beyond = try await refusal { try await auditor.inclusionProof(of: 1_000_000_000) }
      #expect(beyond.code == .notFound)
      #expect(beyond.reason == "EVENT_UNKNOWN")
    }

    @Test func `events are found by subject, decision and principal, page by page`() async throws {
      let world = try await World.shared()
      let name = "app:\(freshSubject("clerk"))"
      let clerk = try await world.app(.euWest, name)
      let auditor = try await world.auditor(.euWest)
      let (subject, other) = (freshSubject(), freshSubject())
      for person in [subject, other] {
        try await clerk.register(person)
        try await clerk.put(person, ["name": "E. U. Resident"])
        _ = try await clerk.get(person)
        _ = try await refusal { try await clerk.get(person, "profiles") }
      }
      func found(_ answer: Domicile_V1_ListEventsResponse) throws -> [AuditEvent] {
        try answer.events.map { try AuditEvent(leaf: [UInt8]($0.leaf)) }
      }
      #expect(
        try await found(auditor.events(of: subject, principal: name)).map(\.activity) == [.register, .write, .read, .read])
      let denied = try await found(auditor.events(of: subject, decision: "denied", principal: name))
      #expect(denied.map(\.reason) == ["UNKNOWN_COLLECTION"])
      #expect(try await found(auditor.events(decision: "allowed", principal: name)).count == 6)
      #expect(try await found(auditor.events(of: other, principal: name)).count == 4)

      var paged: [UInt64] = []
      var token = ""
      repeat {
        let page = try await auditor.events(principal: name, size: 3, token: token)
        paged += page.events.map(\.index)
        token = page.nextPageToken
      } while !token.isEmpty
      #expect(paged.count == 8)
      #expect(paged == paged.sorted())
      // Who asked about a person is itself recorded.
      #expect(try await found(auditor.events(of: subject)).contains { $0.principal == "auditor:test" && $0.activity == .operate })
      // Under which name a log speaks of a person is told at the person's home alone.
      let abroad = try await world.auditor(.usEast)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      let sent = try await refusal { try await abroad.events(of: subject) }
      #expect(sent.reason == "WRONG_REGION")
      #expect(sent.metadata["home_region"] == "eu-west")
    }

    @Test func `an event's details are sealed, and its person is a pseudonym`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.euWest)
      let (subject, key) = (freshSubject(), "key-\(UUID().uuidString)")
      try await app.register(subject)
      let receipt = try await app.put(subject, "profile", key, ["name": "E. U. Resident"]).receipt
      let leaf = try await world.event(.euWest, receipt.index)
      let text = String(decoding: try leaf.leafBytes(), as: UTF8.self)
      for secret in [subject, key, try world.tag(of: subject).description, "Resident"] { #expect(!text.contains(secret)) }
      #expect(leaf.sealedDetails != nil)
      #expect(leaf.subject != nil)
      #expect(leaf.request?.coordinator.hasPrefix("eu-west/") == true)
    }

    @Test func `who has seen a person's data, and who has not, is told from both logs`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let desk = "app:\(freshSubject("desk"))"
      let abroad = try await world.app(.usEast, desk)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      _ = try await abroad.get(subject, purpose: "support")
      _ = try await refusal { try await abroad.get(subject, purpose: "analytics") }
      for region in [RegionID.euWest, .usEast] { try await world.waitForCheckpoint(region) }

      let who = try await world.audit("who", subject, "--json")
      #expect(who.status == 0, "\(who.output)")
      #expect(who.output.contains(desk))
      #expect(who.output.contains("POLICY_DENIED"))
      let nobody = try await world.audit("who", freshSubject())
      #expect(nobody.status == 0)
      #expect(nobody.output.contains("nobody"))
      #expect(!nobody.output.contains(desk))
    }
  }
}

extension Integration.Fragile {
  @Suite struct Tampering {
    @Test func `a log verifies, and no longer where one byte of one leaf was changed`() async throws {
      let world = try await World.fragile()
      let app = try await world.app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let receipt = try await app.put(subject, ["name": "E. U. Resident"]).receipt
      let later = try await app.get(subject).receipt
      for region in world.deployment.catalog.regions where try await world.logSize(region.id) == 0 {
        let other = try await world.app(region.id)
        _ = try await refusal { try await other.get(freshSubject()) }
      }
      for region in world.deployment.catalog.regions { try await world.waitForCheckpoint(region.id) }
      let whole = try await world.audit("verify")
      #expect(whole.status == 0, "\(whole.output)")

      let flip = "UPDATE audit_leaf SET leaf = set_byte(leaf, 100, get_byte(leaf, 100) # 1) WHERE index = $1::bigint"
      let start = try #require(
        try await world.deployment.sql(.euWest, "SELECT \(World.rowStart)", [.int64(Int64(receipt.index))]).first?.int64(0))
      let index = PostgresValue.int64(start)
      try await during(
        { try await world.deployment.sql(.euWest, flip, [index]) },
        undoing: { try await world.deployment.sql(.euWest, flip, [index]) }
      ) {
        let changed = try await world.audit("verify", "--region", "eu-west")
        #expect(changed.status == 1, "\(changed.output)")
        #expect(changed.output.contains("leaf \(start) was changed"), "\(changed.output)")
        let other = try await world.audit("verify", "--region", "us-east")
        #expect(other.status == 0)
      }
      #expect(try await world.audit("verify", "--region", "eu-west").status == 0)

      // A leaf that is gone is named too.
      let row = try #require(
        try await world.deployment.sql(
          .euWest, "DELETE FROM audit_leaf WHERE index = $1::bigint RETURNING leaf, leaf_hash", [index]
        ).first)
      let (leaf, hash) = (try row.bytes(0), try row.bytes(1))
      let gone = try await world.audit("verify", "--region", "eu-west")
      let auditor = try await world.auditor(.euWest)
      var (listed, token) = ([] as [UInt64], "")
      repeat {
        let page = try await auditor.events(size: 1_000, token: token)
        listed += page.events.map(\.index)
        token = page.nextPageToken
      } while !token.isEmpty
      try await world.deployment.sql(
        .euWest, "INSERT INTO audit_leaf VALUES ($1::bigint, $2::bytea, $3::bytea)", [index, .bytes(leaf), .bytes(hash)])
      #expect(gone.status == 1, "\(gone.output)")
      #expect(gone.output.contains("leaf \(receipt.index)"), "\(gone.output)")
      // Nor does the list of events end there.
      #expect(!listed.contains(receipt.index) && listed.contains(later.index), "\(listed)")
      #expect(try await world.audit("verify", "--region", "eu-west").status == 0)
    }
  }
}
