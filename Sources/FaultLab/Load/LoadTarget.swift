package import NIOSSL

/// Where calls go, and as whom.
package struct LoadTarget: Sendable {
  package let host: String
  package let port: Int
  let tls: NIOSSLContext
  let token: String
  let codec: LoadCodec

  /// - Parameter authority: a PEM file: whose certificates are trusted.
  /// - Throws: what reading it throws.
  package init(host: String, port: Int, authority: String, token: String, codec: LoadCodec) throws {
    self.host = host
    self.port = port
    self.token = token
    self.codec = codec
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authority))
    configuration.applicationProtocols = ["http/1.1"]
    tls = try NIOSSLContext(configuration: configuration)
  }

  /// A whole HTTP/1.1 request head, but for what differs from call to call.
  func head(path: String, bodyCount: Int) -> String {
    """
    POST \(path) HTTP/1.1\r
    host: \(host):\(port)\r
    authorization: Bearer \(token)\r
    content-type: \(codec.contentType)\r
    content-length: \(bodyCount)\r
    \r\n
    """
  }
}
