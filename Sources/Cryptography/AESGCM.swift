internal import COpenSSL

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D), with a random nonce for each message.
///
/// A key may seal 2³² messages (SP 800-38D, 8.3). Keys here belong to one subject, which never comes near.
package enum AESGCM {
  package static let nonceByteCount = 12
  package static let tagByteCount = 16
  /// What sealing adds to a message's length.
  package static let overheadByteCount = nonceByteCount + tagByteCount

  /// - Parameter additionalData: what the message belongs to; opening it needs the same.
  /// - Returns: nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes).
  package static func seal(
    _ plaintext: [UInt8], key: SymmetricKey, additionalData: [UInt8]
  ) throws(CryptographyError) -> [UInt8] {
    try seal(plaintext, key: key, nonce: try SecureRandom.bytes(nonceByteCount), additionalData: additionalData)
  }

  /// As ``seal(_:key:additionalData:)``, with the next of many nonces.
  package static func seal(
    _ plaintext: [UInt8], key: SymmetricKey, additionalData: [UInt8], nonces: inout Nonces
  ) throws(CryptographyError) -> [UInt8] {
    try seal(plaintext, key: key, nonce: try nonces.next(), additionalData: additionalData)
  }

  /// Random nonces, drawn together: that takes hardly longer than drawing one. It cannot be copied, so none is given twice.
  package struct Nonces: ~Copyable {
    private var bytes: [UInt8] = []
    private var place = 0
    private let drawnAtOnce: Int

    /// - Parameter count: how many will be wanted, more or less.
    package init(count: Int) { drawnAtOnce = max(1, count) }

    fileprivate mutating func next() throws(CryptographyError) -> [UInt8] {
      if place == bytes.count {
        bytes = try SecureRandom.bytes(drawnAtOnce * nonceByteCount)
        place = 0
      }
      defer { place += nonceByteCount }
      return Array(bytes[place..<place + nonceByteCount])
    }
  }

  /// With a given nonce: for published test vectors. A nonce used twice under one key gives both messages away.
  static func seal(
    _ plaintext: [UInt8], key: SymmetricKey, nonce: [UInt8], additionalData: [UInt8]
  ) throws(CryptographyError) -> [UInt8] {
    let length = try checkedLength(plaintext.count, "a message")
    let additionalLength = try checkedLength(additionalData.count, "additional data")
    let context = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(context) }
    var sealed: [UInt8] = []
    sealed.reserveCapacity(plaintext.count + overheadByteCount)
    sealed += nonce
    sealed.append(contentsOf: repeatElement(0, count: plaintext.count + tagByteCount))
    let isDone = key.withBytes { key in
      sealed.withUnsafeMutableBufferPointer { out in
        guard let start = out.baseAddress else { return false }
        var written: Int32 = 0
        var isDone =
          EVP_EncryptInit_ex2(
            context, Algorithms.aes256GCM.pointer, key.assumingMemoryBound(to: UInt8.self).baseAddress, nonce, nil) == 1
        if additionalLength > 0 {
          isDone = isDone && EVP_EncryptUpdate(context, nil, &written, additionalData, additionalLength) == 1
        }
        if length > 0 {
          isDone = isDone && EVP_EncryptUpdate(context, start + nonceByteCount, &written, plaintext, length) == 1
        }
        let tag = start + nonceByteCount + plaintext.count
        return isDone && EVP_EncryptFinal_ex(context, tag, &written) == 1
          && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagByteCount), tag) == 1
      }
    }
    guard isDone else { throw .failed("AES-256-GCM") }
    return sealed
  }

  /// - Throws: ``CryptographyError/authenticationFailed`` unless `sealed` is what ``seal(_:key:additionalData:)`` made with the
  ///   same key and additional data. Nothing of the plaintext is given out before that is known.
  package static func open(
    _ sealed: [UInt8], key: SymmetricKey, additionalData: [UInt8]
  ) throws(CryptographyError) -> [UInt8] {
    let count = sealed.count - overheadByteCount
    guard count >= 0 else { throw .authenticationFailed }
    let length = try checkedLength(count, "a message")
    let additionalLength = try checkedLength(additionalData.count, "additional data")
    let context = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(context) }
    var plaintext = [UInt8](repeating: 0, count: max(count, tagByteCount))
    var tag = Array(sealed.suffix(tagByteCount))
    let isDone = key.withBytes { key in
      sealed.withUnsafeBufferPointer { input in
        guard let start = input.baseAddress else { return false }
        var written: Int32 = 0
        var isDone =
          EVP_DecryptInit_ex2(
            context, Algorithms.aes256GCM.pointer, key.assumingMemoryBound(to: UInt8.self).baseAddress, start, nil) == 1
        if additionalLength > 0 {
          isDone = isDone && EVP_DecryptUpdate(context, nil, &written, additionalData, additionalLength) == 1
        }
        if length > 0 {
          isDone = isDone && EVP_DecryptUpdate(context, &plaintext, &written, start + nonceByteCount, length) == 1
        }
        isDone = isDone && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagByteCount), &tag) == 1
        var rest = [UInt8](repeating: 0, count: tagByteCount)
        return isDone && EVP_DecryptFinal_ex(context, &rest, &written) == 1
      }
    }
    guard isDone else {
      ERR_clear_error()
      plaintext.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
      throw .authenticationFailed
    }
    plaintext.removeLast(plaintext.count - count)
    return plaintext
  }

  private static func checkedLength(_ count: Int, _ what: String) throws(CryptographyError) -> Int32 {
    guard let length = Int32(exactly: count) else { throw .lengthOutOfRange(of: what, actual: count) }
    return length
  }
}
