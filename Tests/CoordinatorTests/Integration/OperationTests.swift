import AuditTrail
import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import Residency
import SwiftProtobuf
import Testing

extension Integration {
  /// What operators and auditors do that is about nobody in particular.
  @Suite struct Operations {
    @Test func `an operator's action is in the log before its answer, and so is a refusal to who is none`() async throws {
      let world = try await World.shared()
      let start = try await world.logSize(.euWest)
      let name = "operator:\(freshSubject("ops"))"
      let token = try await world.deployment.token(name, purposes: [], roles: [.operator])
      let ops = try world.caller(.euWest, token: token)
      let _: Domicile_V1_CountSubjectsResponse = try await ops.call(
        "RegionService", "CountSubjects", Domicile_V1_CountSubjectsRequest())
      let _: Domicile_V1_CompareDirectoryResponse = try await ops.call(
        "RegionService", "CompareDirectory", Domicile_V1_CompareDirectoryRequest.with { $0.region = "us-east" })
      let _: Domicile_V1_CompareDirectoryResponse = try await ops.call(
        "RegionService", "CompareDirectory",
        Domicile_V1_CompareDirectoryRequest.with {
          $0.region = "us-east"
          $0.repair = true
        })
      _ = try await ops.contested()
      let mine = try await world.events(.euWest, from: start).filter { $0.principal == name }
      #expect(
        mine.map(\.operation) == [
          "count_subjects eu-west", "compare_directory us-east", "repair_directory us-east", "list_contested",
        ])
      #expect(mine.allSatisfy { $0.activity == .operate && $0.effect == .allowed && $0.request != nil })

      let app = "app:\(freshSubject("curious"))"
      let curious = try await world.app(.euWest, app)
      let refused = try await refusal {
        let answer: Domicile_V1_CountSubjectsResponse = try await curious.call(
          "RegionService", "CountSubjects", Domicile_V1_CountSubjectsRequest())
        return answer
      }
      #expect(refused.reason == "ROLE_REQUIRED")
      let denied = try await world.events(.euWest, from: start).filter { $0.principal == app }
      #expect(denied.map(\.operation) == ["count_subjects eu-west"])
      #expect(denied.map(\.effect) == [.denied])
    }
  }
}
