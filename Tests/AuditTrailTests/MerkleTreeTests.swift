import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct MerkleTreeTests {
  /// The tree of Certificate Transparency's reference tests: eight leaves, and the roots of its first n.
  static let leaves: [[UInt8]] = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
  ]
  .compactMap { [UInt8](hex: $0) }
  static let roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ]

  @Test func `the published tree has the published roots`() {
    var frontier = MerkleFrontier()
    #expect(frontier.root.description == Self.roots[0])
    for (index, leaf) in Self.leaves.enumerated() {
      frontier.append(MerkleTree.leafHash(leaf))
      #expect(frontier.root.description == Self.roots[index + 1])
      #expect(frontier.size == index + 1)
    }
  }

  @Test func `the published proofs are built and verified`() throws {
    let hashes = Self.leaves.map { MerkleTree.leafHash($0) }
    let path = try #require(InclusionProof(index: 0, leafHashes: hashes))
    #expect(
      path.hashes.map(\.description) == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
      ])
    let grown = try #require(ConsistencyProof(oldSize: 6, leafHashes: hashes))
    #expect(
      grown.hashes.map(\.description) == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      ])
  }

  @Test func `every size up to 70 has the root of the recursive definition`() {
    var frontier = MerkleFrontier()
    let leaves = ReferenceTree.leaves(70)
    for size in 0...70 {
      let reference = ReferenceTree.root(leaves.prefix(size))
      #expect(frontier.root == reference)
      #expect(MerkleTree.root(of: Array(leaves.prefix(size))) == reference)
      if size < 70 { frontier.append(leaves[size]) }
    }
  }

  @Test func `a frontier survives being written down, and refuses what does not fit`() throws {
    var frontier = MerkleFrontier()
    for leaf in ReferenceTree.leaves(45) {
      frontier.append(leaf)
      #expect(try MerkleFrontier(bytes: frontier.bytes) == frontier)
    }
    #expect(throws: FormatError.self) { try MerkleFrontier(bytes: Array(frontier.bytes.dropLast())) }
    #expect(throws: FormatError.self) { try MerkleFrontier(bytes: Array(frontier.bytes.dropLast(32))) }
    #expect(throws: FormatError.self) { try MerkleFrontier(bytes: [255] + frontier.bytes.dropFirst()) }
    #expect(throws: FormatError.self) { try MerkleFrontier(bytes: []) }
  }

  @Test func `every inclusion proof up to 70 leads to the root, and no other`() throws {
    let leaves = ReferenceTree.leaves(71)
    for size in 1...70 {
      let tree = Array(leaves.prefix(size))
      let root = ReferenceTree.root(tree[...])
      for index in 0..<size {
        let proof = try #require(InclusionProof(index: index, leafHashes: tree))
        #expect(proof.hashes == ReferenceTree.path(index, tree[...]))
        #expect(proof.isValid(leafHash: tree[index], root: root))
        #expect(!proof.isValid(leafHash: leaves[70], root: root))
        #expect(!proof.isValid(leafHash: tree[index], root: leaves[70]))
        let longer = InclusionProof(index: index, treeSize: size, hashes: proof.hashes + [root])
        #expect(!longer.isValid(leafHash: tree[index], root: root))
        if !proof.hashes.isEmpty {
          let shorter = InclusionProof(index: index, treeSize: size, hashes: Array(proof.hashes.dropLast()))
          #expect(shorter.root(leafHash: tree[index]) == nil)
          var changed = proof.hashes
          changed[index % changed.count] = leaves[70]
          #expect(!InclusionProof(index: index, treeSize: size, hashes: changed).isValid(leafHash: tree[index], root: root))
        }
        let elsewhere = InclusionProof(index: size, treeSize: size, hashes: proof.hashes)
        #expect(elsewhere.root(leafHash: tree[index]) == nil)
        #expect(InclusionProof(index: -1, treeSize: size, hashes: proof.hashes).root(leafHash: tree[index]) == nil)
      }
    }
  }

  @Test func `every consistency proof up to 70 holds between its roots, and no others`() throws {
    let leaves = ReferenceTree.leaves(71)
    let roots = (0...70).map { ReferenceTree.root(leaves.prefix($0)) }
    for new in 0...70 {
      for old in 0...new {
        let proof = try #require(ConsistencyProof(oldSize: old, leafHashes: Array(leaves.prefix(new))))
        if old > 0 { #expect(proof.hashes == ReferenceTree.consistency(old, leaves.prefix(new))) }
        #expect(proof.isValid(oldRoot: roots[old], newRoot: roots[new]))
        #expect(!proof.isValid(oldRoot: leaves[70], newRoot: roots[new]))
        if old > 0 { #expect(!proof.isValid(oldRoot: roots[old], newRoot: leaves[70])) }
        let longer = ConsistencyProof(oldSize: old, newSize: new, hashes: proof.hashes + [roots[new]])
        #expect(!longer.isValid(oldRoot: roots[old], newRoot: roots[new]))
        if !proof.hashes.isEmpty {
          let shorter = ConsistencyProof(oldSize: old, newSize: new, hashes: Array(proof.hashes.dropLast()))
          #expect(!shorter.isValid(oldRoot: roots[old], newRoot: roots[new]))
        }
        if old < new {
          let backwards = ConsistencyProof(oldSize: new, newSize: old, hashes: proof.hashes)
          #expect(!backwards.isValid(oldRoot: roots[new], newRoot: roots[old]))
        }
      }
    }
  }

  @Test func `a rewritten history has no consistency proof`() throws {
    var leaves = ReferenceTree.leaves(50)
    let oldRoot = ReferenceTree.root(leaves.prefix(33))
    leaves[7] = leaves[8]
    let proof = try #require(ConsistencyProof(oldSize: 33, leafHashes: leaves))
    #expect(!proof.isValid(oldRoot: oldRoot, newRoot: ReferenceTree.root(leaves[...])))
  }
}

/// RFC 6962, section 2.1, as it is written: slow, and plainly right.
enum ReferenceTree {
  static func leaves(_ count: Int) -> [SHA256Digest] { (0..<count).map { MerkleTree.leafHash(Array("leaf \($0)".utf8)) } }

  private static func split(_ count: Int) -> Int {
    var k = 1
    while k * 2 < count { k *= 2 }
    return k
  }

  static func root(_ hashes: ArraySlice<SHA256Digest>) -> SHA256Digest {
    if hashes.isEmpty { return SHA256.digest(of: []) }
    if hashes.count == 1 { return hashes[hashes.startIndex] }
    let k = split(hashes.count)
    return SHA256.digest(of: [1] + root(hashes.prefix(k)).bytes + root(hashes.dropFirst(k)).bytes)
  }

  static func path(_ index: Int, _ hashes: ArraySlice<SHA256Digest>) -> [SHA256Digest] {
    if hashes.count == 1 { return [] }
    let k = split(hashes.count)
    return index < k
      ? path(index, hashes.prefix(k)) + [root(hashes.dropFirst(k))]
      : path(index - k, hashes.dropFirst(k)) + [root(hashes.prefix(k))]
  }

  static func consistency(_ old: Int, _ hashes: ArraySlice<SHA256Digest>, isWhole: Bool = true) -> [SHA256Digest] {
    if old == hashes.count { return isWhole ? [] : [root(hashes)] }
    let k = split(hashes.count)
    return old <= k
      ? consistency(old, hashes.prefix(k), isWhole: isWhole) + [root(hashes.dropFirst(k))]
      : consistency(old - k, hashes.dropFirst(k), isWhole: false) + [root(hashes.prefix(k))]
  }
}
