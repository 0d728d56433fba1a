import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  @Suite struct Outages {
    @Test func `a region that is alone still knows where everybody is at home, and serves its own`() async throws {
      let world = try await World.fragile()
      let (european, american) = (freshSubject(), freshSubject())
      let europe = try await world.app(.euWest)
      let america = try await world.app(.usEast)
      try await europe.register(european)
      try await america.register(american, country: "US")
      try await america.put(american, ["name": "the American"])
      try await eventually("us-east knows the subject") { try await isKnown(european, to: america) }

      let regions = world.deployment.regions
      try await during(
        {
          await regions.stopCoordinator(of: .apSouth)
          await regions.killCoordinator(of: .euWest)
        },
        undoing: { for region in [RegionID.euWest, .apSouth] { try await regions.startCoordinator(of: region) } }
      ) {
        #expect(try await america.locate(european).homeRegion == "eu-west")
        #expect(try await america.get(american).record.value == ["name": "the American"])
        let subject = freshSubject()
        try await america.register(subject, country: "US")
        let name = "app:\(freshSubject("lost"))"
        let lost = try await world.app(.usEast, name)
        let error = try await refusal { try await lost.get(european, purpose: "support") }
        #expect(error.code == .unavailable)
        #expect(error.reason == "REGION_UNREACHABLE")
        #expect(error.metadata["home_region"] == "eu-west")
        let leaves = try await world.events(.usEast, from: 0).filter { $0.principal == name }
        #expect(leaves.map(\.reason) == ["REGION_UNREACHABLE"])
        #expect(leaves.first?.home?.region == .euWest)
        try await eventually("us-east says that it is alone") {
          try await america.regions().map(\.health) == [.reachable, .unreachable, .unreachable]
        }
      }
    }

    @Test func `without its PostgreSQL a region refuses, and goes on by itself when it is back`() async throws {
      let world = try await World.fragile()
      let europe = try await world.app(.euWest)
      let america = try await world.app(.usEast)
      let (european, american) = (freshSubject(), freshSubject())
      try await europe.register(european)
      try await europe.put(european, ["name": "the European"])
      try await america.register(american, country: "US")
      try await eventually("us-east knows the subject") { try await isKnown(european, to: america) }
      let journal = Journal()
      let writers = try await Writers.start(16, at: europe, in: journal)
      try await eventually("writes are acknowledged") { await journal.acknowledged > 50 }

      let cluster = try #require(await world.deployment.regions.cluster(of: .euWest))
      try await during({ try await cluster.stop() }, undoing: { try await cluster.start() }) {
        let failures = await journal.failures.count
        try await eventually("writers are refused") { await journal.failures.count > failures + 32 }
        for caller in [europe, america] {
          let error = try await refusal { try await caller.get(european, purpose: "support") }
          #expect(error.code == .unavailable)
          #expect(error.reason == "AUDIT_UNAVAILABLE")
        }
        #expect(try await world.get(.euWest, "/readyz").status == 503)
        #expect(try await world.get(.euWest, "/healthz").status == 200)
        #expect(try await america.locate(european).homeRegion == "eu-west")
        #expect(try await america.subject(american).subject.homeRegion == "us-east")
      }
      let acknowledged = await journal.acknowledged
      try await eventually("writes are acknowledged again") { await journal.acknowledged > acknowledged + 50 }
      await writers.stop()
      for failure in await journal.failures {
        #expect(failure.code == .unavailable, "\(failure)")
        #expect(["AUDIT_UNAVAILABLE", "OUTCOME_UNKNOWN"].contains(failure.reason), "\(failure)")
      }
      try await journal.expectNothingLost(europe)
      try await world.expectDenseLog(.euWest)
    }

    @Test func `a PostgreSQL that dies takes nothing with it that was acknowledged`() async throws {
      let world = try await World.fragile()
      let europe = try await world.app(.euWest)
      let journal = Journal()
      let writers = try await Writers.start(16, at: europe, in: journal)
      try await eventually("writes are acknowledged") { await journal.acknowledged > 100 }
      let cluster = try #require(await world.deployment.regions.cluster(of: .euWest))
      await cluster.kill()
      try await cluster.start()
      let acknowledged = await journal.acknowledged
      try await eventually("writes are acknowledged again") { await journal.acknowledged > acknowledged + 50 }
      await writers.stop()
      try await journal.expectNothingLost(europe)
      try await world.expectDenseLog(.euWest)
    }
  }
}
