import Synchronization

/// A key that does nothing itself: others are derived from it (HKDF, RFC 5869). The one derived last is kept, since the same is mostly
/// asked for again: deriving takes as long as four hashes.
package final class RootKey: Sendable {
  private let key: SymmetricKey
  private let last = Mutex<(purpose: String, key: SymmetricKey)?>(nil)

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
}
