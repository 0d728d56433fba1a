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
