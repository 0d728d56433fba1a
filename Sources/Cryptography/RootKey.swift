import Synchronization

/// A key that does nothing itself: others are derived from it (HKDF, RFC 5869). What was made with it last is kept, since the same is
/// mostly asked for again: deriving takes as long as four hashes.
package final class RootKey: Sendable {
  private struct Code {
    let number: Int
    let bytes: [UInt8]
    let code: SHA256Digest
  }

  private let key: SymmetricKey
  private let last = Mutex<Code?>(nil)

  package init(_ key: SymmetricKey) { self.key = key }

  /// - Parameter purpose: HKDF's `info`: two purposes have two keys, of which neither tells anything about the other.
  private func derived(for purpose: String) throws(CryptographyError) -> SymmetricKey {
    let bytes = try HKDF.derive(
      key: key.withBytes { [UInt8]($0) }, salt: [], info: Array(purpose.utf8), count: SymmetricKey.byteCount)
    guard let derived = SymmetricKey(bytes: bytes) else { throw .libraryFailure(operation: "HKDF") }
    return derived
  }

  /// HMAC-SHA-256 of `bytes` under the key that is derived for a purpose (HKDF's `info`).
  /// - Parameter number: the purpose's own: what was made last is found by it, so two purposes with one number would have one code.
  package func code(
    for bytes: UnsafeRawBufferPointer, number: Int, purpose: @autoclosure () -> String
  ) throws(CryptographyError) -> SHA256Digest {
    let known = last.withLock { $0.flatMap { $0.number == number && bytes.elementsEqual($0.bytes) ? $0.code : nil } }
    if let known { return known }
    let bytes = [UInt8](bytes)
    guard let code = SHA256Digest(HMACSHA256.code(for: bytes, key: try derived(for: purpose()).withBytes { [UInt8]($0) })) else {
      throw .libraryFailure(operation: "HMAC")
    }
    last.withLock { $0 = Code(number: number, bytes: bytes, code: code) }
    return code
  }
}
