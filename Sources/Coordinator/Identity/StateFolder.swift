package import Residency

/// Where a development deployment keeps its certificates and keys.
package struct StateFolder: Sendable, Hashable {
  package struct KeyPair: Sendable, Hashable {
    /// PEM. World-readable.
    package let certificate: String
    /// PEM, PKCS #8. Only its owner can read it.
    package let key: String
  }

  package let path: String

  package init(_ path: String = ".domicile") {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
  }

  /// The CA of apps' and peers' connections.
  package var authority: KeyPair { KeyPair(certificate: "\(path)/ca.pem", key: "\(path)/ca.key") }
  /// The development issuer's Ed25519 key.
  package var issuerKey: String { "\(path)/issuer/key.pem" }
  /// Its public half, as a JSON Web Key Set.
  package var issuerKeySet: String { "\(path)/issuer/jwks.json" }

  /// Whose signatures count for the region's audit log (C2SP tlog-policy): for other regions and for auditors.
  package func auditTrust(of region: RegionID) -> String { "\(path)/audit-trust/\(region).txt" }

  package func folder(of region: RegionID) -> String { "\(path)/\(region)" }
  /// What the region shows to apps.
  package func appIdentity(of region: RegionID) -> KeyPair { pair("app", of: region) }
  /// What the region shows to other regions, as server and as client.
  package func peerIdentity(of region: RegionID) -> KeyPair { pair("peer", of: region) }

  private func pair(_ name: String, of region: RegionID) -> KeyPair {
    let stem = "\(folder(of: region))/tls/\(name)"
    return KeyPair(certificate: "\(stem).pem", key: "\(stem).key")
  }
}
