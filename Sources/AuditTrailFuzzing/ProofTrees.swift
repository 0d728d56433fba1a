import AuditTrail
import Cryptography

/// Trees of up to 21 leaves, and proofs put together from their hashes by what bytes say.
struct ProofTrees: Sendable {
  static let sizeMax = 21

  let leaves: [SHA256Digest]
  private let rewritten: [SHA256Digest]
  /// Every node of both histories that a proof could hold, and some that none holds.
  private let pool: [SHA256Digest]
  private let places: [SHA256Digest: Int]

  init() {
    leaves = (0..<Self.sizeMax).map { MerkleTree.leafHash([UInt8($0)]) }
    rewritten = [MerkleTree.leafHash([99])] + leaves.dropFirst()
    var pool: [SHA256Digest] = []
    for history in [leaves, rewritten] {
      for start in history.indices {
        for end in start + 1...history.count { pool.append(MerkleTree.root(of: Array(history[start..<end]))) }
      }
    }
    pool = Set(pool).sorted()
    self.pool = pool
    places = Dictionary(pool.enumerated().map { ($1, $0) }, uniquingKeysWith: { $1 })
  }

  func root(_ size: Int) -> SHA256Digest { MerkleTree.root(of: Array(leaves.prefix(size))) }
  func rewrittenRoot(_ size: Int) -> SHA256Digest { MerkleTree.root(of: Array(rewritten.prefix(size))) }

  /// `leaf, index, size, (high, low)…`: each pair is a hash.
  func inclusion(_ bytes: [UInt8]) -> (leaf: Int, proof: InclusionProof) {
    let head = (bytes.prefix(3) + [0, 0, 0]).map(Int.init)
    // An index may be past the tree's end, or far off.
    let index = head[1] > 250 ? Int.max - (255 - head[1]) : head[1]
    return (
      head[0] % Self.sizeMax,
      InclusionProof(index: index, treeSize: head[2] % (Self.sizeMax + 1), hashes: hashes(bytes.dropFirst(3)))
    )
  }

  /// `old, new, whether rewritten, (high, low)…`.
  func consistency(_ bytes: [UInt8]) -> (proof: ConsistencyProof, isRewritten: Bool) {
    let head = (bytes.prefix(3) + [0, 0, 0]).map { Int($0) }
    let sizes = (head[0] % (Self.sizeMax + 1), head[1] % (Self.sizeMax + 1))
    return (ConsistencyProof(oldSize: sizes.0, newSize: sizes.1, hashes: hashes(bytes.dropFirst(3))), head[2] % 2 == 1)
  }

  private func hashes(_ bytes: ArraySlice<UInt8>) -> [SHA256Digest] {
    let bytes = Array(bytes.prefix(2 * 80))
    return stride(from: 0, to: bytes.count - 1, by: 2).map { pool[(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1])) % pool.count] }
  }

  private func encoded(_ hashes: [SHA256Digest]) -> [UInt8] {
    hashes.flatMap { hash -> [UInt8] in
      let place = places[hash] ?? 0
      return [UInt8(place >> 8), UInt8(place & 255)]
    }
  }

  var inclusionSamples: [[UInt8]] {
    [(0, 1), (0, 8), (5, 8), (7, 11), (10, 11), (20, 21)].map { index, size in
      let path = InclusionProof(index: index, leafHashes: Array(leaves.prefix(size)))?.hashes ?? []
      return [UInt8(index), UInt8(index), UInt8(size)] + encoded(path)
    }
  }

  var consistencySamples: [[UInt8]] {
    [(0, 5), (1, 2), (4, 8), (6, 8), (7, 21), (8, 8), (16, 21)].flatMap { old, new -> [[UInt8]] in
      let proof = ConsistencyProof(oldSize: old, leafHashes: Array(leaves.prefix(new)))?.hashes ?? []
      return [0, 1].map { [UInt8(old), UInt8(new), $0] + encoded(proof) }
    }
  }
}
