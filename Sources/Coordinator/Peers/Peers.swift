import ConnectRPC
package import Residency

/// The other regions, each over mutual TLS: a server that cannot show the region's own certificate is not spoken to.
package final class Peers: Sendable {
  private let clients: [RegionID: ConnectClient]

  /// - Parameter routes: where a region is reached from here, if not at the address in its file.
  /// - Throws: what reading the certificates throws.
  package init(
    catalog: RegionCatalog, local: RegionID, tls: PeerTLSFiles, routes: [RegionID: HTTPSOrigin] = [:]
  ) throws {
    var clients: [RegionID: ConnectClient] = [:]
    for region in catalog.members where region.id != local {
      let identity = PeerIdentity(region: region.id)
      clients[region.id] = try ConnectClient(
        baseURL: (routes[region.id] ?? region.peer.url).text,
        tls: ClientTLS(
          trustRootsPEMPath: tls.trustRoots, certificateChainPEMPath: tls.certificate, privateKeyPEMPath: tls.key,
          expectedServerURI: identity.uri))
    }
    self.clients = clients
  }

  subscript(region: RegionID) -> ConnectClient? { clients[region] }

  package func shutdown() async {
    for client in clients.values {
      do { try await client.shutdown() } catch { continue }
    }
  }
}

/// What this region shows to other regions, and whose signature it wants to see on what they show. Paths of PEM files.
package struct PeerTLSFiles: Sendable {
  package let trustRoots: String
  package let certificate: String
  package let key: String

  package init(trustRoots: String, certificate: String, key: String) {
    self.trustRoots = trustRoots
    self.certificate = certificate
    self.key = key
  }
}
