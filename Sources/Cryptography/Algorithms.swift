internal import COpenSSL

/// The algorithms, fetched once from whichever provider is configured (default or FIPS): a fetch costs more than a hash.
enum Algorithms {
  /// A handle to something of OpenSSL's that is never changed after it was made, and lives as long as the process.
  ///
  /// `@unchecked Sendable`: OpenSSL counts references to fetched algorithms atomically and only reads them in use.
  struct Constant: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  static let sha256 = constant(EVP_MD_fetch(nil, "SHA256", nil), "SHA-256")
  static let aes256GCM = constant(EVP_CIPHER_fetch(nil, "AES-256-GCM", nil), "AES-256-GCM")
  static let hkdf = constant(EVP_KDF_fetch(nil, "HKDF", nil), "HKDF")

  /// An HMAC context that knows its digest and has no key yet; each use works on a copy.
  static let hmacSHA256: Constant = {
    let algorithm = EVP_MAC_fetch(nil, "HMAC", nil)
    defer { EVP_MAC_free(algorithm) }
    let template = constant(EVP_MAC_CTX_new(algorithm), "HMAC")
    precondition(COpenSSL_HMAC_use_SHA256(template.pointer) == 1, "OpenSSL's provider has no HMAC-SHA-256")
    return template
  }()

  /// Without its algorithms nothing here can keep a promise, and the configuration of OpenSSL is not input: stop.
  private static func constant(_ pointer: OpaquePointer?, _ name: String) -> Constant {
    guard let pointer else { preconditionFailure("OpenSSL's provider has no \(name)") }
    return Constant(pointer: pointer)
  }
}
