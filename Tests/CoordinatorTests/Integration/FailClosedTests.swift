import AuditTrail
import ConnectRPC
import DomicileAPI
import Residency
import SwiftProtobuf
import Testing

extension Integration {
  /// Invariant 5.
  @Suite struct FailClosed {
    @Test func `a subject that nobody registered is nowhere`() async throws {
      let world = try await World.shared()
      let name = "app:\(freshSubject("unknown"))"
      let app = try await world.app(.euWest, name)
      let error = try await refusal { try await app.get(freshSubject()) }
      #expect(error.code == .notFound)
      #expect(error.reason == "SUBJECT_UNKNOWN")
      #expect(try await refusal { try await app.locate(freshSubject()) }.reason == "SUBJECT_UNKNOWN")
      #expect(try await refusal { try await app.put(freshSubject(), [:]) }.reason == "SUBJECT_UNKNOWN")
      let leaves = try await world.events(.euWest, from: 0).filter { $0.principal == name }
      #expect(leaves.map(\.reason) == ["SUBJECT_UNKNOWN", "SUBJECT_UNKNOWN"])
    }

    @Test func `a purpose that is in no vocabulary opens nothing, whatever the token says`() async throws {
      let world = try await World.shared()
      let subject = try await subject(in: world)
      let app = try await world.app(.euWest, purposes: ["service", "suport"])
      let error = try await refusal { try await app.get(subject, purpose: "suport") }
      #expect(error.code == .invalidArgument)
      #expect(error.reason == "UNKNOWN_PURPOSE")
      #expect(error.message.contains("'support'"))
      #expect(try await world.event(of: error).reason == "UNKNOWN_PURPOSE")
    }

    @Test(arguments: [RegionID.euWest, .usEast])
    func `a collection that no file names opens nothing, at home or abroad`(_ region: RegionID) async throws {
      let world = try await World.shared()
      let subject = try await subject(in: world)
      let app = try await world.app(region)
      try await eventually("the region knows the subject") { try await isKnown(subject, to: app) }
      for call in [
        { try await app.get(subject, "profiles", purpose: "support") as any Message },
        { try await app.put(subject, "profiles", "main", ["name": "x"]) },
        { try await app.list(subject, "profiles", purpose: "support") },
      ] {
        let error = try await refusal(of: call)
        #expect(error.code == .invalidArgument)
        #expect(error.reason == "UNKNOWN_COLLECTION")
        #expect(try await world.event(of: error).reason == "UNKNOWN_COLLECTION")
      }
    }

    @Test func `a field that no schema names does not cross a border`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident", "nickname": "Resi"])
      #expect(try await home.get(subject).record.value.text("nickname") == "Resi")
      let abroad = try await world.app(.usEast)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      let read = try await abroad.get(subject, purpose: "support")
      #expect(read.record.value == ["name": "E. U. Resident"])
      #expect(read.decision.redactions.contains { $0.field == "*" && $0.view == "drop" })
    }

    @Test func `a region that no file describes is nobody's home`() async throws {
      let app = try await World.shared().app(.euWest)
      let error = try await refusal {
        try await app.call(
          "SubjectService", "RegisterSubject",
          Domicile_V1_RegisterSubjectRequest.with {
            $0.subjectID = freshSubject()
            $0.homeRegion = "eu-wset"
            $0.residence.country = "DE"
          }, as: Domicile_V1_RegisterSubjectResponse.self)
      }
      #expect(error.code == .invalidArgument)
      #expect(error.reason == "UNKNOWN_REGION")
      #expect(error.message.contains("'eu-west'"))
    }

    @Test func `where a fact is missing, the answer is no, and says which`() async throws {
      let app = try await World.shared().app(.apSouth)
      func decide(_ consent: String) async throws -> Domicile_V1_Decision {
        try await app.decide {
          $0.homeRegion = "eu-west"
          $0.collection = "profile"
          $0.purpose = "support"
          $0.consent = consent
        }.decision
      }
      #expect(try await decide("explicit").effect == .permit)
      let unknown = try await decide("")
      #expect(unknown.effect == .deny)
      #expect(unknown.unknown.contains("consent"))
      #expect(try await decide("none").effect == .deny)
    }

    @Test func `a citizenship that is not known forbids where the law asks for it`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.euWest)
      let unknown = try await refusal { try await app.register(freshSubject(), country: "RU") }
      #expect(unknown.reason == "RESIDENCE_NOT_ALLOWED")
      #expect(unknown.metadata["unknown"]?.contains("citizenship") == true)
      #expect(try await world.event(of: unknown).effect == .denied)
      #expect(try await app.register(freshSubject(), country: "RU", citizenship: ["DE"]).decision.effect == .permit)
    }

    private func subject(in world: World) async throws -> String {
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      return subject
    }
  }
}

/// Whether the region's copy of the directory has the subject.
func isKnown(_ subject: String, to caller: Caller) async throws -> Bool {
  do {
    _ = try await caller.locate(subject)
    return true
  } catch  where error.reason == "SUBJECT_UNKNOWN" {
    return false
  }
}
