import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import FaultLab
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  /// Invariant 7.
  @Suite struct Contests {
    @Test func `an id that two regions registered while apart is contested everywhere, and nothing moves`() async throws {
      let world = try await World.fragile()
      let subject = freshSubject()
      let europe = try await world.app(.euWest)
      let america = try await world.app(.usEast)
      let india = try await world.app(.apSouth)

      // Never are two of them up together: neither hears of the other's registration, nor from anybody else.
      let regions = world.deployment.regions
      for region in [RegionID.usEast, .apSouth] { await regions.stopCoordinator(of: region) }
      try await europe.register(subject, country: "DE")
      try await europe.put(subject, ["name": "the European"])
      await regions.stopCoordinator(of: .euWest)
      try await regions.startCoordinator(of: .usEast)
      try await america.register(subject, country: "US")
      try await america.put(subject, ["name": "the American"])
      for region in [RegionID.euWest, .apSouth] { try await regions.startCoordinator(of: region) }

      for (caller, name) in [(europe, "eu-west"), (america, "us-east"), (india, "ap-south")] {
        try await eventually("\(name) knows of the contest") {
          do { return try await caller.locate(subject).state == .contested } catch let error as ConnectError
            where error.code == .notFound
          {
            return false
          }
        }
        #expect(try await caller.locate(subject).candidates == ["eu-west", "us-east"])
        #expect(try await caller.locate(subject).homeRegion == "")
      }

      // Each serves its own account.
      #expect(try await europe.get(subject).record.value == ["name": "the European"])
      #expect(try await america.get(subject).record.value == ["name": "the American"])
      #expect(try await europe.put(subject, ["name": "the European"]).version == 2)
      // Nobody is sent to either.
      for call in [
        { try await india.get(subject) as any Message }, { try await india.put(subject, ["name": "?"]) },
        { try await india.subject(subject) },
      ] {
        let error = try await refusal(of: call)
        #expect(error.code == .failedPrecondition)
        #expect(error.reason == "SUBJECT_CONTESTED")
        #expect(error.metadata["homes"] == "eu-west,us-east")
      }
      for caller in [europe, america, india] {
        #expect(try await refusal { try await caller.register(subject, country: "IN") }.reason == "SUBJECT_CONTESTED")
      }

      // And nothing was deleted or brought along.
      let tag = try world.tag(of: subject)
      for (region, accounts, siblings) in [(RegionID.euWest, 1, 2), (.usEast, 1, 2), (.apSouth, 0, 2)] {
        let rows = try await world.deployment.sql(
          region,
          """
          SELECT (SELECT count(*) FROM subject WHERE tag = $1::bytea), (SELECT count(*) FROM record WHERE tag = $1::bytea),
                 (SELECT count(*) FROM placement_sibling WHERE uuid_send(tag) = $1::bytea)
          """, [.bytes(tag.bytes)])
        let row = try #require(rows.first)
        #expect(try row.int64(0) == Int64(accounts), "\(region)")
        #expect(try row.int64(1) == Int64(accounts), "\(region)")
        #expect(try row.int64(2) == Int64(siblings), "\(region)")
      }
    }
  }
}
