import FoundationEssentials

/// What a private cluster shows on TCP, as a region's cluster does that is entered over a network: PEM files, for the name `localhost`.
package struct ClusterTLS: Sendable {
  let certificate: String
  let key: String
  /// Whose certificates are trusted by those who enter.
  let authority: String

  package init(certificate: String, key: String, authority: String) {
    self.certificate = certificate
    self.key = key
    self.authority = authority
  }

  /// Copies the files to where the server's user may read them.
  func install(in layout: ClusterFolder) throws(PrivatePostgresError) {
    for (source, copy) in [
      (certificate, layout.serverCertificate), (key, layout.serverKey), (authority, layout.trustedAuthority),
    ] {
      guard let content = FileManager.default.contents(atPath: source) else {
        throw PrivatePostgresError("\(source) could not be read", because: "it is not there", remedy: "Make it: domicile certs.")
      }
      try layout.write(String(decoding: content, as: UTF8.self), to: copy, forServer: true)
    }
  }
}
