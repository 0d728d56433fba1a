import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import FaultLab
import Postgres
import Residency
import Testing

extension Integration.Fragile {
  /// Level ANY: a registration is noted where it is asked for, and done when its home can be reached.
  @Suite struct Intents {
    @Test func `a registration for a region out of reach is noted durably, and done once the region is back`() async throws {
      let world = try await World.fragile()
      let america = try await world.app(.usEast)
      let regions = world.deployment.regions
      let (subject, denied) = (freshSubject("noted"), freshSubject("noted"))

      // Without a request_id nobody could find out what became of it; and what this region's own policies refuse is said at once.
      #expect(
        try await refusal { try await america.register(subject, home: .euWest, level: .any) }.reason == "INVALID_ARGUMENT")
      #expect(
        try await refusal { try await america.register(denied, home: .euWest, country: "CN", requestID: "no", level: .any) }
          .reason
          == "RESIDENCE_NOT_ALLOWED")

      await regions.stopCoordinator(of: .euWest)
      let noted = try await america.register(subject, home: .euWest, requestID: "any", level: .any)
      #expect(noted.subject.state == .pending)
      #expect(noted.subject.homeRegion == "eu-west")
      #expect(noted.receipt.region == "us-east")
      let event = try await world.event(.usEast, noted.receipt.index)
      #expect(event.activity == .register)
      #expect(event.home?.region == .euWest)
      // Not yet routable; and its note tells nobody whose it is.
      #expect(try await refusal { try await america.locate(subject) }.reason == "SUBJECT_UNKNOWN")
      let rows = try await world.deployment.sql(.usEast, "SELECT sealed FROM workflow WHERE kind = 'intent'")
      #expect(rows.count == 1)
      #expect(try !(try #require(rows.first).bytes(0).contains(subject: subject)))

      // It survives the coordinator that took it.
      await regions.stopCoordinator(of: .usEast)
      try await regions.startCoordinator(of: .usEast)
      try await regions.startCoordinator(of: .euWest)
      // It rests for half a minute at most.
      try await eventually(within: .seconds(90), "the home has registered it") {
        do { return try await america.locate(subject).homeRegion == "eu-west" } catch { return false }
      }
      try await eventually("the note is gone") {
        try await world.deployment.sql(.usEast, "SELECT 1 FROM workflow WHERE kind = 'intent'").isEmpty
      }
      // What became of it: the same request at another level.
      let answer = try await america.register(subject, home: .euWest, requestID: "any")
      #expect(answer.subject.state == .active)
      #expect(answer.receipt.region == "eu-west")
      #expect(try await world.event(.euWest, answer.receipt.index).requester.region == .usEast)
      // At home itself it is done at once.
      #expect(try await world.app(.euWest).register(freshSubject(), requestID: "here", level: .any).subject.state == .active)
    }

    @Test func `a coordinator that stops gives back what it was passing on`() async throws {
      let world = try await World.fragile()
      let regions = world.deployment.regions
      let america = try await world.app(.usEast)
      func rest() async throws -> Int64 {
        let rows = try await world.deployment.sql(
          .usEast,
          "SELECT (extract(epoch FROM due_at - clock_timestamp()) * 1000)::bigint FROM workflow WHERE kind = 'intent'")
        return try #require(rows.first, "there is no note").int64(0)
      }
      // Passing on takes as long as the home is silent: the note is nobody else's meanwhile.
      try await during {
        try await regions.pauseCoordinator(of: .euWest)
      } undoing: {
        await regions.resumeCoordinator(of: .euWest)
      } _: {
        try await america.register(freshSubject("given"), home: .euWest, requestID: "given", level: .any)
        try await eventually("the note is being passed on") { try await rest() > 20_000 }
        await regions.stopCoordinator(of: .usEast)
        let left = try await rest()
        #expect(left <= 0)
      }
      try await regions.startCoordinator(of: .usEast)
      try await eventually("the home has registered it") {
        try await world.deployment.sql(.usEast, "SELECT 1 FROM workflow WHERE kind = 'intent'").isEmpty
      }
    }
  }
}

extension [UInt8] {
  fileprivate func contains(subject: String) -> Bool {
    String(decoding: self, as: UTF8.self).contains(subject)
  }
}
