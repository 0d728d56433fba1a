import NIOSSL

/// Whom a client trusts, and how it proves who it is.
package struct ClientTLS: Sendable {
  /// The authorities that may certify the server; `nil` for those of the system.
  package var trustRootsPEMPath: String?
  /// The client's certificate for mutual TLS, with its chain; `nil` for none.
  package var certificateChainPEMPath: String?
  package var privateKeyPEMPath: String?
  /// A URI that the server's certificate has to have among its alternative names, beside its host name, such as
  /// `spiffe://domicile/region/eu-west`.
  package var expectedServerURI: String?
  /// A further check of the server's certificate, given in DER. It runs on an event loop and must not block.
  package var verifyPeer: (@Sendable ([UInt8]) -> Bool)?

  package init(
    trustRootsPEMPath: String? = nil, certificateChainPEMPath: String? = nil, privateKeyPEMPath: String? = nil,
    expectedServerURI: String? = nil, verifyPeer: (@Sendable ([UInt8]) -> Bool)? = nil
  ) {
    self.trustRootsPEMPath = trustRootsPEMPath
    self.certificateChainPEMPath = certificateChainPEMPath
    self.privateKeyPEMPath = privateKeyPEMPath
    self.expectedServerURI = expectedServerURI
    self.verifyPeer = verifyPeer
  }

  /// - Throws: ``TLSFileError`` where a file cannot be read.
  func configuration() throws(TLSFileError) -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    tls.certificateVerification = .fullVerification
    if let trustRootsPEMPath { tls.trustRoots = .certificates(try TLSFiles.certificates(trustRootsPEMPath)) }
    if let certificateChainPEMPath {
      guard let privateKeyPEMPath else { throw TLSFileError(path: nil, what: "the client certificate's private key") }
      tls.certificateChain = try TLSFiles.chain(certificateChainPEMPath)
      tls.privateKey = try TLSFiles.privateKey(privateKeyPEMPath)
    }
    return tls
  }

  var checksIdentity: Bool { expectedServerURI != nil || verifyPeer != nil }

  /// - Parameter leaf: the server's certificate, already verified against the trust roots and the host name.
  func accepts(_ leaf: NIOSSLCertificate?) -> Bool {
    guard let leaf else { return false }
    if let expectedServerURI {
      let names = leaf._subjectAlternativeNames()
      let expected = Array(expectedServerURI.utf8)
      guard names.contains(where: { $0.nameType == .uri && Array($0.contents) == expected }) else { return false }
    }
    guard let verifyPeer else { return true }
    guard let der = try? leaf.toDERBytes() else { return false }
    return verifyPeer(der)
  }
}

/// The server's certificate verified, but names somebody else than expected.
struct UnexpectedServerIdentity: Error {}
