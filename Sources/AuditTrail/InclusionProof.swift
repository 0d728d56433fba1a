package import Cryptography

/// That a leaf stands at an index of a tree (RFC 6962, 2.1.1).
package struct InclusionProof: Hashable, Sendable {
  package let index: Int
  package let treeSize: Int
  /// From the leaf's sibling up to the root's child.
  package let hashes: [SHA256Digest]

  package init(index: Int, treeSize: Int, hashes: [SHA256Digest]) {
    self.index = index
    self.treeSize = treeSize
    self.hashes = hashes
  }

  /// The tiles from which the proof is built; none for an index outside the tree.
  package static func tilesNeeded(index: Int, size: Int) -> [TileCoordinate] {
    ProofPlan.inclusion(index: index, treeSize: size)?.tilesNeeded ?? []
  }

  /// - Throws: ``FormatError`` for an index outside the tree, or where a tile is missing or too short.
  package init(index: Int, treeSize: Int, tiles: [TileCoordinate: [UInt8]]) throws(FormatError) {
    guard let plan = ProofPlan.inclusion(index: index, treeSize: treeSize) else {
      throw FormatError(.proof, "a tree of size \(treeSize) has no index \(index)")
    }
    self.init(index: index, treeSize: treeSize, hashes: try plan.hashes(from: tiles))
  }

  /// From all leaf hashes of the tree.
  package init?(index: Int, leafHashes: [SHA256Digest]) {
    guard let plan = ProofPlan.inclusion(index: index, treeSize: leafHashes.count) else { return nil }
    self.init(index: index, treeSize: leafHashes.count, hashes: plan.hashes { $0.root(over: leafHashes) })
  }

  /// The root that the proof leads to; `nil` where index, size and number of hashes do not fit each other.
  package func root(leafHash: SHA256Digest) -> SHA256Digest? {
    guard index >= 0, index < treeSize else { return nil }
    var hash = leafHash
    var (node, last) = (index, treeSize - 1)
    for sibling in hashes {
      guard last > 0 else { return nil }
      if !node.isMultiple(of: 2) || node == last {
        hash = MerkleTree.nodeHash(sibling, hash)
        // At the right edge a node without a sibling moves up as it is.
        while node.isMultiple(of: 2), node != 0 {
          node >>= 1
          last >>= 1
        }
      } else {
        hash = MerkleTree.nodeHash(hash, sibling)
      }
      node >>= 1
      last >>= 1
    }
    return last == 0 ? hash : nil
  }

  package func isValid(leafHash: SHA256Digest, root: SHA256Digest) -> Bool {
    self.root(leafHash: leafHash) == root
  }
}

extension Subtree {
  /// The subtree's root, from all leaf hashes of the tree.
  package func root(over leafHashes: [SHA256Digest]) -> SHA256Digest {
    MerkleTree.root(of: Array(leafHashes[index << level..<(index + 1) << level]))
  }
}
