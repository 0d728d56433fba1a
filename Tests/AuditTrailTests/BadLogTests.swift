import AuditTrail
import Cryptography
import Foundation
import Testing

/// Logs that are wrong in every way that is known, through the real program: the exit status, and that it says where.
@Suite struct BadLogTests {
  private func verify(_ spoilt: SpoiltLog) throws {
    let folder = try TemporaryFolder()
    var log = try SampleLog(size: 300)
    let trust = "log \(log.signer.verifierKey)\nwitness us-east \(log.witness.verifierKey)\nquorum us-east\n"
    try Data(trust.utf8).write(to: folder.url.appending(path: "trust.txt"))
    try spoilt.spoil(&log, folder.url.appending(path: "log"))
    let outcome = try AuditCommand.run(["verify", "--log", "log", "--trust", "trust.txt"], in: folder.url)
    #expect(outcome.status == spoilt.status, "\(outcome.output)\(outcome.errors)")
    for part in spoilt.says {
      #expect(outcome.output.contains(part) || outcome.errors.contains(part), "'\(part)' in \(outcome.output)\(outcome.errors)")
    }
  }

  @Test(arguments: [
    SpoiltLog("not at all", 0, "VERIFIED", "300 leaves", inFolder: { _ in }),
    SpoiltLog("checkpoint in its signature", 3, "no checkpoint: signed note: cut off") { log in
      try log.change("checkpoint") { $0.removeLast(3) }
    },
    SpoiltLog("checkpoint after its text", 3, "no checkpoint: signed note: no empty line") { log in
      log.files["checkpoint"] = try log.checkpoint.text
    },
    SpoiltLog("checkpoint to nothing", 3, "no checkpoint: signed note") { $0.files["checkpoint"] = [] },
    SpoiltLog("leaf tile", 3, "tile/0/000 has 8191 bytes instead of 8192") { try $0.change("tile/0/000") { $0.removeLast() } },
    SpoiltLog("leaf tile to nothing", 3, "tile/0/001.p/44 has 0 bytes") { $0.files["tile/0/001.p/44"] = [] },
    SpoiltLog("upper tile", 3, "tile/1/000.p/1 has 31 bytes instead of 32") {
      try $0.change("tile/1/000.p/1") { $0.removeLast() }
    },
    SpoiltLog("bundle in an entry", 3, "tile/entries/001.p/44: cut off in entry 43", "leaf 299 is missing") { log in
      try log.change("tile/entries/001.p/44") { $0.removeLast() }
    },
    SpoiltLog("bundle to nothing", 3, "leaves 256 to 299 are missing") { $0.files["tile/entries/001.p/44"] = [] },
    SpoiltLog("newest leaves, and the checkpoint stays", 3, "leaves 280 to 299 are missing") { log in
      try log.changeEntries("tile/entries/001.p/44") { $0.removeLast(20) }
    },
  ])
  func `a log that was cut off`(spoilt: SpoiltLog) throws { try verify(spoilt) }

  @Test(arguments: [
    SpoiltLog("two leaves", 1, "leaf 10 was changed", "leaf 20 was changed") { log in
      try log.changeEntries("tile/entries/000") { $0.swapAt(10, 20) }
    },
    SpoiltLog("two hashes", 1, "tile/0/000 was changed: it does not fit the signed root") { log in
      try log.change("tile/0/000") { tile in for byte in 0..<32 { tile.swapAt(10 * 32 + byte, 20 * 32 + byte) } }
    },
    SpoiltLog("two leaves and their hashes", 1, "the tree is not the one that was signed", "tile/1/000.p/1 was changed") { log in
      try log.changeEntries("tile/entries/000") { $0.swapAt(10, 20) }
      try log.change("tile/0/000") { tile in for byte in 0..<32 { tile.swapAt(10 * 32 + byte, 20 * 32 + byte) } }
    },
  ])
  func `a log that was reordered`(spoilt: SpoiltLog) throws { try verify(spoilt) }

