import ConnectRPC
package import Residency

/// The other regions, each over mutual TLS: a server that cannot show the region's own certificate is not spoken to.
package final class Peers: Sendable {
  private let clients: [RegionID: ConnectClient]

  /// - Throws: what reading the certificates throws.
  package init(catalog: RegionCatalog, local: RegionID, tls: PeerTLSFiles) throws {
    var clients: [RegionID: ConnectClient] = [:]
    for region in catalog.regions where region.id != local {
      let identity = PeerIdentity(region: region.id)
      clients[region.id] = try ConnectClient(
        baseURL: region.peer.url.text,
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
