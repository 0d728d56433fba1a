import AuditTrail
import Cryptography

/// Signatures, proofs and witnesses: whatever the bytes, they vouch only for what was signed, and for where it stands.
extension Fuzzing {
  /// A note that is trusted says what a signed note said.
  func checkSigned(_ bytes: [UInt8]) throws(BrokenClaim) {
    for log in [small, large] {
      guard let trusted = try? log.trust.verify(SignedNote(parsing: bytes)) else { continue }
      guard let original = [small, large].first(where: { $0.note.text == trusted.note.text }) else {
        throw BrokenClaim("a text that was never signed is trusted")
      }
      guard trusted.checkpoint == original.checkpoint else { throw BrokenClaim("a signed text is read as another checkpoint") }
      for cosignature in trusted.cosignatures where cosignature.at.milliseconds != 1_795_400_000_000 {
        throw BrokenClaim("a cosignature of another time counts")
      }
      if trusted.quorum == .met, trusted.cosignatures.isEmpty { throw BrokenClaim("a quorum without cosignatures") }
    }
  }

  /// A proof file that verifies is the true proof of that leaf.
  func checkProven(_ bytes: [UInt8]) throws(BrokenClaim) {
    guard let proof = try? TransparencyProof(parsing: bytes), (try? small.trust.verify(proof.checkpoint)) != nil else { return }
    for (index, hash) in small.hashes.enumerated() {
      guard let isValid = try? proof.isValid(leafHash: hash), isValid else { continue }
      guard proof.checkpoint.text == small.note.text else { throw BrokenClaim("a proof against a tree that was not signed") }
      guard proof.index == index else { throw BrokenClaim("the proof of leaf \(index) verifies as of \(proof.index)") }
      guard InclusionProof(index: index, leafHashes: small.hashes)?.hashes == proof.hashes else {
        throw BrokenClaim("a second proof of leaf \(index)")
      }
    }
    // What a stranger might pass off as a leaf: nothing verifies that was not logged.
    if (try? proof.isValid(leafHash: other.hashes[0])) == true { throw BrokenClaim("a leaf that was not logged verifies") }
  }

  func checkInclusion(_ bytes: [UInt8]) throws(BrokenClaim) {
    let input = trees.inclusion(bytes)
    guard input.proof.isValid(leafHash: trees.leaves[input.leaf], root: trees.root(input.proof.treeSize)) else { return }
    guard input.proof.index == input.leaf else {
      throw BrokenClaim("the proof of leaf \(input.leaf) verifies as of \(input.proof.index) in \(input.proof.treeSize)")
    }
    let leaves = Array(trees.leaves.prefix(input.proof.treeSize))
    guard InclusionProof(index: input.leaf, leafHashes: leaves) == input.proof else {
      throw BrokenClaim("a second proof of leaf \(input.leaf) in \(input.proof.treeSize)")
    }
  }

  func checkConsistency(_ bytes: [UInt8]) throws(BrokenClaim) {
    let (proof, isRewritten) = trees.consistency(bytes)
    let oldRoot = isRewritten ? trees.rewrittenRoot(proof.oldSize) : trees.root(proof.oldSize)
    guard proof.isValid(oldRoot: oldRoot, newRoot: trees.root(proof.newSize)) else { return }
    guard !isRewritten || proof.oldSize == 0 else { throw BrokenClaim("a rewritten history of \(proof.oldSize) verifies") }
    let leaves = Array(trees.leaves.prefix(proof.newSize))
    guard ConsistencyProof(oldSize: proof.oldSize, leafHashes: leaves) == proof else {
      throw BrokenClaim("a second proof from \(proof.oldSize) to \(proof.newSize)")
    }
  }

  /// A witness cosigns only what its log signed, and only what goes on from what it cosigned.
  func checkWitness(_ bytes: [UInt8]) throws(BrokenClaim) {
    for seen in [0, 3] {
      let head = WitnessState.Head(
        origin: small.checkpoint.origin, size: seen, root: small.frontier(seen).root, note: small.note, previousSize: 0)
      let state = WitnessState(logs: [small.signer.verifierKey], heads: seen > 0 ? [head] : [])
      guard case .cosign(let new) = state.consider(requestBody: bytes) else { continue }
      guard new.note.text == small.note.text, new.size == small.checkpoint.size, new.root == small.checkpoint.root else {
        throw BrokenClaim("a checkpoint that was never signed is cosigned")
      }
      guard new.previousSize == seen, let asked = try? WitnessRequest(parsing: bytes), asked.oldSize == seen,
        ConsistencyProof(oldSize: seen, leafHashes: small.hashes)?.hashes == asked.proof
      else { throw BrokenClaim("cosigned from \(seen) without the proof of it") }
    }
  }
}
