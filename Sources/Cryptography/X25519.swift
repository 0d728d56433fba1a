internal import COpenSSL

/// Key agreement on Curve25519 (RFC 7748).
package enum X25519 {
  package static let byteCount = 32

  /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)`` unless the private key has 32 bytes.
  package static func publicKey(of privateKey: [UInt8]) throws(CryptographyError) -> [UInt8] {
    try handle(privateKey: privateKey).publicBytes()
  }

  /// The secret that both sides compute; it goes through ``HKDF`` before it is a key.
  /// - Throws: ``CryptographyError/libraryFailure(operation:)`` for a public key of small order, whose secret everyone knows.
  package static func sharedSecret(privateKey: [UInt8], publicKey: [UInt8]) throws(CryptographyError) -> [UInt8] {
    guard publicKey.count == byteCount else {
      throw .wrongLength(of: "an X25519 public key", expected: byteCount, actual: publicKey.count)
    }
    let own = try handle(privateKey: privateKey)
    let other = try KeyHandle(.x25519, publicBytes: publicKey)
    let context = EVP_PKEY_CTX_new_from_pkey(nil, own.pointer, nil)
    defer { EVP_PKEY_CTX_free(context) }
    var secret = [UInt8](repeating: 0, count: byteCount)
    var count = secret.count
    guard EVP_PKEY_derive_init(context) == 1, EVP_PKEY_derive_set_peer(context, other.pointer) == 1,
      EVP_PKEY_derive(context, &secret, &count) == 1, count == byteCount
    else { throw .failed("X25519") }
    return secret
  }

  private static func handle(privateKey: [UInt8]) throws(CryptographyError) -> KeyHandle {
    guard privateKey.count == byteCount else {
      throw .wrongLength(of: "an X25519 private key", expected: byteCount, actual: privateKey.count)
    }
    return try KeyHandle(.x25519, privateBytes: privateKey)
  }
}
