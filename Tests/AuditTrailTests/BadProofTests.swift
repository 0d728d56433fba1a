import AuditTrail
import Cryptography
import Foundation
import Testing

/// Proof files that are wrong, through the real program.
@Suite struct BadProofTests {
  struct Spoilt: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let status: Int32
    let says: String
    /// The proof file's lines, the one of leaf 257 of 300: header, index, nine hashes…
    let spoil: @Sendable (inout [String]) throws -> Void

    init(_ name: String, _ status: Int32, _ says: String, _ spoil: @escaping @Sendable (inout [String]) throws -> Void) {
      (testDescription, self.status, self.says, self.spoil) = (name, status, says, spoil)
    }
  }

  private static let hash = Base64.encode([UInt8](repeating: 7, count: 32))

  @Test(arguments: [
    Spoilt("as it is", 0, "VERIFIED: leaf 257") { _ in },
    Spoilt("without a hash", 1, "the proof has 6 hashes; leaf 257 of 300 needs 7") { $0.remove(at: 3) },
    Spoilt("without hashes", 1, "the proof has 0 hashes; leaf 257 of 300 needs 7") { $0.removeSubrange(2..<9) },
    Spoilt("with a hash too many", 1, "the proof has 8 hashes; leaf 257 of 300 needs 7") { $0.insert(hash, at: 9) },
    Spoilt("with 63 hashes", 1, "the proof has 63 hashes") { $0.insert(contentsOf: repeatElement(hash, count: 56), at: 9) },
    Spoilt("with 64 hashes", 3, "proof, line 66: not a hash, or more than 63") { lines in
      lines.insert(contentsOf: repeatElement(hash, count: 57), at: 9)
    },
    Spoilt("with another hash", 1, "does not lead from this leaf, as leaf 257") { $0[4] = hash },
    Spoilt("with two hashes in each other's place", 1, "does not lead from this leaf, as leaf 257") { $0.swapAt(3, 4) },
    Spoilt("with a hash of 31 bytes", 3, "proof, line 4: not a hash") { $0[3] = Base64.encode([UInt8](repeating: 7, count: 31)) },
    Spoilt("with a hash that is no base64", 3, "proof, line 4: not a hash") { $0[3] = "hash" },
    Spoilt("of another index", 1, "does not lead from this leaf, as leaf 256") { $0[1] = "index 256" },
    Spoilt("of an index with a shorter path", 1, "the proof has 7 hashes; leaf 299 of 300 needs") { $0[1] = "index 299" },
    Spoilt("of an index that is not there", 1, "the proof is of leaf 300, and the signed tree has 300 leaves") {
      $0[1] = "index 300"
    },
    Spoilt("of a huge index", 1, "the proof is of leaf 9223372036854775807") { $0[1] = "index 9223372036854775807" },
    Spoilt("of a larger index than there is", 3, "proof, line 2: no index in decimal") { $0[1] = "index 9223372036854775808" },
    Spoilt("of an index below zero", 3, "proof, line 2: no index in decimal") { $0[1] = "index -1" },
    Spoilt("of another version", 3, "proof, line 1: not c2sp.org/tlog-proof@v1") { $0[0] = "c2sp.org/tlog-proof@v2" },
    Spoilt("cut off in its hashes", 3, "proof: cut off before the checkpoint") { $0.removeSubrange(5...) },
    Spoilt("cut off in its checkpoint", 3, "signed note: no empty line") { $0.removeLast(4) },
    Spoilt("with another size in its checkpoint", 1, "the signature of eu-west.example.org/audit does not fit") { lines in
      lines[11] = "301"
    },
    Spoilt("without the witness", 4, "too few witnesses cosigned the checkpoint") { $0.remove(at: 15) },
    Spoilt("empty", 3, "proof, line 1: not c2sp.org/tlog-proof@v1") { $0 = [] },
  ])
  func `a proof`(spoilt: Spoilt) throws {
    let folder = try TemporaryFolder()
    let log = try SampleLog(size: 300)
    let trust = "log \(log.signer.verifierKey)\nwitness us-east \(log.witness.verifierKey)\nquorum us-east\n"
    let path = try #require(InclusionProof(index: 257, leafHashes: log.leaves.map { MerkleTree.leafHash($0) }))
    let note = try SignedNote(parsing: try #require(log.files["checkpoint"]))
    let proof = TransparencyProof(index: 257, hashes: path.hashes, checkpoint: note)
    var lines = String(decoding: proof.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
    try spoilt.spoil(&lines)
    try Data(lines.joined(separator: "\n").utf8).write(to: folder.url.appending(path: "257.tlog-proof"))
    try Data(trust.utf8).write(to: folder.url.appending(path: "trust.txt"))
    try Data(log.leaves[257]).write(to: folder.url.appending(path: "leaf"))
    let outcome = try AuditCommand.run(["check", "257.tlog-proof", "--leaf", "leaf", "--trust", "trust.txt"], in: folder.url)
    #expect(outcome.status == spoilt.status && (outcome.output + outcome.errors).contains(spoilt.says), "\(outcome) \(lines)")
  }

  @Test(arguments: [
    SpoiltLog("the leaf's bundle", 3, "tile/entries/001.p/44: not there") { $0.files["tile/entries/001.p/44"] = nil },
    SpoiltLog("the leaf", 3, "tile/entries/001.p/44: leaf 257 is not there") { log in
      try log.changeEntries("tile/entries/001.p/44") { $0.removeLast(43) }
    },
    SpoiltLog("half of the leaf", 3, "tile/entries/001.p/44: cut off in entry") { log in
      try log.change("tile/entries/001.p/44") { $0.removeLast() }
    },
    SpoiltLog("a tile of its path", 3, "tile/1/000.p/1 is missing") { $0.files["tile/1/000.p/1"] = nil },
    SpoiltLog("half of a tile of its path", 3, "tile/0/001.p/44 has 1407 bytes instead of 1408") { log in
      try log.change("tile/0/001.p/44") { $0.removeLast() }
    },
    SpoiltLog("the leaf's own bytes", 1, "leaf 257 is not the one under the signed root") { log in
      try log.changeEntries("tile/entries/001.p/44") { $0[1] = $0[2] }
    },
  ])
  func `no proof is made of a log that lacks`(spoilt: SpoiltLog) throws {
    let folder = try TemporaryFolder()
    var log = try SampleLog(size: 300)
    try Data("log \(log.signer.verifierKey)\nquorum none\n".utf8).write(to: folder.url.appending(path: "trust.txt"))
    try spoilt.spoil(&log, folder.url.appending(path: "log"))
    let outcome = try AuditCommand.run(
      ["prove", "--log", "log", "--trust", "trust.txt", "--index", "257", "-o", "proof"], in: folder.url)
    #expect(outcome.status == spoilt.status && outcome.errors.contains(spoilt.says.joined()), "\(outcome)")
    #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "proof").path))
  }
}
