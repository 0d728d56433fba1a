package import Cryptography

/// That a tree grew from an older one by appending only (RFC 6962, 2.1.2).
package struct ConsistencyProof: Hashable, Sendable {
  package let oldSize: Int
  package let newSize: Int
  package let hashes: [SHA256Digest]

  package init(oldSize: Int, newSize: Int, hashes: [SHA256Digest]) {
    self.oldSize = oldSize
    self.newSize = newSize
    self.hashes = hashes
  }

  /// The tiles from which the proof is built; none where the old tree is not smaller.
  package static func tilesNeeded(oldSize: Int, newSize: Int) -> [TileCoordinate] {
    ProofPlan.consistency(oldSize: oldSize, newSize: newSize)?.tilesNeeded ?? []
  }

  /// - Throws: ``FormatError`` where the old tree is larger, or a tile is missing or too short.
  package init(oldSize: Int, newSize: Int, tiles: [TileCoordinate: [UInt8]]) throws(FormatError) {
    guard let plan = ProofPlan.consistency(oldSize: oldSize, newSize: newSize) else {
      throw FormatError(.proof, "a tree of size \(newSize) did not grow from size \(oldSize)")
    }
    self.init(oldSize: oldSize, newSize: newSize, hashes: try plan.hashes(from: tiles))
  }

  /// From all leaf hashes of the newer tree.
  package init?(oldSize: Int, leafHashes: [SHA256Digest]) {
    guard let plan = ProofPlan.consistency(oldSize: oldSize, newSize: leafHashes.count) else { return nil }
    self.init(oldSize: oldSize, newSize: leafHashes.count, hashes: plan.hashes { $0.root(over: leafHashes) })
  }

  /// RFC 9162, 2.1.4.2. From size 0 everything grows, with an empty proof; equal sizes have equal roots and an empty proof.
  package func isValid(oldRoot: SHA256Digest, newRoot: SHA256Digest) -> Bool {
    guard oldSize >= 0, oldSize <= newSize else { return false }
    if oldSize == 0 { return hashes.isEmpty && oldRoot == MerkleTree.emptyRoot }
    if oldSize == newSize { return hashes.isEmpty && oldRoot == newRoot }
    var path = hashes[...]
    // A perfect old tree is a node of the new one: the verifier knows its hash, so the proof leaves it out.
    guard let seed = oldSize.nonzeroBitCount == 1 ? oldRoot : path.popFirst() else { return false }
    var (node, last) = (oldSize - 1, newSize - 1)
    while !node.isMultiple(of: 2) {
      node >>= 1
      last >>= 1
    }
    var (old, new) = (seed, seed)
    for hash in path {
      guard last > 0 else { return false }
      if !node.isMultiple(of: 2) || node == last {
        old = MerkleTree.nodeHash(hash, old)
        new = MerkleTree.nodeHash(hash, new)
        while node.isMultiple(of: 2), node != 0 {
          node >>= 1
          last >>= 1
        }
      } else {
        new = MerkleTree.nodeHash(new, hash)
      }
      node >>= 1
      last >>= 1
    }
    return last == 0 && old == oldRoot && new == newRoot
  }
}
