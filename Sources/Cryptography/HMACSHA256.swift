internal import COpenSSL
import Synchronization

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

extension HMACSHA256 {
  /// HMAC under one key, of many messages: the key is made ready once, which takes longer than a short message does.
  package final class Keyed: Sendable {
    private struct Context: @unchecked Sendable { let pointer: OpaquePointer? }

    private let context: Mutex<Context>

    package init(key: [UInt8]) {
      let context = Context(pointer: EVP_MAC_CTX_dup(Algorithms.hmacSHA256.pointer))
      let isReady = (key.isEmpty ? [0] : key).withUnsafeBufferPointer {
        EVP_MAC_init(context.pointer, $0.baseAddress, key.count, nil) == 1
      }
      precondition(isReady, "OpenSSL could not take a key")
      self.context = Mutex(context)
    }

    deinit { context.withLock { EVP_MAC_CTX_free($0.pointer) } }

    package func code(for bytes: [UInt8]) -> [UInt8] {
      context.withLock { context in
        var code = [UInt8](repeating: 0, count: byteCount)
        var written = 0
        // No key: that of before.
        let isDone =
          EVP_MAC_init(context.pointer, nil, 0, nil) == 1 && EVP_MAC_update(context.pointer, bytes, bytes.count) == 1
          && EVP_MAC_final(context.pointer, &code, &written, code.count) == 1
        precondition(isDone && written == byteCount, "OpenSSL could not authenticate")
        return code
      }
    }
  }
}

/// Whether two byte strings are the same, in a time that depends on their lengths only.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
