import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Foundation
import Residency
import SwiftProtobuf
import Testing

@testable import Coordinator

extension Integration {
  /// One after the other, on regions of their own: each test breaks something and repairs it.
  @Suite(.serialized) enum Fragile {}
}

extension Integration.Fragile {
  /// Invariant 1.
  @Suite struct HomeDecides {
    @Test func `the home denies although the asking region's policies permit everything`() async throws {
      let world = try await World.fragile()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident", "email": "e@example.eu"])
      try await home.put(subject, "health", "main", ["blood_type": "0+"])

      let policies = try permissivePolicies(in: world.deployment)
      try await world.deployment.withCoordinator(of: .usEast, policies: policies) {
        let abroad = try await world.app(.usEast)
        try await eventually("us-east knows where the subject is") { try await knows(abroad, subject) }
        for (collection, purpose, rule) in [
          ("profile", "analytics", "eu.no-analytics-abroad"), ("health", "support", "eu.health-stays"),
        ] {
          // us-east itself would let it pass.
          let here = try await abroad.decide {
            $0.homeRegion = "eu-west"
            $0.collection = collection
            $0.purpose = purpose
          }
          #expect(here.decision.effect == .permit)

          let denied = try await refusal { try await abroad.get(subject, collection, purpose: purpose) }
          #expect(denied.code == .permissionDenied)
          #expect(denied.reason == "POLICY_DENIED")
          #expect(denied.metadata["rule"] == rule)
          let leaf = try await world.event(of: denied)
          #expect(leaf.effect == .denied)
          #expect(leaf.home?.region == .euWest)
          #expect(leaf.requester.region == .usEast)
        }
      }
    }

    private func knows(_ caller: Caller, _ subject: String) async throws -> Bool {
      do { return try await caller.locate(subject).homeRegion == "eu-west" } catch { return false }
    }

    /// The repository's policies, but that everything of an EEA subject is open to everybody.
    private func permissivePolicies(in deployment: TestDeployment) throws -> String {
      let folder = deployment.path("permissive-policies")
      try FileManager.default.copyItem(atPath: "\(deployment.sources)/policies", toPath: folder)
      let rules = """
        policy: eu-transfers
        home: $eea
        rules:
          - id: eu.everything
            permit: [read, write, export]

        """
      try rules.write(toFile: "\(folder)/eu-transfers.yaml", atomically: true, encoding: .utf8)
      try FileManager.default.removeItem(atPath: "\(folder)/eu-transfers.test.yaml")
      return folder
    }
  }
}

extension Integration {
  /// Invariant 1, where the asking region's coordinator is in somebody else's hands: it has the region's certificate and speaks to
  /// the home as it likes.
  @Suite struct CompromisedRegion {
    private struct Attempt: Sendable {
      let what: String
      var subject: String?
      var collection = "profile"
      var purpose = "support"
      let token: @Sendable (World) async throws -> String
      let code: ConnectCode
      let reason: String
    }

    private static let good: @Sendable (World) async throws -> String = { try await $0.deployment.token() }

    private static let attempts: [Attempt] = [
      Attempt(what: "what policy forbids", purpose: "analytics", token: good, code: .permissionDenied, reason: "POLICY_DENIED"),
      Attempt(what: "health", collection: "health", token: good, code: .permissionDenied, reason: "POLICY_DENIED"),
      Attempt(
        what: "a purpose that the app's token does not carry",
        token: { try await $0.deployment.token(purposes: ["service"]) }, code: .permissionDenied, reason: "PURPOSE_NOT_ALLOWED"),
      Attempt(
        what: "for a reader in a country that nothing permits",
        token: { try await $0.deployment.token(jurisdiction: "IN") }, code: .permissionDenied, reason: "POLICY_DENIED"),
      Attempt(what: "without an app", token: { _ in "" }, code: .unauthenticated, reason: "TOKEN_MALFORMED"),
      Attempt(
        what: "with a token of its own making",
        token: { _ in
          try await TokenIssuer.make().token(for: .init(name: "app:test", purposes: [Purpose("support")]), lifetime: .seconds(60))
        },
        code: .unauthenticated, reason: "TOKEN_KEY_UNKNOWN"),
      Attempt(
        what: "with a token that has expired",
        token: { try await $0.deployment.token(issuedAt: Date(timeIntervalSinceNow: -7_200)) }, code: .unauthenticated,
        reason: "TOKEN_EXPIRED"),
    ]

