import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  /// Invariant 2.
  @Suite struct Recording {
    @Test(arguments: ["53100", "P0001"])
    func `what the home cannot record is not read, and its log stays whole`(_ sqlState: String) async throws {
      let world = try await World.fragile()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      try await eventually("us-east can read it") { try await reads(abroad, subject) }
      let size = try await world.logSize(.euWest)

      try await world.withoutLeaves(in: .euWest, sqlState: sqlState) {
        for caller in [home, abroad] {
          let error = try await refusal { try await caller.get(subject, purpose: "support") }
          #expect(error.code == .unavailable)
          #expect(error.reason == "AUDIT_UNAVAILABLE")
          #expect(error.metadata["region"] == "eu-west")
        }
        // A denial is not said either, nor is anything written.
        let denied = try await refusal { try await abroad.get(subject, purpose: "analytics") }
        #expect(denied.reason == "AUDIT_UNAVAILABLE")
        let unwritten = try await refusal { try await home.put(subject, ["name": "Another"]) }
        #expect(unwritten.reason == "AUDIT_UNAVAILABLE")
      }

      let read = try await abroad.get(subject, purpose: "support")
      #expect(read.record.version == 1)
      #expect(read.receipt.index == size, "nothing was recorded in between, and no index is missing")
      try await world.expectDenseLog(.euWest)
    }

    @Test func `what the asking region cannot record is not released there`() async throws {
      let world = try await World.fragile()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      try await eventually("us-east can read it") { try await reads(abroad, subject) }
      let size = try await world.logSize(.usEast)

      try await world.withoutLeaves(in: .usEast, sqlState: "53100") {
        let error = try await refusal { try await abroad.get(subject, purpose: "support") }
        #expect(error.code == .unavailable)
        #expect(error.reason == "AUDIT_UNAVAILABLE")
        #expect(error.metadata["region"] == "us-east")
        let denied = try await refusal { try await abroad.get(subject, purpose: "analytics") }
        #expect(denied.reason == "AUDIT_UNAVAILABLE")
      }

      let read = try await abroad.get(subject, purpose: "support")
      #expect(read.importReceipt.index == size)
      try await world.expectDenseLog(.usEast)
      try await world.expectDenseLog(.euWest)
    }

    private func reads(_ caller: Caller, _ subject: String) async throws -> Bool {
      do { return try await caller.get(subject, purpose: "support").record.version == 1 } catch { return false }
    }
  }
}

extension World {
  /// Runs `body` while a region's database takes no audit leaf.
  func withoutLeaves<Answer>(in region: RegionID, sqlState: String, _ body: () async throws -> Answer) async throws -> Answer {
    try await during(
      {
        try await deployment.sql(
          region,
          """
          CREATE FUNCTION refuse_leaf() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '\(sqlState)'; END $$
          """)
        try await deployment.sql(
          region, "CREATE TRIGGER refuse_leaf BEFORE INSERT ON audit_leaf FOR EACH STATEMENT EXECUTE FUNCTION refuse_leaf()")
      }, undoing: { try await deployment.sql(region, "DROP FUNCTION refuse_leaf() CASCADE") }, body)
  }
}
