import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  @Suite struct DirectoryLevels {
    @Test func `a registration waits for as many regions as its caller asks for, and says so`() async throws {
      let world = try await World.fragile()
      let europe = try await world.app(.euWest)
      #expect(try await europe.register(freshSubject()).evidence.regions == 0)
      #expect(try await europe.register(freshSubject(), level: .quorum).evidence.regions >= 2)

      // At once, in each region: no waiting, no asking.
      let subject = freshSubject()
      #expect(try await europe.register(subject, level: .all).evidence.regions == 3)
      let tag = try world.tag(of: subject)
      for region in [RegionID.usEast, .apSouth, .euWest] { #expect(try await world.home(of: tag, in: region) == 2) }
      // From another region, with the home elsewhere.
      let abroad = try await world.app(.usEast).register(freshSubject(), home: .euWest, level: .all)
      #expect(abroad.evidence.regions == 3)
      #expect(abroad.subject.homeRegion == "eu-west")
    }

    @Test func `too few regions: what is registered stays so, and is called unconfirmed, never failed`() async throws {
      let world = try await World.fragile()
      let europe = try await world.app(.euWest)
      let regions = world.deployment.regions
      try await during(
        { await regions.killCoordinator(of: .apSouth) }, undoing: { try await regions.startCoordinator(of: .apSouth) }
      ) {
        #expect(try await europe.register(freshSubject(), level: .quorum).evidence.regions == 2)
        let subject = freshSubject()
        let request = UUID().uuidString
        let error = try await refusal { try await europe.register(subject, requestID: request, level: .all) }
        #expect(error.code == .deadlineExceeded)
        #expect(error.reason == "UNCONFIRMED")
        #expect(error.metadata["silent_regions"] == "ap-south")
        #expect(error.metadata["confirmed"] == "2")
        #expect(try await europe.subject(subject).subject.homeRegion == "eu-west")
        // Whoever asks again gets the answer, at whatever level.
        #expect(try await europe.register(subject, requestID: request, level: .quorum).evidence.regions == 2)

        for level in [Domicile_V1_LocateSubjectRequest.Level.one, .quorum, .home] {
          #expect(try await world.app(.usEast).locate(subject, level: level).homeRegion == "eu-west")
        }
        let all = try await refusal { try await europe.locate(subject, level: .all) }
        #expect(all.reason == "UNCONFIRMED")
        #expect(all.metadata["silent_regions"] == "ap-south")
        let unknown = try await refusal { try await europe.locate(freshSubject()) }
        #expect(unknown.reason == "SUBJECT_UNKNOWN")
        #expect(unknown.metadata["silent_regions"] == "ap-south")
      }
      let subject = freshSubject()
      try await eventually("ap-south confirms again") {
        do { return try await europe.register(subject, requestID: subject, level: .all).evidence.regions == 3 } catch let error
          as ConnectError where error.reason == "UNCONFIRMED"
        {
          return false
        }
      }
      try await eventually("ap-south is asked again") {
        try await refusal { try await europe.locate(freshSubject()) }.metadata["silent_regions"] == nil
      }
    }

    /// The copy is made to lie, as if the entry were still on its way.
    @Test func `a region that does not know a subject asks the others before it says so`() async throws {
      let world = try await World.fragile()
      let subject = freshSubject()
      try await world.app(.euWest).register(subject, level: .all)
      try await world.app(.euWest).put(subject, ["name": "E. U. Resident"])
      let america = try await world.app(.usEast)
      let tag = try world.tag(of: subject)
      try await world.forget(tag, in: .usEast)
      #expect(try await america.get(subject, purpose: "support").record.version == 1)
      // What was lost here is here again.
      #expect(try await world.home(of: tag, in: .usEast) == 2)
    }

    @Test func `each region tells what it has of each other one, and who is out of reach`() async throws {
      let world = try await World.fragile()
      try await world.app(.euWest).register(freshSubject(), level: .all)
      func gauge(_ name: String, of peer: String) async throws -> Double? {
        let line = try await world.get(.usEast, "/metrics").text.split(separator: "\n").first {
          $0.hasPrefix("domicile_directory_\(name){peer=\"\(peer)\"}")
        }
        return line.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
      }
      try await eventually("us-east has all") { try await gauge("lag_entries", of: "eu-west") == 0 }
      #expect(try await gauge("peer_reachable", of: "eu-west") == 1)
      #expect(try await gauge("received_entries", of: "eu-west") ?? 0 > 0)
      #expect(try await gauge("lag_seconds", of: "eu-west") == 0)
      let told = try #require(try await world.app(.usEast).regions().first { $0.id == "eu-west" })
      #expect(told.directoryReceivedBytes > 0 && !told.hasDirectoryBehind)
      let regions = world.deployment.regions
      try await during(
        { await regions.killCoordinator(of: .apSouth) }, undoing: { try await regions.startCoordinator(of: .apSouth) }
      ) {
        try await eventually("ap-south is out of reach") { try await gauge("peer_reachable", of: "ap-south") == 0 }
        #expect(try await gauge("last_contact_seconds", of: "ap-south") ?? 0 > 0)
      }
    }

    @Test func `each level gives what it promises where the copies differ`() async throws {
      let world = try await World.fragile()
      let subject = freshSubject()
      try await world.app(.euWest).register(subject, level: .all)
      let tag = try world.tag(of: subject)
      let india = try await world.app(.apSouth)
      try await during(
        { try await world.setHome(of: tag, to: 1, in: .apSouth) },
        undoing: { try await world.setHome(of: tag, to: 2, in: .apSouth) }
      ) {
        #expect(try await india.locate(subject).homeRegion == "us-east")
        // us-east is asked, is not the home, and names the one that is.
        let atHome = try await india.locate(subject, level: .home)
        #expect(atHome.homeRegion == "eu-west")
        #expect(atHome.evidence.readLevel == .linearizable)
      }
      let quorum = try await india.locate(subject, level: .quorum)
      #expect(quorum.evidence.readLevel == .directoryQuorum)
      #expect(quorum.evidence.regions == 2)
      let all = try await india.locate(subject, level: .all)
      #expect(all.evidence.readLevel == .directoryAll)
      #expect(all.evidence.regions == 3)
      #expect(all.homeRegion == "eu-west")
    }
  }
}