  @Test(arguments: [
    SpoiltLog("an entry of no bytes", 1, "leaf 100 was changed") { log in
      try log.changeEntries("tile/entries/000") { $0[100] = [] }
    },
    SpoiltLog("an entry left out", 1, "leaf 100 was changed", "leaf 255 is missing") { log in
      try log.changeEntries("tile/entries/000") { $0.remove(at: 100) }
    },
    SpoiltLog("entries without a bundle", 3, "tile/entries/000: not there", "leaves 0 to 255 are missing") { log in
      log.files["tile/entries/000"] = nil
    },
    SpoiltLog("a leaf tile", 3, "tile/0/000: not there") { $0.files["tile/0/000"] = nil },
    SpoiltLog("an upper tile", 3, "tile/1/000.p/1: not there") { $0.files["tile/1/000.p/1"] = nil },
    SpoiltLog("tile and bundle", 3, "tile/0/000: not there", "the root: it cannot be computed") { log in
      log.files["tile/0/000"] = nil
      log.files["tile/entries/000"] = nil
    },
    SpoiltLog("the checkpoint", 3, "no checkpoint: not there") { $0.files["checkpoint"] = nil },
    SpoiltLog(
      "everything", 3, "no checkpoint: not there",
      inFolder: { folder in
        _ = try folder.emptied("checkpoint")
        _ = try folder.emptied("tile")
      }),
    SpoiltLog("every leaf", 3, "the log is empty") { $0 = try SampleLog(size: 0) },
  ])
  func `a log with something missing`(spoilt: SpoiltLog) throws { try verify(spoilt) }

  @Test(arguments: [
    SpoiltLog("by another key", 4, "no log of the trust file signed the checkpoint") { log in
      let other = try NoteTests.signer("eu-west.example.org/audit", seed: 77)
      log.files["checkpoint"] = try log.checkpoint.signed(by: other).bytes
    },
    SpoiltLog("by another key under the log's id", 1, "the signature of eu-west.example.org/audit does not fit") { log in
      let other = try NoteTests.signer("eu-west.example.org/audit", seed: 77)
      let forged = SignedNote.Signature(
        name: log.signer.verifierKey.name, keyID: log.signer.verifierKey.id,
        bytes: try other.sign(log.checkpoint.text, time: 0).bytes)
      log.files["checkpoint"] = try SignedNote(text: log.checkpoint.text, signatures: [forged]).bytes
    },
    SpoiltLog("not after its size was changed", 1, "the signature of eu-west.example.org/audit does not fit") { log in
      try log.replaceInCheckpoint("\n300\n", "\n299\n")
    },
    SpoiltLog("by another log", 4, "no log of the trust file signed the checkpoint") { log in
      let other = try NoteTests.signer("ap-south.example.org/audit", seed: 5)
      let head = Checkpoint(origin: other.verifierKey.name, size: 300, root: try log.checkpoint.root)
      log.files["checkpoint"] = try head.signed(by: other).bytes
    },
    SpoiltLog("for another log", 1, "the checkpoint is of another log than eu-west.example.org/audit, which signed it") { log in
      try log.sign("ap-south.example.org/audit\n300\n\(Base64.encode(log.checkpoint.root.bytes))\n")
    },
  ])
  func `a checkpoint that was signed`(spoilt: SpoiltLog) throws { try verify(spoilt) }

