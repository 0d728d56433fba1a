import AuditTrail
import Cryptography
import Testing

@testable import Coordinator

/// Whether those who have cosigned a checkpoint are enough for collections that wait for witnesses.
@Suite struct WitnessStandingTests {
  private func signer(_ name: String, _ algorithm: VerifierKey.Algorithm = .ed25519, seed: UInt8) throws -> NoteSigner {
    NoteSigner(
      name: try #require(KeyName(name)), algorithm: algorithm,
      privateKey: try Ed25519PrivateKey(seed: [UInt8](repeating: seed, count: 32)))
  }

  private func trust(_ log: NoteSigner, _ witness: NoteSigner, threshold: Int) throws -> TrustPolicy {
    let text = TrustPolicy.text(
      logs: [log.verifierKey], witnesses: [("us-east", witness.verifierKey)], threshold: threshold)
    return try TrustPolicy(parsing: Array(text.utf8), file: "trust.txt")
  }

  @Test func `enough have cosigned, too few, or nobody is asked`() throws {
    let log = try signer("eu-west.example.org/audit", seed: 1)
    let witness = try signer("us-east.example.org/witness", .cosignatureV1, seed: 2)
    let checkpoint = Checkpoint(origin: log.verifierKey.name, size: 3, root: SHA256.digest(of: [1]))
    let note = try checkpoint.signed(by: log)
    var cosigned = note
    cosigned.add(try witness.sign(note.text, time: 1_795_000_000))
    let asked = try trust(log, witness, threshold: 1)

    #expect(CheckpointHolder.Witnesses(of: cosigned, by: asked) == .enough)
    #expect(CheckpointHolder.Witnesses(of: note, by: asked) == .tooFew)
    #expect(CheckpointHolder.Witnesses(of: note, by: try trust(log, witness, threshold: 0)) == .none)
    #expect(CheckpointHolder.Witnesses(of: note, by: nil) == .none)
    // A stranger's word counts for nothing, and what no auditor would take for this log is vouched for by nobody.
    var strange = note
    strange.add(try signer("ap-south.example.org/witness", .cosignatureV1, seed: 3).sign(note.text, time: 1_795_000_000))
    #expect(CheckpointHolder.Witnesses(of: strange, by: asked) == .tooFew)
    let rotated = try signer("eu-west.example.org/audit", seed: 4)
    #expect(CheckpointHolder.Witnesses(of: cosigned, by: try trust(rotated, witness, threshold: 1)) == .tooFew)
    #expect(CheckpointHolder.Witnesses(of: cosigned, by: try trust(rotated, witness, threshold: 0)) == .tooFew)
  }
}
