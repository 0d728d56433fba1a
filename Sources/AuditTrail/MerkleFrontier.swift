package import Cryptography

/// The right edge of a Merkle tree: the roots of the perfect subtrees that its size is the sum of, largest first. All that is
/// needed to append and to know the root; at most 63 hashes.
package struct MerkleFrontier: Hashable, Sendable {
  package private(set) var size: Int
  /// One hash for each bit that is set in `size`, from the highest bit down.
  package private(set) var hashes: [SHA256Digest]

  /// Of the empty tree.
  package init() {
    size = 0
    hashes = []
  }

  /// - Returns: `nil` where the number of hashes does not fit the size.
  package init?(size: Int, hashes: [SHA256Digest]) {
    guard size >= 0, size.nonzeroBitCount == hashes.count else { return nil }
    self.size = size
    self.hashes = hashes
  }

  package var root: SHA256Digest { Subtree.fold(hashes) }

  package mutating func append(_ leafHash: SHA256Digest) { append(leafHash, level: 0) }

  package mutating func append(contentsOf leafHashes: some Sequence<SHA256Digest>) {
    for hash in leafHashes { append(hash, level: 0) }
  }

  /// Appends a perfect subtree of `2^level` leaves by its root. The size must be a multiple of `2^level`.
  package mutating func append(_ root: SHA256Digest, level: Int) {
    precondition(size & ((1 << level) - 1) == 0, "a perfect subtree starts at a multiple of its size")
    var root = root
    var bit = 1 << level
    while size & bit != 0 {
      root = MerkleTree.nodeHash(hashes.removeLast(), root)
      bit <<= 1
    }
    hashes.append(root)
    size += 1 << level
  }
}

extension MerkleFrontier: Codable {
  /// `u64be size ‖ hashes`: what a store keeps between appends.
  package var bytes: [UInt8] {
    var bytes = withUnsafeBytes(of: UInt64(size).bigEndian) { [UInt8]($0) }
    for hash in hashes { bytes += hash.bytes }
    return bytes
  }

  package init(bytes: [UInt8]) throws(FormatError) {
    guard bytes.count >= 8, (bytes.count - 8).isMultiple(of: SHA256.byteCount) else {
      throw FormatError(.frontier, "\(bytes.count) bytes are no size and whole hashes")
    }
    let size = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let size = Int(exactly: size), let hashes = digests(in: bytes[8...]),
      let frontier = MerkleFrontier(size: size, hashes: hashes)
    else { throw FormatError(.frontier, "the hashes do not fit the size") }
    self = frontier
  }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let bytes = Base64.decode(text) else { throw FormatError(.frontier, "not base64") }
    try self.init(bytes: bytes)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Base64.encode(bytes))
  }
}

/// The hashes that `bytes` are a sequence of; `nil` where the last is cut off.
func digests(in bytes: ArraySlice<UInt8>) -> [SHA256Digest]? {
  guard bytes.count.isMultiple(of: SHA256.byteCount) else { return nil }
  return bytes.withUnsafeBytes { buffer in
    stride(from: 0, to: buffer.count, by: SHA256.byteCount).compactMap {
      SHA256Digest(UnsafeRawBufferPointer(rebasing: buffer[$0..<$0 + SHA256.byteCount]))
    }
  }
}
