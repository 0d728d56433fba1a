import ConnectRPC
import Foundation
import NIOSSL

/// Two authorities and certificates of theirs, made by openssl in a folder that is removed afterwards.
struct TestCertificates: Sendable {
  let folder: URL

  static let serverURI = "spiffe://domicile/region/eu-west"
  static let clientURI = "spiffe://domicile/region/us-east"

  static func run<Value: Sendable>(_ body: @Sendable (TestCertificates) async throws -> Value) async throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appending(path: "connect-rpc-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let certificates = TestCertificates(folder: folder)
    try certificates.makeAuthority("ca")
    try certificates.makeAuthority("foreign-ca")
    let hosts = "DNS:localhost,IP:127.0.0.1"
    try certificates.issue("server", by: "ca", names: "\(hosts),URI:\(serverURI)")
    try certificates.issue("client", by: "ca", names: "URI:\(clientURI)")
    try certificates.issue("foreign-client", by: "foreign-ca", names: "URI:\(clientURI)")
    return try await body(certificates)
  }

  func path(_ name: String) -> String { folder.appending(path: name).path }

  func serverTLS(_ clientCertificate: ServerTLS.ClientCertificate = .none) -> ServerTLS {
    ServerTLS(
      certificateChainPEMPath: path("server.pem"), privateKeyPEMPath: path("server.key"), trustRootsPEMPath: path("ca.pem"),
      clientCertificate: clientCertificate)
  }

  func clientTLS(
    _ certificate: String? = "client", roots: String = "ca", expecting uri: String? = nil,
    verify: (@Sendable ([UInt8]) -> Bool)? = nil
  ) -> ClientTLS {
    ClientTLS(
      trustRootsPEMPath: path("\(roots).pem"), certificateChainPEMPath: certificate.map { path("\($0).pem") },
      privateKeyPEMPath: certificate.map { path("\($0).key") }, expectedServerURI: uri, verifyPeer: verify)
  }

  /// For a client that knows nothing of Connect.
  func rawTLS(_ certificate: String? = nil) throws -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .file(path("ca.pem"))
    if let certificate {
      tls.certificateChain = try NIOSSLCertificate.fromPEMFile(path("\(certificate).pem")).map { .certificate($0) }
      tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: path("\(certificate).key"), format: .pem))
    }
    return tls
  }

  func der(_ name: String) throws -> [UInt8] {
    try NIOSSLCertificate.fromPEMFile(path("\(name).pem"))[0].toDERBytes()
  }

  private func makeAuthority(_ name: String) throws {
    try openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
      "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", path("\(name).key"), "-out", path("\(name).pem"))
  }

  private func issue(_ name: String, by authority: String, names: String) throws {
    try openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
      "-CA", path("\(authority).pem"), "-CAkey", path("\(authority).key"), "-addext", "basicConstraints=critical,CA:FALSE",
      "-addext", "subjectAltName=\(names)", "-keyout", path("\(name).key"), "-out", path("\(name).pem"))
  }

  private func openssl(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw OpenSSLFailed(arguments: arguments) }
  }
}

struct OpenSSLFailed: Error {
  let arguments: [String]
}
