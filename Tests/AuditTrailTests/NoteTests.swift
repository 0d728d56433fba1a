import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct NoteTests {
  static func signer(
    _ name: String, _ algorithm: VerifierKey.Algorithm = .ed25519, seed: UInt8 = 1
  ) throws -> NoteSigner {
    NoteSigner(
      name: try #require(KeyName(name)), algorithm: algorithm,
      privateKey: try Ed25519PrivateKey(seed: [UInt8](repeating: seed, count: 32)))
  }

  /// The example of Go's golang.org/x/mod/sumdb/note, made by other software: key, note and signature.
  @Test func `a note signed by other software verifies`() throws {
    let key = try VerifierKey(parsing: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    let line =
      "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    let note = try SignedNote(parsing: Array("\(text)\n\(line)".utf8))
    #expect(try note.verify(with: [key]).map(\.key) == [key])
    #expect(note.bytes == Array("\(text)\n\(line)".utf8))
    #expect(key.description == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
  }

  @Test func `a signing key comes back from its text, and shows nothing otherwise`() throws {
    let signer = try Self.signer("example.org/audit")
    #expect(try NoteSigner(parsingPrivate: signer.privateText).verifierKey == signer.verifierKey)
    #expect(!"\(signer)".contains("AQEB"))
    #expect(throws: FormatError.self) { try NoteSigner(parsingPrivate: signer.verifierKey.description) }
    #expect(throws: FormatError.self) {
      try NoteSigner(parsingPrivate: signer.privateText.replacing("example", with: "another"))
    }
  }

  @Test func `a checkpoint is written and read to the letter`() throws {
    let origin = try #require(KeyName("eu-west.example.org/audit"))
    let root = SHA256.digest(of: [1])
    let checkpoint = Checkpoint(origin: origin, size: 20_852_163, root: root)
    let text = "eu-west.example.org/audit\n20852163\n\(Base64.encode(root.bytes))\n"
    #expect(checkpoint.text == Array(text.utf8))
    #expect(try Checkpoint(parsing: checkpoint.text) == checkpoint)
    let extended = try Checkpoint(parsing: Array("\(text)more\n".utf8))
    #expect(extended.extensions == ["more"] && extended.text == Array("\(text)more\n".utf8))
  }

  @Test(arguments: [
    "", "a\n", "a\n1\n", "\n1\nROOT\n", "a\n01\nROOT\n", "a\n-1\nROOT\n", "a\n+1\nROOT\n", "a\n1 \nROOT\n", "a\n\nROOT\n",
    "a\n1\nROOT",
    "a\n1\nROOT=\n", "a\n1\nAAAA\n", "a\n99999999999999999999\nROOT\n", "a\n9223372036854775808\nROOT\n", "a\n1\nROOT\n\n",
    "a b\n1\nROOT\n",
    "a\n0\nROOT\n",
  ])
  func `another text is no checkpoint`(text: String) {
    let root = Base64.encode([UInt8](repeating: 3, count: 32))
    #expect(throws: FormatError.self) { try Checkpoint(parsing: Array(text.replacing("ROOT", with: root).utf8)) }
  }

  @Test func `signatures of unknown keys are passed over, known ones must hold`() throws {
    let log = try Self.signer("log.example")
    let stranger = try Self.signer("stranger.example", seed: 2)
    let text = Array("hello\n".utf8)
    var note = try SignedNote(text: text)
    #expect(throws: NoteError.noKnownSignature) { try note.verify(with: [log.verifierKey]) }
    note.add(try stranger.sign(text, time: 0))
    #expect(throws: NoteError.noKnownSignature) { try note.verify(with: [log.verifierKey]) }
    note.add(try log.sign(text, time: 0))
    #expect(try note.verify(with: [log.verifierKey]).map(\.key) == [log.verifierKey])
    // A known name with an unknown id is an unknown key.
    let rotated = try Self.signer("log.example", seed: 3)
    note.add(try rotated.sign(text, time: 0))
    #expect(try note.verify(with: [log.verifierKey]).count == 1)
    // A known key whose signature fails spoils the note, even beside a good one.
    let forged = SignedNote.Signature(
      name: stranger.verifierKey.name, keyID: stranger.verifierKey.id, bytes: [UInt8](repeating: 0, count: 64))
    note.add(forged)
    let name = stranger.verifierKey.name
    #expect(throws: NoteError.invalidSignature(name)) {
      try note.verify(with: [log.verifierKey, stranger.verifierKey])
    }
    #expect(try note.verify(with: [log.verifierKey]).count == 1)
  }

  @Test func `any changed byte of a signed note is noticed`() throws {
    let log = try Self.signer("log.example")
    let checkpoint = Checkpoint(origin: log.verifierKey.name, size: 3, root: SHA256.digest(of: [9]))
    let bytes = try checkpoint.signed(by: log).bytes
    #expect(try SignedNote(parsing: bytes).verify(with: [log.verifierKey]).count == 1)
    for index in bytes.indices {
      for change: UInt8 in [0x01, 0x20, 0x80] {
        var changed = bytes
        changed[index] ^= change
        do {
          _ = try SignedNote(parsing: changed).verify(with: [log.verifierKey])
          Issue.record("byte \(index) changed by \(change) passes")
        } catch is FormatError {
        } catch is NoteError {}
      }
    }
    for count in 0..<bytes.count {
      #expect(throws: (any Error).self) { try SignedNote(parsing: Array(bytes.prefix(count))).verify(with: [log.verifierKey]) }
    }
  }

  @Test func `sixty-four signatures are read, more are refused`() throws {
    let text = Array("hello\n".utf8)
    let log = try Self.signer("log.example")
    let line = try log.sign(text, time: 0).line
    let many = Array("hello\n\n".utf8) + Array(String(repeating: line, count: 64).utf8)
    #expect(try SignedNote(parsing: many).verify(with: [log.verifierKey]).count == 1)
    #expect(throws: FormatError.self) { try SignedNote(parsing: many + Array(line.utf8)) }
  }

  @Test func `a cosignature covers its time and the whole checkpoint`() throws {
    let log = try Self.signer("log.example")
    let witness = try Self.signer("witness.example/w1", .cosignatureV1, seed: 4)
    let checkpoint = Checkpoint(origin: log.verifierKey.name, size: 3, root: SHA256.digest(of: [9]))
    var note = try checkpoint.signed(by: log)
    let cosignature = try witness.sign(checkpoint.text, time: 1_679_315_147)
    #expect(cosignature.bytes.count == 72)
    #expect(cosignature.bytes.prefix(8).elementsEqual([0, 0, 0, 0, 0x64, 0x18, 0x50, 0xcb]))
    #expect(
      Cosignature.message(time: 1_679_315_147, checkpoint: checkpoint.text)
        == Array("cosignature/v1\ntime 1679315147\n".utf8) + checkpoint.text)
    note.add(cosignature)
    let verified = try SignedNote(parsing: note.bytes).verify(with: [log.verifierKey, witness.verifierKey])
    #expect(verified.map(\.cosignedAt) == [nil, 1_679_315_147])
    var later = cosignature.bytes
    later[7] ^= 1
    note.add(SignedNote.Signature(name: cosignature.name, keyID: cosignature.keyID, bytes: later))
    #expect(throws: NoteError.self) { try note.verify(with: [log.verifierKey, witness.verifierKey]) }
  }

  @Test(arguments: [
    "", "a", "a+b", "a+00000000+AQ==", "+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  ])
  func `another text is no verifier key`(text: String) {
    #expect(throws: FormatError.self) { try VerifierKey(parsing: text) }
  }

  @Test func `base64 has one form for each value`() {
    for count in 0..<20 {
      let bytes = (0..<count).map { UInt8($0 * 37 & 255) }
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
    #expect(Base64.encode(Array("foobar".utf8)) == "Zm9vYmFy" && Base64.encode(Array("foob".utf8)) == "Zm9vYg==")
    for text in ["Zg", "Zg=", "Zh==", "Zg==\n", " Zg==", "Zg==Zg==", "Zm9=", "====", "Zm-v", "=Zg="] {
      #expect(Base64.decode(text) == nil, "\(text)")
    }
  }

  @Test func `a proof file is written, read and checked to the letter`() throws {
    let log = try Self.signer("log.example")
    let leaves = ReferenceTree.leaves(11)
    let checkpoint = Checkpoint(origin: log.verifierKey.name, size: 11, root: MerkleTree.root(of: leaves))
    let path = try #require(InclusionProof(index: 6, leafHashes: leaves))
    let proof = TransparencyProof(index: 6, hashes: path.hashes, checkpoint: try checkpoint.signed(by: log), extra: [1, 2])
    let text = String(decoding: proof.bytes, as: UTF8.self)
    #expect(text.hasPrefix("c2sp.org/tlog-proof@v1\nextra AQI=\nindex 6\n\(Base64.encode(path.hashes[0].bytes))\n"))
    let read = try TransparencyProof(parsing: proof.bytes)
    #expect(read == proof)
    #expect(try read.isValid(leafHash: leaves[6]))
    #expect(try !read.isValid(leafHash: leaves[5]))
    for (from, to) in [
      ("@v1", "@v2"), ("index 6", "index 06"), ("index 6", "index -6"), ("extra AQI=", "extra AQ"), ("\n\nlog", "\nlog"),
      (Base64.encode(path.hashes[1].bytes), "AAAA"),
    ] {
      #expect(throws: FormatError.self) { try TransparencyProof(parsing: Array(text.replacing(from, with: to).utf8)) }
    }
  }
}
