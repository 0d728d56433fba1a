import NIOSSL

/// A certificate or key file that is missing or cannot be read.
package struct TLSFileError: Error, Equatable, CustomStringConvertible {
  package let path: String?
  package let what: String

  package init(path: String?, what: String) {
    self.path = path
    self.what = what
  }

  package var description: String {
    guard let path else { return "TLS needs \(what), and no file is configured." }
    return "\(path) holds no \(what) in PEM, or cannot be read."
  }
}

enum TLSFiles {
  static func certificates(_ path: String) throws(TLSFileError) -> [NIOSSLCertificate] {
    guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
      throw TLSFileError(path: path, what: "certificate")
    }
    return certificates
  }

  static func chain(_ path: String) throws(TLSFileError) -> [NIOSSLCertificateSource] {
    try certificates(path).map { .certificate($0) }
  }

  static func privateKey(_ path: String) throws(TLSFileError) -> NIOSSLPrivateKeySource {
    do {
      return .privateKey(try NIOSSLPrivateKey(file: path, format: .pem))
    } catch {
      throw TLSFileError(path: path, what: "private key")
    }
  }
}
