internal import COpenSSL

/// HKDF with SHA-256, extract and expand (RFC 5869).
package enum HKDF {
  /// RFC 5869, 2.3: 255 blocks of the hash.
  package static let countMax = 255 * SHA256.byteCount

  /// - Throws: ``CryptographyError/lengthOutOfRange(of:actual:)`` for an empty key, or where `count` is not 1 to ``countMax``.
  package static func derive(key: [UInt8], salt: [UInt8], info: [UInt8], count: Int) throws(CryptographyError) -> [UInt8] {
    guard !key.isEmpty else { throw .lengthOutOfRange(of: "a key", actual: 0) }
    guard (1...countMax).contains(count) else { throw .lengthOutOfRange(of: "a derived key", actual: count) }
    let context = EVP_KDF_CTX_new(Algorithms.hkdf.pointer)
    defer { EVP_KDF_CTX_free(context) }
    // RFC 5869, 2.2: no salt is a salt of zeros, as long as the hash.
    let salt = salt.isEmpty ? [UInt8](repeating: 0, count: SHA256.byteCount) : salt
    var derived = [UInt8](repeating: 0, count: count)
    let result = COpenSSL_HKDF_SHA256(context, key, key.count, salt, salt.count, info, info.count, &derived, count)
    guard result == 1 else { throw .failed("HKDF") }
    return derived
  }
}
