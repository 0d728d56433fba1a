import NIOSSL

/// The server's certificate, and which client certificates it asks for.
package struct ServerTLS: Sendable {
  package enum ClientCertificate: Sendable {
    /// No client certificate is asked for.
    case none
    /// A client may present a certificate; one that does not verify is refused.
    case optional
    /// A client without a certificate that verifies is refused in the handshake.
    case required
  }

  package var certificateChainPEMPath: String
  package var privateKeyPEMPath: String
  /// The authorities whose client certificates are accepted; needed unless `clientCertificate` is `.none`.
  package var trustRootsPEMPath: String?
  package var clientCertificate: ClientCertificate

  package init(
    certificateChainPEMPath: String, privateKeyPEMPath: String, trustRootsPEMPath: String? = nil,
    clientCertificate: ClientCertificate = .none
  ) {
    self.certificateChainPEMPath = certificateChainPEMPath
    self.privateKeyPEMPath = privateKeyPEMPath
    self.trustRootsPEMPath = trustRootsPEMPath
    self.clientCertificate = clientCertificate
  }

  /// - Throws: `TLSFileError` where a file cannot be read.
  func configuration() throws -> TLSConfiguration {
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try TLSFiles.chain(certificateChainPEMPath), privateKey: try TLSFiles.privateKey(privateKeyPEMPath))
    tls.minimumTLSVersion = .tlsv12
    switch clientCertificate {
    case .none:
      tls.certificateVerification = .none
    case .optional, .required:
      guard let trustRootsPEMPath else { throw TLSFileError(path: nil, what: "trust roots for client certificates") }
      // Never the system's roots: any certificate of the web would then be a peer.
      tls.trustRoots = .certificates(try TLSFiles.certificates(trustRootsPEMPath))
      tls.certificateVerification = clientCertificate == .required ? .noHostnameVerification : .optionalVerification
    }
    return tls
  }
}
