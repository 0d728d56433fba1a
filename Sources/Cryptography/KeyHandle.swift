internal import COpenSSL

/// An `EVP_PKEY`, freed with its last owner.
///
/// `@unchecked Sendable`: OpenSSL only reads a finished key; every operation has a context of its own.
final class KeyHandle: @unchecked Sendable {
  enum Algorithm: String {
    case ed25519 = "ED25519"
    case x25519 = "X25519"
  }

  let pointer: OpaquePointer

  init(_ algorithm: Algorithm, privateBytes: [UInt8]) throws(CryptographyError) {
    let made = EVP_PKEY_new_raw_private_key_ex(nil, algorithm.rawValue, nil, privateBytes, privateBytes.count)
    guard let made else { throw .failed("a private key of \(algorithm.rawValue)") }
    pointer = made
  }

  init(_ algorithm: Algorithm, publicBytes: [UInt8]) throws(CryptographyError) {
    let made = EVP_PKEY_new_raw_public_key_ex(nil, algorithm.rawValue, nil, publicBytes, publicBytes.count)
    guard let made else { throw .failed("a public key of \(algorithm.rawValue)") }
    pointer = made
  }

  deinit { EVP_PKEY_free(pointer) }

  func publicBytes() throws(CryptographyError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 32)
    var count = bytes.count
    guard EVP_PKEY_get_raw_public_key(pointer, &bytes, &count) == 1, count == 32 else { throw .failed("a public key") }
    return bytes
  }
}
