import AuditTrail
import Cryptography
import Foundation
import Testing

/// An operator who takes back what was logged: leaves, checkpoints, or history. Two remember: the auditor (`--remember`) and the
/// witnesses (`--witness`).
@Suite struct TakenBackTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let log = try SampleLog(size: 0)
    let trust = "log \(log.signer.verifierKey)\nwitness us-east \(log.witness.verifierKey)\nquorum us-east\n"
    try Data(trust.utf8).write(to: folder.url.appending(path: "trust.txt"))
  }

  /// Serves a log of that many leaves, and verifies it.
  private func verify(_ size: Int, rewrittenAt index: Int? = nil, _ options: String...) throws -> AuditCommand.Outcome {
    let place = folder.url.appending(path: "log")
    _ = try? FileManager.default.removeItem(at: place)
    try SampleLog(size: size) { leaf, event in if leaf == index { event.principal = "other" } }.write(to: place)
    return try AuditCommand.run(["verify", "--log", "log", "--trust", "trust.txt"] + options, in: folder.url)
  }

  /// What a witness publishes that saw a log of that many leaves.
  private func witness(saw size: Int, at path: String) throws {
    let log = try SampleLog(size: size)
    let file = folder.url.appending(path: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(try #require(log.files["checkpoint"])).write(to: file)
  }

  private var published: String { "witness/\(SHA256.digest(of: Array("eu-west.example.org/audit".utf8)))/checkpoint" }

  @Test func `an auditor who remembers notices a log that was rolled back, cut off or rewritten, at every later size`() throws {
    for size in [200, 256, 300] { #expect(try verify(size, "--remember", "seen").status == 0) }
    for size in [1, 256, 299] {
      let rolledBack = try verify(size, "--remember", "seen")
      #expect(rolledBack.status == 1, "\(rolledBack)")
      #expect(rolledBack.output.contains("the log was cut off: it had 300 leaves at an earlier checkpoint, now \(size)"))
    }
    for size in [300, 301, 520] {
      let rewritten = try verify(size, rewrittenAt: 255, "--remember", "seen")
      #expect(rewritten.status == 1, "\(rewritten)")
      for old in [256, 300] {
        #expect(rewritten.output.contains("the first \(old) leaves are not those of the earlier checkpoint"), "\(rewritten)")
      }
      #expect(!rewritten.output.contains("the first 200 leaves"))
    }
    #expect(try verify(520, "--remember", "seen").status == 0)
  }

  @Test func `a log that fails is not remembered`() throws {
    #expect(try verify(300, "--remember", "seen").status == 0)
    #expect(try verify(310, rewrittenAt: 3, "--remember", "seen").status == 1)
    #expect(try verify(310, "--remember", "seen").status == 0)
  }

  @Test func `an auditor's folder without its newest checkpoints still convicts by the others, and a witness by the rest`() throws
  {
    for size in [200, 256, 300] { #expect(try verify(size, "--remember", "seen").status == 0) }
    let seen = folder.url.appending(path: "seen")
    for name in try FileManager.default.contentsOfDirectory(atPath: seen.path) where !name.hasSuffix("-200.checkpoint") {
      try FileManager.default.removeItem(at: seen.appending(path: name))
    }
    #expect(try verify(199, "--remember", "seen").status == 1)
    // Between what the auditor has left and what was there: nothing of the auditor's own shows it.
    #expect(try verify(250, "--remember", "elsewhere").status == 0)
    try witness(saw: 300, at: published)
    let outcome = try verify(250, "--remember", "seen", "--witness", "witness")
    #expect(outcome.status == 1 && outcome.output.contains("it had 300 leaves at an earlier checkpoint, now 250"), "\(outcome)")
  }

  @Test func `a witness's checkpoint is taken as a file and from where it publishes`() throws {
    try witness(saw: 300, at: published)
    try witness(saw: 300, at: "kept")
    for place in ["witness", "kept"] {
      for size in [300, 400] {
        let honest = try verify(size, "--witness", place)
        #expect(honest.status == 0, "\(honest)")
        #expect(!honest.output.contains("no checkpoint kept from before"))
      }
      #expect(try verify(299, "--witness", place).status == 1)
      let rewritten = try verify(400, rewrittenAt: 299, "--witness", place)
      #expect(rewritten.status == 1 && rewritten.output.contains("the first 300 leaves are not those"), "\(rewritten)")
    }
  }

  @Test func `a witness that has nothing, nothing of this log, or something changed is no witness`() throws {
    func refused(_ status: Int32, _ says: String, at place: String) throws {
      let outcome = try verify(300, "--witness", place)
      #expect(outcome.status == status && outcome.errors.contains(says), "\(outcome)")
    }
    try refused(3, "nowhere: there is no such folder", at: "nowhere")
    try FileManager.default.createDirectory(at: folder.url.appending(path: "witness"), withIntermediateDirectories: true)
    try refused(3, "witness: the witness has seen no log of the trust file", at: "witness")
    let other = try NoteTests.signer("ap-south.example.org/audit", seed: 5)
    let note = try Checkpoint(origin: other.verifierKey.name, size: 9, root: SHA256.digest(of: [])).signed(by: other)
    try Data(note.bytes).write(to: folder.url.appending(path: "kept"))
    try refused(4, "kept: the witness's checkpoint: no log of the trust file signed", at: "kept")
    let text = String(decoding: try #require(SampleLog(size: 300).files["checkpoint"]), as: UTF8.self)
    try Data(text.replacing("\n300\n", with: "\n30\n").utf8).write(to: folder.url.appending(path: "kept"))
    try refused(1, "kept: the witness's checkpoint: the signature of eu-west.example.org/audit does not fit", at: "kept")
    try Data(text.utf8.dropLast(9)).write(to: folder.url.appending(path: "kept"))
    try refused(3, "kept: the witness's checkpoint: signed note: cut off", at: "kept")
  }

  @Test func `a kept checkpoint that was damaged is not passed over`() throws {
    #expect(try verify(300, "--remember", "seen").status == 0)
    let seen = folder.url.appending(path: "seen")
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: seen.path).first)
    let text = String(decoding: try Data(contentsOf: seen.appending(path: name)), as: UTF8.self)
    try Data(text.replacing("\n300\n", with: "\n30\n").utf8).write(to: seen.appending(path: name))
    let outcome = try verify(300, "--remember", "seen")
    #expect(outcome.status == 2 && outcome.errors.contains("seen/\(name): the signature of"), "\(outcome)")
  }

  @Test func `a witness is compared with all that was logged, so with a whole reading`() throws {
    try witness(saw: 300, at: "kept")
    let outcome = try verify(300, "--remember", "seen", "--since-last", "--witness", "kept")
    #expect(outcome.status == 2 && outcome.errors.contains("--witness"), "\(outcome)")
  }
}
