import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import Foundation
import Residency
import SwiftProtobuf
import Testing

/// Speaks to a region's peer service as another region's coordinator does.
struct PeerCaller: Sendable {
  let client: ConnectClient

  func call<Request: Message, Response: Message>(
    _ method: String, _ request: Request, as response: Response.Type = Response.self
  ) async throws(ConnectError) -> Response {
    try await client.call("domicile.peer.v1.PeerService", method, request, timeout: .seconds(20))
  }

  /// Passes on a call of an app's.
  func execute<Request: Message, Response: Message>(
    _ procedure: String, _ request: Request, token: String, epoch: UInt64 = 1, acceptedAt: Date? = nil,
    as response: Response.Type = Response.self
  ) async throws -> Response {
    let answer: Domicile_Peer_V1_ExecuteResponse = try await call(
      "Execute",
      Domicile_Peer_V1_ExecuteRequest.with {
        $0.procedure = procedure.hasPrefix("domicile.") ? procedure : "domicile.v1.\(procedure)"
        $0.request = try request.serializedData()
        $0.token = token
        $0.directoryEpoch = epoch
        $0.acceptedAt = acceptedAt.map { UInt64($0.timeIntervalSince1970 * 1_000) } ?? 0
      })
    return try Response(serializedBytes: answer.response)
  }
}

extension World {
  /// Runs `body` with a connection to `region` on which the caller shows `certificate`.
  /// - Parameter expecting: the region that the server has to be; `nil` for whoever it is.
  func withPeer<Answer: Sendable>(
    showing certificate: StateFolder.KeyPair?, to region: RegionID, expecting: RegionID? = nil,
    _ body: (PeerCaller) async throws -> Answer
  ) async throws -> Answer {
    guard let descriptor = deployment.catalog[region] else { throw TestDeployment.Failure.noCluster(region) }
    let client = try ConnectClient(
      baseURL: descriptor.peer.url.text,
      tls: ClientTLS(
        trustRootsPEMPath: deployment.state.authority.certificate, certificateChainPEMPath: certificate?.certificate,
        privateKeyPEMPath: certificate?.key, expectedServerURI: expecting.map { PeerIdentity(region: $0).uri }),
      limits: Self.patient)
    do {
      let answer = try await body(PeerCaller(client: client))
      try await client.shutdown()
      return answer
    } catch {
      try await client.shutdown()
      throw error
    }
  }

  /// As `region`'s coordinator, which whoever has broken into it can do.
  func withPeer<Answer: Sendable>(
    _ region: RegionID, to other: RegionID, _ body: (PeerCaller) async throws -> Answer
  ) async throws -> Answer {
    try await withPeer(showing: deployment.state.peerIdentity(of: region), to: other, expecting: other, body)
  }
}
