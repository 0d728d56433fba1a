import ArgumentParser
import AuditTrail

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Check a proof file, offline.")

  @Argument(help: ArgumentHelp("The proof.", valueName: "file.tlog-proof"))
  var proof: String

  @Option(help: ArgumentHelp("The leaf, byte for byte.", valueName: "file"))
  var leaf: String

  @Option(help: ArgumentHelp("Keys that you trust.", valueName: "file"))
  var trust: String

  func run() throws {
    let trust = try TrustFile(reading: trust, isOperators: false)
    let leaf = try readFile(leaf, .usage)
    let proof: TransparencyProof
    do throws(FormatError) {
      proof = try TransparencyProof(parsing: try readProof())
    } catch {
      throw AuditFailure(.incomplete, "\(error)")
    }
    let trusted = try TrustedCheckpoint(reading: proof.checkpoint.bytes, trust)
    guard try proof.isValid(leafHash: MerkleTree.leafHash(leaf)) else {
      throw AuditFailure(.tampered, problem(proof, size: trusted.checkpoint.size))
    }
    print("VERIFIED: leaf \(proof.index) of \(trusted.checkpoint.origin), in its tree of \(trusted.checkpoint.size) leaves")
    for cosignature in trusted.cosignatures { print("  cosigned by \(cosignature.witness.name) at \(cosignature.at)") }
    switch trusted.quorum {
    case .met: break
    case .notRequired: print("  not checked: witnesses; the trust file asks for none")
    case .unmet: throw AuditFailure(.untrusted, "too few witnesses cosigned the checkpoint")
    }
  }

  /// What is wrong with a proof that is not valid.
  private func problem(_ proof: TransparencyProof, size: Int) -> String {
    guard let plan = ProofPlan.inclusion(index: proof.index, treeSize: size) else {
      return "the proof is of leaf \(proof.index), and the signed tree has \(size) leaves"
    }
    guard plan.ranges.count == proof.hashes.count else {
      return "the proof has \(proof.hashes.count) hashes; leaf \(proof.index) of \(size) needs \(plan.ranges.count)"
    }
    return "the proof does not lead from this leaf, as leaf \(proof.index), to the signed root"
  }

  private func readProof() throws(FormatError) -> [UInt8] {
    do throws(AuditFailure) {
      return try readFile(proof, .usage)
    } catch {
      throw FormatError(.proof, error.description)
    }
  }
}
