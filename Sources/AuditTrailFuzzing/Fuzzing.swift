import AuditTrail
import Cryptography
import Residency

/// Feeds bytes to the parsers and verifiers of an audit log, and checks what must hold of any bytes: no crash and no hang, which the
/// caller sees, and the claims of ``check(_:_:)``.
package struct Fuzzing: Sendable {
  let small: OriginalLog
  /// With tiles above the first level.
  let large: OriginalLog
  /// As long as ``small``, with another history.
  let other: OriginalLog
  let trees: ProofTrees

  package init() throws {
    small = try OriginalLog(size: 6)
    large = try OriginalLog(size: 258)
    other = try OriginalLog(size: 6, salt: 9)
    trees = ProofTrees()
  }

  /// - Throws: ``BrokenClaim`` where the bytes show that a claim does not hold.
  package func check(_ target: FuzzTarget, _ bytes: [UInt8]) throws(BrokenClaim) {
    switch target {
    case .signed: try checkSigned(bytes)
    case .proven: try checkProven(bytes)
    case .inclusion: try checkInclusion(bytes)
    case .consistency: try checkConsistency(bytes)
    case .witness: try checkWitness(bytes)
    case .log: try check(small, bytes)
    case .longLog: try check(large, bytes)
    default: try checkParser(target, bytes)
    }
  }

  /// Inputs from which others are made by damaging them.
  package func samples(of target: FuzzTarget) throws -> [[UInt8]] {
    let key = "\(small.signer.verifierKey)"
    switch target {
    case .note, .signed: return [small.note.bytes, large.note.bytes]
    case .checkpoint: return [small.checkpoint.text, small.checkpoint.text + Array("an extension\n".utf8)]
    case .key: return [Array(key.utf8), Array("\(small.witness.verifierKey)".utf8)]
    case .signingKey: return [Array(small.signer.privateText.utf8)]
    case .trust:
      let url = "# who\nlog \(key) https://eu-west.example.org\nwitness\ta \(small.witness.verifierKey)\ngroup g 1 a\nquorum g\n"
      return [Array(small.trustText.utf8), Array("log \(key)\nquorum none\n".utf8), Array(url.utf8)]
    case .proof, .proven: return try [0, 3, 5].map { try proof(of: $0).bytes }
    case .request, .witness: return try [0, 2, 3, 6].map { try request(from: $0).bytes }
    case .answer: return answers
    case .leaf: return [small.leaves[0], small.leaves[1]]
    case .entries: return [try EntryBundle.encode(Array(small.leaves.prefix(2))), try EntryBundle.encode([[], [1], [2, 3]])]
    case .hashTile: return [[3] + small.hashes.prefix(3).flatMap(\.bytes)]
    case .tilePath: return ["tile/0/x001/x234/067", "tile/entries/273.p/112", "tile/63/000.p/1"].map { Array($0.utf8) }
    case .frontier: return [small.frontier(5).bytes, large.frontier(255).bytes, MerkleFrontier().bytes]
    case .time: return ["2026-11-22", "2026-11-22T13:48Z", "2026-02-28T23:59:59.999Z", "2026-11"].map { Array($0.utf8) }
    case .index: return [indexBlock.bytes, Array(indexBlock.bytes.dropLast(SHA256.byteCount))]
    case .prefix: return try [small, large].map { try prefix(of: $0) }
    case .inclusion: return trees.inclusionSamples
    case .consistency: return trees.consistencySamples
    case .log: return changes(of: small)
    case .longLog: return changes(of: large)
    }
  }

  private var indexBlock: LeafIndexBlock {
    var block = LeafIndexBlock()
    var names = LeafIndexNames()
    for (index, leaf) in small.leaves.enumerated() {
      if let outline = LeafOutline.scanned(leaf, index: index) { block.append(outline, &names) } else { block.appendUnreadable() }
    }
    return block
  }

  /// What is kept of a log that was verified.
  private func prefix(of log: OriginalLog) throws -> [UInt8] {
    guard let prefix = try verify(log.files, of: log).verified else { throw BrokenClaim("the log does not verify") }
    return prefix.json.canonicalBytes
  }

  func proof(of index: Int) throws -> TransparencyProof {
    guard let path = InclusionProof(index: index, leafHashes: small.hashes) else { throw BrokenClaim("no proof of \(index)") }
    return TransparencyProof(index: index, hashes: path.hashes, checkpoint: small.note, extra: index == 3 ? [1, 2] : nil)
  }

  func request(from size: Int) throws -> WitnessRequest {
    guard let growth = ConsistencyProof(oldSize: size, leafHashes: small.hashes) else {
      throw BrokenClaim("no proof from \(size)")
    }
    return WitnessRequest(oldSize: size, proof: growth.hashes, checkpoint: small.note)
  }

  /// A status of HTTP by its first byte, and a body.
  private var answers: [[UInt8]] {
    let cosignature = small.note.signatures.dropFirst().map(\.line).joined()
    return [[0] + Array(cosignature.utf8), [1] + Array("3\n".utf8), [1] + Array("700\n".utf8), [2], [3], [4], [5]]
  }
}

extension OriginalLog {
  func frontier(_ size: Int) -> MerkleFrontier {
    var frontier = MerkleFrontier()
    frontier.append(contentsOf: hashes.prefix(size))
    return frontier
  }
}
