internal import COpenSSL

/// HMAC-SHA-256 (RFC 2104, FIPS 198-1).
package enum HMACSHA256 {
  package static let byteCount = 32

  package static func code(for bytes: [UInt8], key: [UInt8]) -> [UInt8] {
    let context = EVP_MAC_CTX_dup(Algorithms.hmacSHA256.pointer)
    defer { EVP_MAC_CTX_free(context) }
    var code = [UInt8](repeating: 0, count: byteCount)
    var written = 0
    // OpenSSL takes a null key to mean "the key of before": an empty key still needs an address.
    let isDone = (key.isEmpty ? [0] : key).withUnsafeBufferPointer { keyBuffer in
      EVP_MAC_init(context, keyBuffer.baseAddress, key.count, nil) == 1
        && EVP_MAC_update(context, bytes, bytes.count) == 1
        && EVP_MAC_final(context, &code, &written, code.count) == 1
    }
    precondition(isDone && written == byteCount, "OpenSSL could not authenticate")
    return code
  }

  /// Whether `code` belongs to `bytes` under `key`. Takes as long for a wrong code as for a right one.
  package static func isValid(_ code: [UInt8], for bytes: [UInt8], key: [UInt8]) -> Bool {
    constantTimeEqual(code, self.code(for: bytes, key: key))
  }
}

/// Whether two byte strings are the same, in a time that depends on their lengths only.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