    @Test(arguments: attempts.indices)
    private func `gets nothing that the home's policy does not give`(_ number: Int) async throws {
      let attempt = Self.attempts[number]
      let world = try await World.shared()
      let subject = try await subject(in: world)
      let token = try await attempt.token(world)
      let error = try await refusal {
        try await world.withPeer(.usEast, to: .euWest) { peer in
          try await peer.execute(
            "RecordService/GetRecord", request(subject, attempt.collection, attempt.purpose), token: token, epoch: 1_000_000,
            as: Domicile_V1_GetRecordResponse.self)
        }
      }
      #expect(error.code == attempt.code, "\(attempt.what): \(error)")
      #expect(error.reason == attempt.reason, "\(attempt.what): \(error)")
      #expect(!"\(error)\(error.metadata)".contains("secret"), "\(attempt.what)")
    }

    @Test func `gets what policy gives it, masked, and is recorded under its own name`() async throws {
      let world = try await World.shared()
      let subject = try await subject(in: world)
      let token = try await world.deployment.token()
      let answer = try await world.withPeer(.usEast, to: .euWest) { peer in
        try await peer.execute(
          "RecordService/GetRecord", request(subject, "profile", "support"), token: token, as: Domicile_V1_GetRecordResponse.self)
      }
      #expect(answer.record.value.text("name") == "E. U. Resident")
      #expect(answer.record.value.text("email")?.hasPrefix("h:") == true)
      #expect(answer.record.value.text("phone")?.hasSuffix("0100") == true)
      #expect(answer.record.value.text("phone")?.contains("555") == false)
      #expect(answer.record.value.fields["ip"] == nil)
      #expect(try await world.event(.euWest, answer.receipt.index).requester.region == .usEast)
    }

    @Test(arguments: ["domicile.v1.AuditService/ListEvents", "domicile.v1.RecordService/getrecord", "", "x"])
    func `runs nothing but the procedures that regions run for each other`(_ procedure: String) async throws {
      let world = try await World.shared()
      let token = try await world.deployment.token(roles: [.auditor, .operator, .app])
      let error = try await refusal {
        try await world.withPeer(.usEast, to: .euWest) { peer in
          try await peer.call(
            "Execute",
            Domicile_Peer_V1_ExecuteRequest.with {
              $0.procedure = procedure
              $0.token = token
            }, as: Domicile_Peer_V1_ExecuteResponse.self)
        }
      }
      #expect(error.code == .unimplemented)
      #expect(error.reason == "UNKNOWN_PROCEDURE")
    }

    @Test func `is told what is wrong with a request that is none`() async throws {
      let world = try await World.shared()
      let token = try await world.deployment.token()
      let error = try await refusal {
        try await world.withPeer(.usEast, to: .euWest) { peer in
          try await peer.call(
            "Execute",
            Domicile_Peer_V1_ExecuteRequest.with {
              $0.procedure = "domicile.v1.RecordService/GetRecord"
              $0.request = Data([0xff, 0xff, 0xff])
              $0.token = token
            }, as: Domicile_Peer_V1_ExecuteResponse.self)
        }
      }
      #expect(error.code == .invalidArgument)
      #expect(error.reason == "INVALID_ARGUMENT")
    }

    private func subject(in world: World) async throws -> String {
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(
        subject, ["name": "E. U. Resident", "email": "secret@example.eu", "phone": "+353 1 555 0100", "ip": "192.0.2.7"])
      try await home.put(subject, "health", "main", ["conditions": "secret"])
      return subject
    }

    private func request(_ subject: String, _ collection: String, _ purpose: String) -> Domicile_V1_GetRecordRequest {
      .with {
        $0.subjectID = subject
        $0.collection = collection
        $0.key = "main"
        $0.purpose = purpose
      }
    }
  }
}
