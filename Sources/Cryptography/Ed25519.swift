internal import COpenSSL

/// A signing key (RFC 8032, pure Ed25519). No description shows the seed.
package struct Ed25519PrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
  package static let seedByteCount = 32
  package static let signatureByteCount = 64

  private let handle: KeyHandle
  /// The private key of RFC 8032, 5.1.5. Secret.
  package let seed: [UInt8]
  package let publicKey: Ed25519PublicKey

  /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)`` unless the seed has 32 bytes.
  package init(seed: [UInt8]) throws(CryptographyError) {
    guard seed.count == Self.seedByteCount else {
      throw .wrongLength(of: "an Ed25519 seed", expected: Self.seedByteCount, actual: seed.count)
    }
    handle = try KeyHandle(.ed25519, privateBytes: seed)
    publicKey = try Ed25519PublicKey(bytes: try handle.publicBytes())
    self.seed = seed
  }

  package static func generate() throws(CryptographyError) -> Ed25519PrivateKey {
    try Ed25519PrivateKey(seed: try SecureRandom.bytes(seedByteCount))
  }

  /// - Returns: 64 bytes. The same message gives the same signature.
  package func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    var signature = [UInt8](repeating: 0, count: Self.signatureByteCount)
    var count = signature.count
    guard EVP_DigestSignInit_ex(context, nil, nil, nil, nil, handle.pointer, nil) == 1,
      EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == Self.signatureByteCount
    else { throw .failed("an Ed25519 signature") }
    return signature
  }

  package var description: String { "Ed25519PrivateKey(of \(publicKey))" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A key that verifies what an ``Ed25519PrivateKey`` signed.
package struct Ed25519PublicKey: Hashable, Sendable, CustomStringConvertible {
  package static let byteCount = 32

  package let bytes: [UInt8]
  private let handle: KeyHandle

  /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)`` unless there are 32 bytes. Bytes that are no point of the
  ///   curve make a key under which nothing is valid.
  package init(bytes: [UInt8]) throws(CryptographyError) {
    guard bytes.count == Self.byteCount else {
      throw .wrongLength(of: "an Ed25519 public key", expected: Self.byteCount, actual: bytes.count)
    }
    handle = try KeyHandle(.ed25519, publicBytes: bytes)
    self.bytes = bytes
  }

  package func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
    guard signature.count == Ed25519PrivateKey.signatureByteCount else { return false }
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    guard EVP_DigestVerifyInit_ex(context, nil, nil, nil, nil, handle.pointer, nil) == 1,
      EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    else {
      ERR_clear_error()
      return false
    }
    return true
  }

  package static func == (left: Self, right: Self) -> Bool { left.bytes == right.bytes }
  package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
  package var description: String { "Ed25519PublicKey(\(SHA256.digest(of: bytes).description.prefix(8)))" }
}
