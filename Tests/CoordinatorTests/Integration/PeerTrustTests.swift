import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Foundation
import Postgres
import Residency
import SwiftProtobuf
import Testing
import X509

@testable import Coordinator

extension Integration {
  /// Regions know each other by certificates, and by nothing that is in a message.
  @Suite struct PeerTrust {
    @Test func `only a region's own certificate opens a region's door for regions`() async throws {
      let world = try await World.shared()
      let state = world.deployment.state
      let strangers = StateFolder(world.deployment.path("strangers"))
      try DevelopmentAuthority(state: strangers).prepare(world.deployment.catalog)

      let refused: [(what: String, certificate: StateFolder.KeyPair?)] = [
        ("none", nil),
        ("an app server's", state.appIdentity(of: .usEast)),
        ("another authority's, in us-east's name", strangers.peerIdentity(of: .usEast)),
        ("the region's own", state.peerIdentity(of: .euWest)),
        ("a region's that is not in the catalog", try unlisted(world)),
      ]
      for (what, certificate) in refused {
        for call in calls {
          let error = try await refusal { try await world.withPeer(showing: certificate, to: .euWest, call) }
          let isRefused = error.reason == "PEER_NOT_TRUSTED" || ["TLS_FAILED", "CONNECTION_FAILED"].contains(error.reason)
          #expect(isRefused, "\(what): \(error)")
        }
      }
      for call in calls { try await world.withPeer(.usEast, to: .euWest, call) }
    }

    @Test func `a region cannot speak for another one`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      // ap-south may not read it, us-east may: with ap-south's certificate there is no saying "us-east".
      let token = try await world.deployment.token()
      let request = Domicile_V1_GetRecordRequest.with {
        $0.subjectID = subject
        $0.collection = "profile"
        $0.key = "main"
        $0.purpose = "support"
      }
      let error = try await refusal {
        try await world.withPeer(.apSouth, to: .euWest) { peer in
          try await peer.execute("RecordService/GetRecord", request, token: token, as: Domicile_V1_GetRecordResponse.self)
        }
      }
      #expect(error.reason == "POLICY_DENIED")
      let leaf = try await world.event(of: error)
      #expect(leaf.requester.region == .apSouth)
      #expect(leaf.requester.jurisdiction?.rawValue == "IN")
    }

    @Test func `only a registration may be passed on late, within a day, and by a token that held when the app called`()
      async throws
    {
      let world = try await World.shared()
      let hour: TimeInterval = 3_600
      let expired = try await world.deployment.token(lifetime: .seconds(600), issuedAt: Date() - 2 * hour)
      let subject = freshSubject("late")
      let request = Domicile_V1_RegisterSubjectRequest.with {
        $0.subjectID = subject
        $0.homeRegion = "eu-west"
        $0.residence.country = "DE"
      }
      func register(_ acceptedAt: Date?) async throws -> Domicile_V1_RegisterSubjectResponse {
        try await world.withPeer(.usEast, to: .euWest) {
          try await $0.execute("SubjectService/RegisterSubject", request, token: expired, acceptedAt: acceptedAt)
        }
      }
      // Not with a token that is over, nor with one that had not begun, or was over, at that time.
      for moment in [nil, Date() - 3 * hour, Date() - hour] as [Date?] {
        #expect(try await refusal { try await register(moment) }.code == .unauthenticated)
      }
      for moment in [Date() - 25 * hour, Date() + hour] {
        #expect(try await refusal { try await register(moment) }.reason == "INVALID_ARGUMENT")
      }
      let read = Domicile_V1_GetSubjectRequest.with {
        $0.subjectID = subject
        $0.purpose = "service"
      }
      let late = try await refusal {
        try await world.withPeer(.usEast, to: .euWest) {
          try await $0.execute(
            "SubjectService/GetSubject", read, token: expired, acceptedAt: Date() - 2 * hour + 60,
            as: Domicile_V1_GetSubjectResponse.self)
        }
      }
      #expect(late.reason == "INVALID_ARGUMENT")
      #expect(try await register(Date() - 2 * hour + 60).subject.homeRegion == "eu-west")
    }

