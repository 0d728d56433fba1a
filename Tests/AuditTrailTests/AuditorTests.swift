import AuditTrail
import Cryptography
import Foundation
import Residency
import Testing

/// Reports, scans, watches and streams as an auditor runs them.
@Suite struct AuditorTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func place(_ log: SampleLog) throws {
    try? FileManager.default.removeItem(at: folder.url.appending(path: "log"))
    try log.write(to: folder.url.appending(path: "log"))
    try write("log \(log.signer.verifierKey)\nwitness us-east \(log.witness.verifierKey)\nquorum us-east\n", "trust.txt")
  }

  private func write(_ text: String, _ path: String) throws {
    let file = folder.url.appending(path: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  private func read(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.url.appending(path: path)), as: UTF8.self)
  }

  private func run(_ arguments: String...) throws -> AuditCommand.Outcome {
    try AuditCommand.run(arguments + ["--log", "log", "--trust", "trust.txt"], in: folder.url)
  }

  @Test func `a report is written in each form, and comes out the same from a checkpoint of then`() throws {
    let then = try ReportTests.log(300)
    try place(then)
    for format in ["md", "html", "json", "csv"] {
      let outcome = try run("report", "--framework", "gdpr-ch5", "--format", format, "-o", "before.\(format)")
      #expect(outcome.status == 0, "\(outcome)")
    }
    try write(try read("log/checkpoint"), "then.checkpoint")
    var grown = try ReportTests.log(600)
    // Partial tiles of then are still there: files of a log do not go.
    for (path, bytes) in then.files where grown.files[path] == nil { grown.files[path] = bytes }
    try place(grown)
    for format in ["md", "html", "json", "csv"] {
      let again = try run(
        "report", "--framework", "gdpr-ch5", "--format", format, "-o", "after.\(format)", "--checkpoint", "then.checkpoint")
      #expect(again.status == 0, "\(again)")
      #expect(try read("before.\(format)") == read("after.\(format)"))
    }
  }

  @Test func `a report of a log that was changed says so, and ends with 1`() throws {
    var log = try ReportTests.log(300)
    var leaf = log.leaves[17]
    leaf[100] ^= 1
    try log.replaceLeaf(17, with: leaf)
    try place(log)
    let outcome = try run("report", "--framework", "transfers")
    #expect(
      outcome.status == 1 && outcome.output.contains("leaf 17 was changed") && outcome.errors.contains("TAMPERED"), "\(outcome)")
  }

  @Test func `a transfer that rests on nothing ends a report with 5`() throws {
    try place(try ReportTests.log { index, event in if index == 7 { event.safeguard = nil } })
    let outcome = try run("report", "--framework", "gdpr-ch5")
    #expect(outcome.status == 5 && outcome.errors.contains("leaf eu-west.example.org/audit 7"), "\(outcome)")
  }

  @Test func `wrong words are refused with what is right`() throws {
    try place(try ReportTests.log())
    for arguments in [
      ["report", "--framework", "gdpr"], ["report", "--framework", "gdpr-ch5", "--period", "last week"],
      ["breach", "--since", "yesterday"], ["breach", "--since", "2026-11-02", "--until", "2026-11-01"], ["watch"],
      ["export", "--out", "x", "--follow"], ["report", "--framework", "gdpr-ropa", "--context", "trust.txt"],
    ] {
      let outcome = try AuditCommand.run(arguments + ["--log", "log", "--trust", "trust.txt"], in: folder.url)
      #expect(outcome.status == 2 && !outcome.errors.isEmpty, "\(arguments): \(outcome)")
    }
  }

  @Test func `a question with a memory finds the same as one without, reads only what is new, and notices another history`()
    throws
  {
    try place(try SampleLog(size: 600))
    let words = [
      "query", "--decision", "deny", "--to-region", "us-east", "--format", "csv", "--log", "log", "--trust", "trust.txt",
    ]
    func ask(_ more: String...) throws -> AuditCommand.Outcome { try AuditCommand.run(words + more, in: folder.url) }
    let plain = try ask()
    #expect(plain.status == 0 && plain.output.split(separator: "\r\n").count == 61)
    #expect(try ask("--remember", "memory").output == plain.output)
    #expect(try ask("--remember", "memory").output == plain.output)
    try place(try SampleLog(size: 900))
    let grown = try ask()
    #expect(try ask("--remember", "memory").output == grown.output)
    // The leaves of full tiles are not read again: only those that match, and those after.
    try place(try SampleLog(size: 900) { index, event in if index == 8 { event.reason = "CHANGED" } })
    let changed = try ask("--remember", "memory")
    #expect(changed.status == 1, "\(changed)")
  }

  @Test func `each event that a question found can be handed on with its proof, and is checked by itself`() throws {
    try place(try SampleLog(size: 600))
    let outcome = try run("query", "--decision", "deny", "--to-region", "us-east", "--with-proof", "proofs", "--json")
    #expect(outcome.status == 0, "\(outcome)")
    let found = try JSONValue(parsing: outcome.output.utf8)["logs"]?.arrayValue?.first?["events"]?.arrayValue ?? []
    #expect(found.count == 60)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "proofs").path)
    #expect(files.count == 120)
    // Without the log, and without the rest of the answer.
    try FileManager.default.removeItem(at: folder.url.appending(path: "log"))
    for event in [found.first, found.last] {
      let proof = try #require(event?["proof"]?.stringValue)
      let leaf = "proofs/\(proof.dropLast(".tlog-proof".count)).leaf"
      let check = ["check", "proofs/\(proof)", "--leaf", leaf, "--trust", "trust.txt"]
      #expect(try AuditCommand.run(check, in: folder.url).status == 0, "\(proof) of \(files)")
      let bytes = try Data(contentsOf: folder.url.appending(path: leaf))
      #expect(SHA256.digest(of: [0] + bytes).description == event?["leaf_hash"]?.stringValue)
      var changed = bytes
      changed[100] ^= 1
      try changed.write(to: folder.url.appending(path: "changed.leaf"))
      let other = ["check", "proofs/\(proof)", "--leaf", "changed.leaf", "--trust", "trust.txt"]
      #expect(try AuditCommand.run(other, in: folder.url).status == 1)
    }
  }

  @Test func `an event that cannot be proven gets no proof, and is named`() throws {
    try place(try SampleLog(size: 600))
    #expect(try run("query", "--principal", "shop", "--remember", "memory").status == 0)
    // Read while the log was whole; the tiles that would prove it are gone.
    try FileManager.default.removeItem(at: folder.url.appending(path: "log/tile/0/000"))
    let outcome = try run("query", "--principal", "shop", "--remember", "memory", "--with-proof", "proofs")
    #expect(outcome.status == 3 && outcome.output.contains("leaf 0 is missing"), "\(outcome)")
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "proofs").path)) ?? []
    #expect(!files.contains { $0.hasSuffix("-0.leaf") }, "\(files)")
    let json = try run("query", "--principal", "shop", "--remember", "memory", "--with-proof", "proofs", "--json")
    let events = try JSONValue(parsing: json.output.utf8)["logs"]?.arrayValue?.first?["events"]?.arrayValue ?? []
    let named = events.compactMap { $0["proof"]?.stringValue }
    #expect(!named.isEmpty && named.allSatisfy { files.contains($0) }, "\(named) of \(files)")
  }

  @Test func `a proof that does not lead to the signed root is not handed on`() throws {
    var log = try SampleLog(size: 600)
    log.files["tile/0/000"]?[0] ^= 1
    try place(log)
    let outcome = try run("query", "--principal", "shop", "--with-proof", "proofs")
    #expect(outcome.status == 1 && outcome.output.contains("tile/0/000 was changed"), "\(outcome)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "proofs").path)
    let proven = Set(files.compactMap { $0.split(separator: "-").last?.split(separator: ".").first.flatMap { Int($0) } })
    // All paths from the first 256 leaves lead over the changed hash, except that of the leaf whose own it is.
    #expect(proven == Set((256..<600).filter { $0 % 2 == 0 } + [0]), "\(proven.sorted())")
  }

  @Test func `with a memory, a leaf that matches and was changed is not believed`() throws {
    var log = try SampleLog(size: 600)
    try place(log)
    #expect(try run("query", "--principal", "shop", "--remember", "memory").status == 0)
    var leaf = log.leaves[10]
    leaf[100] ^= 1
    try log.replaceLeaf(10, with: leaf)
    try place(log)
    let outcome = try run("query", "--principal", "shop", "--remember", "memory")
    #expect(outcome.status == 1 && outcome.output.contains("leaf 10 was changed"), "\(outcome)")
  }

  @Test func `a watch says what changes, and ends where tampering is proven`() throws {
    try place(try SampleLog(size: 300))
    let first = try run("watch", "--remember", "memory", "--rounds", "2", "--interval", "1s")
    #expect(first.status == 0 && first.output.split(separator: "\n").count == 1, "\(first)")
    try place(try SampleLog(size: 290))
    let back = try run("watch", "--remember", "memory", "--interval", "1s", "--json")
    #expect(back.status == 1 && back.output.contains("rolled_back"), "\(back)")
  }

  @Test func `a stream goes on where it ended, and leaves nothing out`() throws {
    try place(try SampleLog(size: 300))
    #expect(try run("export", "--format", "jsonl", "--out", "events", "--cursor", "cursor").status == 0)
    #expect(try run("export", "--format", "jsonl", "--out", "events", "--cursor", "cursor").status == 0)
    try place(try SampleLog(size: 700))
    #expect(try run("export", "--format", "jsonl", "--out", "events", "--cursor", "cursor").status == 0)
    let lines = try read("events").split(separator: "\n")
    #expect(try lines.map { try JSONValue(parsing: Array($0.utf8))["index"]?.numberValue } == (0..<700).map { Double($0) })
    let first = try JSONValue(parsing: Array(try #require(lines.first).utf8))
    #expect(first["log"] == "eu-west.example.org/audit" && first["event"]?["class_uid"] == 6005)
    try place(try SampleLog(size: 800) { index, event in if index == 3 { event.reason = "CHANGED" } })
    #expect(try run("export", "--format", "jsonl", "--out", "events", "--cursor", "cursor").status == 1)
    try write("{}", "cursor")
    #expect(try run("export", "--format", "jsonl", "--out", "events", "--cursor", "cursor").status == 2)
  }

  @Test func `neither a stream nor a memory passes over a leaf that cannot be read`() throws {
    var log = try SampleLog(size: 300)
    try log.relog(7, as: Array("{}".utf8))
    try place(log)
    for _ in 0..<2 {
      // No witness has seen it either, which weighs more, and must not hide that.
      let outcome = try run("export", "--format", "jsonl", "--out", "events", "--cursor", "cursor")
      #expect(outcome.status == 4, "\(outcome)")
      #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "cursor").path))
    }
    for _ in 0..<2 {
      let outcome = try run("verify", "--since-last", "--remember", "memory")
      #expect(outcome.status == 4 && outcome.output.contains("leaf 7 is as it was logged, but cannot be read"), "\(outcome)")
    }
    // By one who can read it, all of it is written again: nothing is left out.
    try place(try SampleLog(size: 300))
    #expect(try run("export", "--format", "jsonl", "--out", "events", "--cursor", "cursor").status == 0)
    let indexes = try read("events").split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8))["index"]?.numberValue }
    #expect(indexes.suffix(300) == (0..<300).map { Double($0) }[...])
  }

  @Test func `a scan finds marks of people at home elsewhere, at the edge of a block too, and does not print them`() throws {
    var bytes = [UInt8](repeating: 0x61, count: (1 << 20) + 100)
    bytes.replaceSubrange((1 << 20) - 5..<(1 << 20) + 7, with: Array("secret-mark1".utf8))
    try FileManager.default.createDirectory(at: folder.url.appending(path: "store/base"), withIntermediateDirectories: true)
    try Data(bytes).write(to: folder.url.appending(path: "store/base/1"))
    try write("eu-west\tsecret-mark1\nus-east\tother-mark\n", "marks")
    try write("nothing, but other-mark", "store/log")
    func scan(_ region: String, _ more: String...) throws -> AuditCommand.Outcome {
      try AuditCommand.run(["scan", "--region", region, "--marks", "marks", "store"] + more, in: folder.url)
    }
    let foreign = try scan("us-east")
    #expect(foreign.status == 5, "\(foreign)")
    #expect(foreign.output.contains("store/base/1, byte \((1 << 20) - 5): the mark of line 1"))
    #expect(
      !foreign.output.contains("secret-mark1") && foreign.output.split(separator: "\n").count { $0.contains("found:") } == 1)
    try FileManager.default.removeItem(at: folder.url.appending(path: "store/base/1"))
    let clean = try scan("us-east", "--json")
    #expect(clean.status == 0, "\(clean)")
    try write(clean.output, "scan.json")
    try place(try ReportTests.log())
    let report = try run("report", "--framework", "residency", "--scan", "scan.json")
    #expect(report.status == 0 && report.output.contains("| us-east | store | 1 | 23 | 1 | 0 | 0 |"), "\(report)")
    #expect(try AuditCommand.run(["scan", "--region", "us-east", "--marks", "marks", "nowhere"], in: folder.url).status == 3)
    try write("eu-west secret-mark1\n", "marks")
    #expect(try scan("us-east").status == 2)
  }

  @Test func `a file that cannot be read to its end was not looked into, and the attestation says so`() throws {
    try write("eu-west\tsecret-mark1\n", "marks")
    try write("nothing", "store/log")
    try Data([0x1f, 0x8b, 0, 0, 0, 0, 0, 0]).write(to: folder.url.appending(path: "store/old.gz"))
    // It opens, and no byte of it can be read.
    let outcome = try AuditCommand.run(
      ["scan", "--region", "us-east", "--marks", "marks", "--json", "store", "/proc/self/mem"], in: folder.url)
    #expect(outcome.status == 3, "\(outcome)")
    #expect(outcome.errors.contains("/proc/self/mem"))
    try write(outcome.output, "scan.json")
    try place(try ReportTests.log())
    let report = try run("report", "--framework", "residency", "--scan", "scan.json")
    #expect(report.output.contains("/proc/self/mem was not looked through whole"), "\(report)")
    #expect(report.output.contains("| us-east | store/old.gz | compressed |"))
  }

  @Test func `a new key takes the old one's place, and what that signed stays verifiable`() throws {
    let log = try SampleLog(size: 20)
    try place(log)
    try write(LogKeyFile(log.signer).text, "state/eu-west/audit.key")
    try write(try read("trust.txt"), "state/audit-trust/eu-west.txt")
    func keys(_ word: String) throws -> AuditCommand.Outcome {
      try AuditCommand.run(["keys", word, "--state", "state", "--region", "eu-west"], in: folder.url)
    }
    let rotated = try keys("rotate")
    #expect(rotated.status == 0 && rotated.errors.contains("is retired"), "\(rotated)")
    let file = try LogKeyFile(parsing: try read("state/eu-west/audit.key"))
    #expect(file.retired == [log.signer.verifierKey] && file.signer.verifierKey != log.signer.verifierKey)
    #expect(file.text == (try read("state/eu-west/audit.key")))
    #expect(rotated.output == "log \(file.signer.verifierKey)\n")
    #expect(try keys("show").output == file.verifierKeys.map { "log \($0)\n" }.joined())
    let path = folder.url.appending(path: "state/eu-west/audit.key").path
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    #expect(!rotated.output.contains("PRIVATE") && !rotated.errors.contains("PRIVATE"))

    // The old checkpoint, and one that the new key signed.
    func verify() throws -> Int32 {
      try AuditCommand.run(["verify", "--log", "log", "--trust", "state/audit-trust/eu-west.txt"], in: folder.url).status
    }
    #expect(try verify() == 0)
    var note = try log.checkpoint.signed(by: file.signer)
    note.add(try log.witness.sign(note.text, time: 1_795_000_000))
    try Data(note.bytes).write(to: folder.url.appending(path: "log/checkpoint"))
    #expect(try verify() == 0)
    #expect(try AuditCommand.run(["verify", "--log", "log", "--trust", "trust.txt"], in: folder.url).status == 4)
    #expect(try keys("rotate").status == 0)
    #expect(try LogKeyFile(parsing: try read("state/eu-west/audit.key")).retired.count == 2)
    try write("x", "state/eu-west/audit.key")
    #expect(try keys("rotate").status == 2)
  }
}