  @Test(arguments: [
    SpoiltLog("over another root", 1, "the signature of us-east.example.org/witness does not fit") { log in
      let other = try SampleLog(size: 300) { index, event in if index == 5 { event.principal = "other" } }
      try log.cosign(other.cosigned)
    },
    SpoiltLog("at a time that was changed", 1, "the signature of us-east.example.org/witness does not fit") { log in
      let honest = try log.cosigned
      try log.cosign(.init(name: honest.name, keyID: honest.keyID, bytes: [0, 0, 0, 0, 1] + honest.bytes.dropFirst(5)))
    },
    SpoiltLog("as a log would, without a time", 1, "the signature of us-east.example.org/witness does not fit") { log in
      let plain = try NoteTests.signer("us-east.example.org/witness", seed: 21).sign(log.checkpoint.text, time: 0)
      try log.cosign(.init(name: plain.name, keyID: log.witness.verifierKey.id, bytes: plain.bytes))
    },
    SpoiltLog("at a time past all others", 1, "the signature of us-east.example.org/witness does not fit") { log in
      try log.cosign(log.witness.sign(log.checkpoint.text, time: 1 << 63))
    },
    SpoiltLog("at the last of all times", 0, "us-east at 292278994-08-17", "quorum met") { log in
      try log.cosign(log.witness.sign(log.checkpoint.text, time: (1 << 63) - 1))
    },
    SpoiltLog("and is unknown", 4, "QUORUM NOT MET", "too few witnesses cosigned the checkpoint (0 of the trust file's did)") {
      log in
      try log.cosign(
        NoteTests.signer("ap-south.example.org/witness", .cosignatureV1, seed: 78).sign(log.checkpoint.text, time: 1))
    },
    SpoiltLog("under another's name and id", 1, "the signature of us-east.example.org/witness does not fit") { log in
      let other = try NoteTests.signer("us-east.example.org/witness", .cosignatureV1, seed: 78).sign(log.checkpoint.text, time: 1)
      try log.cosign(.init(name: other.name, keyID: log.witness.verifierKey.id, bytes: other.bytes))
    },
    SpoiltLog("under another's id", 4, "QUORUM NOT MET") { log in
      let other = try NoteTests.signer("ap-south.example.org/witness", .cosignatureV1, seed: 78).sign(
        log.checkpoint.text, time: 1)
      try log.cosign(.init(name: other.name, keyID: log.witness.verifierKey.id, bytes: other.bytes))
    },
    SpoiltLog("twice", 0, "quorum met") { log in
      let text = try log.checkpoint.text
      let lines = try [log.signer.sign(text, time: 0), log.witness.sign(text, time: 1), log.witness.sign(text, time: 2)]
      log.files["checkpoint"] = try SignedNote(text: text, signatures: lines).bytes
    },
  ])
  func `a witness that cosigned`(spoilt: SpoiltLog) throws { try verify(spoilt) }

  @Test(arguments: [
    SpoiltLog("2^63 - 1", 3, "tile/entries/001: not there", "stopped at leaf") { log in
      try log.sign("eu-west.example.org/audit\n9223372036854775807\n\(Base64.encode(log.checkpoint.root.bytes))\n")
    },
    SpoiltLog("2^64", 4, "checkpoint, line 2: no size in decimal") { log in
      try log.sign("eu-west.example.org/audit\n18446744073709551616\n\(Base64.encode(log.checkpoint.root.bytes))\n")
    },
    SpoiltLog("10^40", 4, "checkpoint, line 2: no size in decimal") { log in
      try log.sign(
        "eu-west.example.org/audit\n1\(String(repeating: "0", count: 40))\n\(Base64.encode(log.checkpoint.root.bytes))\n")
    },
    SpoiltLog("10^12, which no disk holds", 3, "leaves 256 to 511 are missing", "stopped at leaf") { log in
      try log.sign("eu-west.example.org/audit\n1000000000000\n\(Base64.encode(log.checkpoint.root.bytes))\n")
    },
    SpoiltLog("below zero", 4, "checkpoint, line 2: no size in decimal") { log in
      try log.sign("eu-west.example.org/audit\n-300\n\(Base64.encode(log.checkpoint.root.bytes))\n")
    },
    SpoiltLog("one more than there are", 3, "tile/entries/001.p/45: not there") { log in
      try log.sign("eu-west.example.org/audit\n301\n\(Base64.encode(log.checkpoint.root.bytes))\n")
    },
    SpoiltLog("none, with a root", 4, "checkpoint, line 3: the root of size 0") { log in
      try log.sign("eu-west.example.org/audit\n0\n\(Base64.encode(log.checkpoint.root.bytes))\n")
    },
  ])
  func `a size of`(spoilt: SpoiltLog) throws { try verify(spoilt) }
}
