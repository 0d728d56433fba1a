package import Residency
import SwiftASN1
import X509

/// Which region a peer's certificate speaks for.
///
/// Only the name is read here. That the certificate is of the deployment's CA, is in its validity and belongs to the other end
/// of the connection, TLS has verified before.
package struct PeerIdentity: Sendable, Hashable {
  package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
    case notCertificate
    /// A CA's certificate names no workload (SPIFFE X.509-SVID, 4.1).
    case isAuthority
    /// There must be exactly one URI (SPIFFE X.509-SVID, 2).
    case uriCount(Int)
    case notRegion

    package var description: String {
      switch self {
      case .notCertificate: "the peer's certificate cannot be read"
      case .isAuthority: "the peer's certificate is a CA's"
      case .uriCount(let count): "the peer's certificate has \(count) URIs where one names its region"
      case .notRegion: "the peer's certificate is not of the form \(PeerIdentity.uriPrefix)<region>"
      }
    }
  }

  /// The trust domain and the path before a region's name.
  static let uriPrefix = "spiffe://domicile/region/"

  package let region: RegionID

  package init(region: RegionID) { self.region = region }

  /// - Parameter der: the leaf certificate of a connection that TLS has accepted.
  package init(certificate der: [UInt8]) throws(Failure) {
    let certificate: Certificate
    let constraints: BasicConstraints?
    let names: SubjectAlternativeNames?
    do {
      certificate = try Certificate(derEncoded: der)
      constraints = try certificate.extensions.basicConstraints
      names = try certificate.extensions.subjectAlternativeNames
    } catch {
      throw .notCertificate
    }
    if case .isCertificateAuthority = constraints { throw .isAuthority }
    let uris = (names ?? SubjectAlternativeNames()).compactMap { name -> String? in
      guard case .uniformResourceIdentifier(let uri) = name else { return nil }
      return uri
    }
    guard let uri = uris.first, uris.count == 1 else { throw .uriCount(uris.count) }
    guard uri.hasPrefix(Self.uriPrefix), let region = RegionID(String(uri.dropFirst(Self.uriPrefix.count))) else {
      throw .notRegion
    }
    self.region = region
  }

  /// The URI that stands in the region's certificate.
  package var uri: String { Self.uriPrefix + region.rawValue }
}
