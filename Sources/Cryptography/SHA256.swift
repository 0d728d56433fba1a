internal import COpenSSL

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
  package static let byteCount = 32

  package static func hash(_ bytes: [UInt8]) -> [UInt8] {
    digest(of: bytes).bytes
  }

  package static func digest(of bytes: [UInt8]) -> SHA256Digest {
    bytes.withUnsafeBytes { digest(prefix: nil, $0) }
  }

  /// The hash of `prefix ‖ bytes`, without putting them together: a leaf of a Merkle tree.
  package static func digest(prefix: UInt8, _ bytes: UnsafeRawBufferPointer) -> SHA256Digest {
    digest(prefix: Optional(prefix), bytes)
  }

  /// The hash of `prefix` and of what comes in pieces. Nothing is allocated.
  /// - Parameter pieces: gives each piece to the hasher, in order, and finalizes it. It hashes nothing else meanwhile.
  package static func digest<Failure>(
    prefix: UInt8, _ pieces: (consuming SHA256Hasher) throws(Failure) -> SHA256Digest
  ) throws(Failure) -> SHA256Digest {
    var hasher = SHA256Hasher(borrowing: ThreadDigestContext.current)
    withUnsafeBytes(of: prefix) { hasher.update($0) }
    return try pieces(hasher)
  }

  /// The hash of `prefix ‖ left ‖ right`: a node of a Merkle tree. Nothing is allocated.
  package static func digest(prefix: UInt8, _ left: SHA256Digest, _ right: SHA256Digest) -> SHA256Digest {
    // One contiguous message: two updates fewer for each node of a tree.
    var message: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0, 0)
    return withUnsafeMutableBytes(of: &message) { buffer in
      buffer[7] = prefix
      left.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: buffer[8..<40]).copyMemory(from: $0) }
      right.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: buffer[40..<72]).copyMemory(from: $0) }
      return digest(prefix: nil, UnsafeRawBufferPointer(rebasing: buffer[7..<72]))
    }
  }

  private static func digest(prefix: UInt8?, _ bytes: UnsafeRawBufferPointer) -> SHA256Digest {
    let context = ThreadDigestContext.current
    var isDone = EVP_DigestInit_ex2(context, Algorithms.sha256.pointer, nil) == 1
    if var prefix { isDone = EVP_DigestUpdate(context, &prefix, 1) == 1 && isDone }
    if bytes.count > 0 { isDone = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 && isDone }
    return finish(context, isDone)
  }

  fileprivate static func finish(_ context: OpaquePointer?, _ isDone: Bool) -> SHA256Digest {
    let digest = SHA256Digest { buffer in
      let isFinished = EVP_DigestFinal_ex(context, buffer.assumingMemoryBound(to: UInt8.self).baseAddress, nil) == 1
      precondition(isDone && isFinished, "OpenSSL could not hash")
    }
    return digest
  }
}

/// SHA-256 over bytes that come in pieces.
package struct SHA256Hasher: ~Copyable {
  private let context: OpaquePointer?
  private let isOwner: Bool

  package init() {
    self.init(EVP_MD_CTX_new(), isOwner: true)
  }

  fileprivate init(borrowing context: OpaquePointer?) { self.init(context, isOwner: false) }

  private init(_ context: OpaquePointer?, isOwner: Bool) {
    self.context = context
    self.isOwner = isOwner
    precondition(EVP_DigestInit_ex2(context, Algorithms.sha256.pointer, nil) == 1, "OpenSSL could not hash")
  }

  deinit { if isOwner { EVP_MD_CTX_free(context) } }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "OpenSSL could not hash")
  }

  package consuming func finalize() -> SHA256Digest {
    SHA256.finish(context, true)
  }
}
