internal import COpenSSL

/// Bytes that nobody can predict.
package enum SecureRandom {
  /// - Throws: ``CryptographyError/randomnessUnavailable``, or ``CryptographyError/lengthOutOfRange(of:actual:)`` for a
  ///   negative count or one over 2 GiB.
  package static func bytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
    guard let length = Int32(exactly: count), length >= 0 else { throw .lengthOutOfRange(of: "randomness", actual: count) }
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_priv_bytes(&bytes, length) == 1 else {
      ERR_clear_error()
      throw .randomnessUnavailable
    }
    return bytes
  }
}
