import NIOHPACK
package import NIOSSL

/// Where calls go, and as whom.
package struct LoadTarget: Sendable {
  package let host: String
  package let port: Int
  /// For each protocol, by whether calls share a connection.
  private let tls: (http1: NIOSSLContext, http2: NIOSSLContext)
  private let token: String
  private let codec: LoadCodec

  /// - Parameter authority: a PEM file: whose certificates are trusted.
  /// - Throws: what reading it throws.
  package init(host: String, port: Int, authority: String, token: String, codec: LoadCodec) throws {
    self.host = host
    self.port = port
    self.token = token
    self.codec = codec
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authority))
    func context(_ application: String) throws -> NIOSSLContext {
      configuration.applicationProtocols = [application]
      return try NIOSSLContext(configuration: configuration)
    }
    tls = (try context("http/1.1"), try context("h2"))
  }

  func tls(multiplexed: Bool) -> NIOSSLContext { multiplexed ? tls.http2 : tls.http1 }

  /// A whole HTTP/1.1 request head.
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

  /// The head of an HTTP/2 request.
  func headers(path: String, bodyCount: Int) -> HPACKHeaders {
    [
      ":method": "POST", ":scheme": "https", ":authority": "\(host):\(port)", ":path": path,
      "authorization": "Bearer \(token)", "content-type": codec.contentType, "content-length": String(bodyCount),
    ]
  }
}
