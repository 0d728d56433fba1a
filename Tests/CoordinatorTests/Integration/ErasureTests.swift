import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Foundation
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration {
  /// GDPR Art. 17.
  @Suite struct Erasure {
    @Test func `of an erased person nothing is left, the log still verifies, and nobody can say of whom it speaks`() async throws
    {
      let world = try await World.shared()
      let (home, abroad) = (try await world.app(.euWest), try await world.app(.usEast))
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident", "email": "e@example.eu"])
      try await home.consent(subject, to: "support")
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      _ = try await abroad.get(subject, purpose: "support")
      try await world.waitForCheckpoint(.euWest)
      let before = try await world.audit("who", subject, "--region", "eu-west")
      #expect(before.output.contains("us-east"), "\(before.output)")

      let erased = try await home.erase(subject)
      #expect(erased.state == .erased)
      #expect(erased.epoch == 2)
      let leaf = try await world.event(.euWest, erased.receipt.index)
      #expect(leaf.activity == .erase && leaf.effect == .allowed && leaf.subject != nil)

      let tag = try world.tag(of: subject)
      let rows = try await world.deployment.sql(
        .euWest,
        """
        SELECT (SELECT count(*) FROM subject WHERE tag = $1::bytea) + (SELECT count(*) FROM record WHERE tag = $1::bytea)
             + (SELECT count(*) FROM consent WHERE tag = $1::bytea) + (SELECT count(*) FROM idempotency WHERE tag = $1::bytea)
        """, [.bytes(tag.bytes)])
      #expect(try rows.first?.int64(0) == 0)
      try await eventually("the keys are destroyed, and who it was whose data left") {
        let transfers = try await world.deployment.sql(
          .euWest, "SELECT count(*) FROM transfer WHERE tag = $1::bytea", [.bytes(tag.bytes)])
        return try await keyCount(world, tag) == 0 && transfers.first?.int64(0) == 0
      }

      for caller in [home, abroad] {
        try await eventually("the erasure is known") {
          try await refusal { try await caller.get(subject, purpose: "support") }.reason == "SUBJECT_ERASED"
        }
        #expect(try await refusal { try await caller.erase(subject) }.reason == "SUBJECT_ERASED")
        #expect(try await refusal { try await caller.register(subject, home: .euWest) }.reason == "SUBJECT_ERASED")
      }
      try await eventually("no keys are left for an id that nobody can have") { try await keyCount(world, tag) == 0 }

      try await world.waitForCheckpoint(.euWest)
      let verified = try await world.audit("verify", "--region", "eu-west")
      #expect(verified.status == 0, "\(verified.output)")
      let after = try await world.audit("who", subject, "--region", "eu-west")
      #expect(after.status == 0)
      #expect(after.output.contains("nobody"), "\(after.output)")
      #expect(!after.output.contains("us-east"), "\(after.output)")
    }

    @Test func `who may not write about a person does not erase them, and that is recorded`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      let desk = try await world.app(.euWest, "app:desk", purposes: ["support"])
      let error = try await refusal { try await desk.erase(subject) }
      #expect(error.reason == "PURPOSE_NOT_ALLOWED")
      let leaf = try await world.event(of: error)
      #expect(leaf.activity == .erase && leaf.effect == .denied)
      #expect(try await home.get(subject).record.value == ["name": "E. U. Resident"])
    }

    @Test func `every decision in a region's log follows from its recorded facts`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident", "an app's own": "1"])
      _ = try await home.get(subject)
      // What is asked again is decided again, and recorded with its facts.
      let again = freshSubject()
      for _ in 0..<2 {
        try await home.register(again, requestID: "again")
        _ = try await home.commit(
          again, [.put("profile", "main", ["name": "A"]), .put("orders", "o", ["number": "1"])], requestID: "commit")
      }
      _ = try await refusal { try await world.app(.usEast).register(freshSubject(), country: "DE") }
      try await world.waitForCheckpoint(.euWest)
      try await world.waitForCheckpoint(.usEast)
      for region in ["eu-west", "us-east"] {
        let outcome = try await world.audit(
          "rederive", "--region", region, "--policies", world.deployment.policies, "--catalog", world.deployment.regionFiles)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.contains("decisions were made again from their facts"))
      }
      // Other policies than those that decided are no judge of it.
      let other = world.deployment.path("other-policies")
      try FileManager.default.copyItem(atPath: world.deployment.policies, toPath: other)
      let file = "\(other)/principals.yaml"
      try (String(contentsOfFile: file, encoding: .utf8) + "# a word more\n").write(
        toFile: file, atomically: true, encoding: .utf8)
      let judged = try await world.audit("rederive", "--region", "eu-west", "--policies", other)
      #expect(judged.status == 3, "\(judged.output)")
      #expect(judged.output.contains("by policies that were not given, or cannot be used: sha256:"))
      #expect(try await world.audit("rederive", "--region", "eu-west", "--policies", "/nowhere").status == 2)
    }

    private func keyCount(_ world: World, _ tag: SubjectTag) async throws -> Int64? {
      try await world.deployment.sql(
        .euWest, "SELECT count(*) FROM subject_key WHERE tag = $1::bytea", [.bytes(tag.bytes)], database: "domicile_keys"
      ).first?.int64(0)
    }
  }
}
