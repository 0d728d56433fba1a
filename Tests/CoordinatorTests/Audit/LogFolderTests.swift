import AuditTrail
import Cryptography
import Foundation
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
    let root = size == 0 ? MerkleTree.emptyRoot : SHA256.digest(of: [UInt8(size & 255)])
    var note = try Checkpoint(origin: log.verifierKey.name, size: size, root: root).signed(by: log)
    for cosigner in cosigners { note.add(try cosigner.sign(note.text, time: 1_700_000_000)) }
    return note
  }

  @Test func `a smaller checkpoint never takes the place of a larger one`() throws {
    let scratch = try ScratchFolder()
    let folder = LogFolder(path: "\(scratch.path)/log")
    #expect(folder.checkpoint() == nil)
    for (size, published) in [(0, 0), (5, 5), (3, 5), (9, 9), (8, 9)] {
      #expect(try folder.publish(try note(size), of: [log.verifierKey]) == note(published))
      #expect(folder.checkpoint() == (try note(published)).bytes)
    }
  }

  @Test func `what different witnesses said of one checkpoint is put together`() throws {
    let scratch = try ScratchFolder()
    let folder = LogFolder(path: "\(scratch.path)/log")
    _ = try folder.publish(try note(5, cosignedBy: [witnesses[0]]), of: [log.verifierKey])
    let both = try folder.publish(try note(5, cosignedBy: [witnesses[1]]), of: [log.verifierKey])
    #expect(try both == note(5, cosignedBy: witnesses))
    #expect(try both.verify(with: [log.verifierKey] + witnesses.map(\.verifierKey)).count == 3)
    // Whoever has none loses none.
    #expect(try folder.publish(try note(5), of: [log.verifierKey]) == both)
    #expect(folder.checkpoint() == both.bytes)
  }

  @Test func `what is no checkpoint is not written over`() throws {
    let scratch = try ScratchFolder()
    let folder = LogFolder(path: "\(scratch.path)/log")
    try DurableFile.write(Array("damaged".utf8), to: "\(folder.path)/checkpoint", access: .everyoneReads)
    #expect(throws: FormatError.self) { try folder.publish(try note(5), of: [log.verifierKey]) }
    #expect(folder.checkpoint() == Array("damaged".utf8))
  }

  @Test func `what another key signed, or another history, is not taken for this log's`() throws {
    let scratch = try ScratchFolder()
    let folder = LogFolder(path: "\(scratch.path)/log")
    let stranger = NoteSigner(
      name: log.verifierKey.name, algorithm: .ed25519, privateKey: try Ed25519PrivateKey.generate())
    let foreign = try Checkpoint(origin: log.verifierKey.name, size: 99, root: SHA256.digest(of: [9])).signed(by: stranger)
    try DurableFile.write(foreign.bytes, to: "\(folder.path)/checkpoint", access: .everyoneReads)
    #expect(throws: Checkpointer.Failure.self) { try folder.publish(try note(5), of: [log.verifierKey]) }
    let other = try Checkpoint(origin: log.verifierKey.name, size: 5, root: SHA256.digest(of: [77])).signed(by: log)
    try DurableFile.write(other.bytes, to: "\(folder.path)/checkpoint", access: .everyoneReads)
    #expect(throws: Checkpointer.Failure.self) { try folder.publish(try note(5), of: [log.verifierKey]) }
    #expect(folder.checkpoint() == other.bytes)
  }

  @Test func `a folder that was emptied, or put back to what it was, is seen to lack what was published`() throws {
    let scratch = try ScratchFolder()
    let folder = LogFolder(path: "\(scratch.path)/log")
    var tree = TileWriter()
    let files = tree.append((0..<600).map { SHA256.digest(of: [UInt8($0 & 255), UInt8($0 >> 8)]) })
    let checkpoint = try Checkpoint(parsing: note(600).text)
    #expect(try !folder.holds(checkpoint))
    try folder.write(files)
    #expect(try !folder.holds(checkpoint))
    _ = try folder.publish(try note(500), of: [log.verifierKey])
    #expect(try !folder.holds(checkpoint))
    _ = try folder.publish(try note(600), of: [log.verifierKey])
    #expect(try folder.holds(checkpoint))
    for missing in ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile"] {
      try FileManager.default.moveItem(atPath: "\(folder.path)/\(missing)", toPath: "\(scratch.path)/away")
      #expect(try !folder.holds(checkpoint), "\(missing)")
      try FileManager.default.moveItem(atPath: "\(scratch.path)/away", toPath: "\(folder.path)/\(missing)")
    }
    // A full tile takes the place of a partial one.
    try FileManager.default.removeItem(atPath: "\(folder.path)/tile/0/002.p")
    try folder.write(tree.append((0..<200).map { SHA256.digest(of: [UInt8($0)]) }))
    #expect(try folder.holds(checkpoint))
  }
}