    @Test func `no region but the one that keeps the id may ask an account to give it up`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject("kept")
      try await home.register(subject)
      let token = try await world.deployment.token("operator:test", purposes: [], roles: [.operator])
      let request = Domicile_Peer_V1_YieldAccountRequest.with {
        $0.subjectID = subject
        $0.keepRegion = "us-east"
        $0.account.region = "eu-west"
        $0.account.fate = .erased
      }
      func ask(as region: RegionID) async throws -> ConnectError {
        try await refusal {
          try await world.withPeer(region, to: .euWest) {
            try await $0.execute(
              "domicile.peer.v1.PeerService/YieldAccount", request, token: token, as: Domicile_Peer_V1_YieldAccountResponse.self)
          }
        }
      }
      #expect(try await ask(as: .apSouth).reason == "PEER_NOT_TRUSTED")
      // And not that one either where nothing says that it has a part in it.
      let stale = try await ask(as: .usEast)
      #expect(stale.reason == "STALE_DIRECTORY")
      #expect(try await world.event(of: stale).activity == .resolveContest)
    }

    @Test func `a region is not spoken to where another one answers`() async throws {
      let world = try await World.shared()
      let error = try await refusal {
        try await world.withPeer(showing: world.deployment.state.peerIdentity(of: .apSouth), to: .usEast, expecting: .euWest) {
          peer in
          try await peer.call("Hello", Domicile_Peer_V1_HelloRequest(), as: Domicile_Peer_V1_HelloResponse.self)
        }
      }
      #expect(error.code == .unavailable)
      #expect(error.reason == "PEER_IDENTITY_MISMATCH")
    }

    @Test func `what a region acknowledges is noted for itself alone`() async throws {
      let world = try await World.shared()
      // us-east's certificate, speaking of a log that nobody else will ever mention.
      let position = Domicile_Peer_V1_Position.with {
        $0.origin = 60_000
        $0.incarnation = 1
        $0.seq = 7
      }
      try await world.withPeer(.usEast, to: .euWest) { peer in
        _ = try await peer.call(
          "Acknowledge", Domicile_Peer_V1_AcknowledgeRequest.with { $0.applied = [position] },
          as: Domicile_Peer_V1_AcknowledgeResponse.self)
      }
      let rows = try await world.deployment.sql(.euWest, "SELECT peer FROM peer_ack WHERE origin = 60000")
      #expect(try rows.map { try $0.int32(0) } == [1])
    }

    private let calls: [@Sendable (PeerCaller) async throws -> Void] = [
      { _ = try await $0.call("Hello", Domicile_Peer_V1_HelloRequest(), as: Domicile_Peer_V1_HelloResponse.self) },
      {
        _ = try await $0.call(
          "Pull",
          Domicile_Peer_V1_PullRequest.with {
            $0.origin = 2
            $0.incarnation = 1
            $0.from = 1
          }, as: Domicile_Peer_V1_PullResponse.self)
      },
      { _ = try await $0.call("Ring", Domicile_Peer_V1_RingRequest(), as: Domicile_Peer_V1_RingResponse.self) },
    ]

    /// Of the deployment's own authority, for a region that no file describes.
    private func unlisted(_ world: World) throws -> StateFolder.KeyPair {
      let authority = try #require(CertifiedKey.read(world.deployment.state.authority))
      let region = try #require(RegionID("eu-south"))
      let uri = PeerIdentity(region: region).uri
      let profile = LeafProfile(
        kind: .peer, region: region, names: [.uniformResourceIdentifier(uri), .dnsName("localhost")],
        usages: [.serverAuth, .clientAuth])
      let files = StateFolder(world.deployment.path("unlisted")).peerIdentity(of: region)
      try authority.issue(profile, now: .now, lifetime: .seconds(3_600)).write(to: files)
      return files
    }
  }
}
