import AuditTrail
import Cryptography
import Testing

@testable import Coordinator

/// What is published of a log, by several coordinators of one region.
@Suite struct LogFolderTests {
  private let log: NoteSigner
  private let witnesses: [NoteSigner]

  init() throws {
    func signer(_ name: String, _ algorithm: VerifierKey.Algorithm) throws -> NoteSigner {
      NoteSigner(name: try #require(KeyName(name)), algorithm: algorithm, privateKey: try Ed25519PrivateKey.generate())
    }
    log = try signer("eu-west.example/audit", .ed25519)
    witnesses = try ["us-east", "ap-south"].map { try signer("\($0).example/witness", .cosignatureV1) }
  }

  private func note(_ size: Int, cosignedBy cosigners: [NoteSigner] = []) throws -> SignedNote {
    let root = size == 0 ? MerkleTree.emptyRoot : SHA256.digest(of: [UInt8(size)])
    var note = try Checkpoint(origin: log.verifierKey.name, size: size, root: root).signed(by: log)
    for cosigner in cosigners { note.add(try cosigner.sign(note.text, time: 1_700_000_000)) }
    return note
  }

  @Test func `a smaller checkpoint never takes the place of a larger one`() throws {
    let scratch = try ScratchFolder()
    let folder = LogFolder(path: "\(scratch.path)/log")
    #expect(folder.checkpoint() == nil)
    for (size, published) in [(0, 0), (5, 5), (3, 5), (9, 9), (8, 9)] {
      #expect(try folder.publish(try note(size)) == note(published))
      #expect(folder.checkpoint() == (try note(published)).bytes)
    }
  }

  @Test func `what different witnesses said of one checkpoint is put together`() throws {
    let scratch = try ScratchFolder()
    let folder = LogFolder(path: "\(scratch.path)/log")
    _ = try folder.publish(try note(5, cosignedBy: [witnesses[0]]))
    let both = try folder.publish(try note(5, cosignedBy: [witnesses[1]]))
    #expect(try both == note(5, cosignedBy: witnesses))
    #expect(try both.verify(with: [log.verifierKey] + witnesses.map(\.verifierKey)).count == 3)
    // Whoever has none loses none.
    #expect(try folder.publish(try note(5)) == both)
    #expect(folder.checkpoint() == both.bytes)
  }

  @Test func `what is no checkpoint is not written over`() throws {
    let scratch = try ScratchFolder()
    let folder = LogFolder(path: "\(scratch.path)/log")
    try DurableFile.write(Array("damaged".utf8), to: "\(folder.path)/checkpoint", access: .everyoneReads)
    #expect(throws: FormatError.self) { try folder.publish(try note(5)) }
    #expect(folder.checkpoint() == Array("damaged".utf8))
  }
}
