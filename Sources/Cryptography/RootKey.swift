import Synchronization

/// A key that does nothing itself: others are derived from it (HKDF, RFC 5869). What was made with it last is kept, since the same is
/// mostly asked for again: deriving takes as long as four hashes.
package final class RootKey: Sendable {
  private let key: SymmetricKey
  private let last = Mutex<(purpose: String, key: SymmetricKey)?>(nil)
  private let lastCode = Mutex<(purpose: String, bytes: [UInt8], code: [UInt8])?>(nil)

  package init(_ key: SymmetricKey) { self.key = key }

  /// - Parameter purpose: HKDF's `info`: two purposes have two keys, of which neither tells anything about the other.
  package func derived(for purpose: String) throws(CryptographyError) -> SymmetricKey {
    if let last = last.withLock({ $0 }), last.purpose == purpose { return last.key }
    let bytes = try HKDF.derive(
      key: key.withBytes { [UInt8]($0) }, salt: [], info: Array(purpose.utf8), count: SymmetricKey.byteCount)
    guard let derived = SymmetricKey(bytes: bytes) else { throw .libraryFailure(operation: "HKDF") }
    last.withLock { $0 = (purpose, derived) }
    return derived
  }

  /// HMAC-SHA-256 of `bytes` under the key ``derived(for:)`` a purpose.
  package func code(for bytes: [UInt8], purpose: String) throws(CryptographyError) -> [UInt8] {
    if let last = lastCode.withLock({ $0 }), last.purpose == purpose, last.bytes == bytes { return last.code }
    let code = HMACSHA256.code(for: bytes, key: try derived(for: purpose).withBytes { [UInt8]($0) })
    lastCode.withLock { $0 = (purpose, bytes, code) }
    return code
  }
}
