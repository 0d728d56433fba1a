package import Cryptography

/// The hashes of RFC 6962, section 2.1, with SHA-256.
package enum MerkleTree {
  /// The hash of a leaf's bytes: `SHA-256(0x00 ‖ bytes)`.
  package static func leafHash(_ bytes: [UInt8]) -> SHA256Digest {
    bytes.withUnsafeBytes { SHA256.digest(prefix: 0, $0) }
  }

  package static func leafHash(_ bytes: ArraySlice<UInt8>) -> SHA256Digest {
    bytes.withUnsafeBytes { SHA256.digest(prefix: 0, $0) }
  }

  /// The hash of a node: `SHA-256(0x01 ‖ left ‖ right)`.
  package static func nodeHash(_ left: SHA256Digest, _ right: SHA256Digest) -> SHA256Digest {
    SHA256.digest(prefix: 1, left, right)
  }

  /// The root of a tree without leaves: `SHA-256("")`.
  package static let emptyRoot = SHA256.digest(of: [])

  /// The root over `hashes`, which are the leaf hashes, or the roots of perfect subtrees of one height.
  package static func root(of hashes: [SHA256Digest]) -> SHA256Digest {
    guard !hashes.isEmpty else { return emptyRoot }
    var layer = hashes
    var count = layer.count
    while count > 1 {
      let pairs = count / 2
      for pair in 0..<pairs { layer[pair] = nodeHash(layer[2 * pair], layer[2 * pair + 1]) }
      // An odd one out moves up as it is, until something stands left of it: the right edge of RFC 6962's recursion.
      if !count.isMultiple(of: 2) { layer[pairs] = layer[count - 1] }
      count = (count + 1) / 2
    }
    return layer[0]
  }
}

/// A perfect subtree: leaves `index · 2^level` up to, not including, `(index + 1) · 2^level`.
package struct Subtree: Hashable, Sendable {
  package let level: Int
  package let index: Int

  package init(level: Int, index: Int) {
    self.level = level
    self.index = index
  }

  /// The perfect subtrees that make up the leaves `start..<end`, from left to right. `start` is a multiple of the largest power
  /// of two that fits (as in every range that RFC 6962 splits), so sizes fall from left to right.
  static func covering(_ range: Range<Int>) -> [Subtree] {
    var subtrees: [Subtree] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let level = Int.bitWidth - 1 - (range.upperBound - start).leadingZeroBitCount
      subtrees.append(Subtree(level: level, index: start >> level))
      start += 1 << level
    }
    return subtrees
  }

  /// The root over neighbouring subtrees whose sizes fall from left to right.
  static func fold(_ hashes: [SHA256Digest]) -> SHA256Digest {
    guard var root = hashes.last else { return MerkleTree.emptyRoot }
    for left in hashes.dropLast().reversed() { root = MerkleTree.nodeHash(left, root) }
    return root
  }
}

/// The largest power of two smaller than `count` (RFC 6962, 2.1). `count` is at least 2.
func splitPoint(_ count: Int) -> Int {
  1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
}
