internal import COpenSSL

/// What can go wrong in an operation on keys and sealed bytes. No case carries a key, a plaintext or a ciphertext.
package enum CryptographyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A key, seed or public key of another length than the algorithm's.
  case wrongLength(of: String, expected: Int, actual: Int)
  /// More bytes were asked for, or given, than the algorithm allows.
  case lengthOutOfRange(of: String, actual: Int)
  /// The sealed bytes are not what this key sealed with this additional data: changed, cut off, or of another key.
  case authenticationFailed
  /// The operating system gives no randomness.
  case randomnessUnavailable
  /// OpenSSL refused: an algorithm that no loaded provider has, or no memory.
  case libraryFailure(operation: String)

  package var description: String {
    switch self {
    case .wrongLength(let what, let expected, let actual): "\(what) must have \(expected) bytes, not \(actual)"
    case .lengthOutOfRange(let what, let actual): "\(what) cannot have \(actual) bytes"
    case .authenticationFailed: "the sealed bytes do not belong to this key and context"
    case .randomnessUnavailable: "the operating system gives no randomness"
    case .libraryFailure(let operation): "OpenSSL refused \(operation)"
    }
  }

  /// The error for an OpenSSL call that failed. Empties the thread's error queue, which libpq's TLS would otherwise read as
  /// its own.
  static func failed(_ operation: String) -> CryptographyError {
    ERR_clear_error()
    return .libraryFailure(operation: operation)
  }
}
