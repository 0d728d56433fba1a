internal import COpenSSL

/// A key of 256 bits. Its bytes are wiped from memory with the last copy, and no description shows them.
package struct SymmetricKey: Sendable, CustomStringConvertible, CustomReflectable {
  package static let byteCount = 32

  /// `@unchecked Sendable`: written in `init`, only read until `deinit`.
  private final class Storage: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ source: UnsafeRawBufferPointer) {
      bytes = .allocate(byteCount: SymmetricKey.byteCount, alignment: 16)
      bytes.copyMemory(from: source)
    }

    deinit {
      OPENSSL_cleanse(bytes.baseAddress, bytes.count)
      bytes.deallocate()
    }
  }

  private let storage: Storage

  /// - Returns: `nil` unless there are exactly 32 bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    storage = bytes.withUnsafeBytes { Storage($0) }
  }

  private init(storage: Storage) { self.storage = storage }

  package static func random() throws(CryptographyError) -> SymmetricKey {
    var bytes = try SecureRandom.bytes(byteCount)
    let storage = bytes.withUnsafeBytes { Storage($0) }
    bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
    return SymmetricKey(storage: storage)
  }

  /// The bytes, for wrapping under another key or for deriving; they must not be kept.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeRawBufferPointer(storage.bytes))
  }

  package var description: String { "SymmetricKey(256 bits)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
