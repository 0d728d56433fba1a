import AuditTrail
import Cryptography
import Foundation
import Residency
import Testing

@Suite struct CommandLineTests {
  let folder: TemporaryFolder
  let log: SampleLog

  init() throws {
    folder = try TemporaryFolder()
    log = try SampleLog(size: 300)
    try log.write(to: folder.url.appending(path: "log"))
    try write("log \(log.signer.verifierKey)\nwitness us-east \(log.witness.verifierKey)\nquorum us-east\n", "trust.txt")
  }

  private func write(_ text: String, _ path: String) throws {
    let file = folder.url.appending(path: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  private func run(_ arguments: String...) throws -> AuditCommand.Outcome {
    try AuditCommand.run(arguments, in: folder.url)
  }

  @Test func `verify of an honest folder exits 0 and says what it did not check`() throws {
    let outcome = try run("verify", "--log", "log", "--trust", "trust.txt")
    #expect(outcome.status == 0, "\(outcome)")
    for part in ["VERIFIED", "300 leaves", "quorum met", "(UTC)", "not checked", "eu-west.example.org/audit"] {
      #expect(outcome.output.contains(part), "\(part) in \(outcome.output)")
    }
    let json = try run("verify", "--log", "log", "--trust", "trust.txt", "--json")
    let document = try JSONValue(parsing: json.output.utf8)
    #expect(json.status == 0 && document["exit_status"] == 0)
    #expect(document["logs"]?.arrayValue?.first?["verification"]?["leaves_verified"] == 300)
  }

  @Test func `verify exits 1 for a changed leaf, and names it`() throws {
    var changed = log
    var leaf = log.leaves[123]
    leaf[100] ^= 1
    try changed.replaceLeaf(123, with: leaf)
    try changed.write(to: folder.url.appending(path: "log"))
    let outcome = try run("verify", "--log", "log", "--trust", "trust.txt")
    #expect(outcome.status == 1 && outcome.output.contains("leaf 123 was changed"), "\(outcome)")
  }

  @Test func `verify exits 3 for a missing tile, an empty folder and no folder`() throws {
    try FileManager.default.removeItem(at: folder.url.appending(path: "log/tile/0/000"))
    #expect(try run("verify", "--log", "log", "--trust", "trust.txt").status == 3)
    try FileManager.default.createDirectory(at: folder.url.appending(path: "empty"), withIntermediateDirectories: true)
    #expect(try run("verify", "--log", "empty", "--trust", "trust.txt").status == 3)
    #expect(try run("verify", "--log", "nowhere", "--trust", "trust.txt").status == 3)
    #expect(try run("verify", "--log", "https://127.0.0.1:1", "--trust", "trust.txt").status == 3)
  }

  @Test func `verify exits 4 for a key that is not trusted, and for too few witnesses`() throws {
    let stranger = try NoteTests.signer("eu-west.example.org/audit", seed: 77)
    try write("log \(stranger.verifierKey)\nquorum none\n", "other.txt")
    #expect(try run("verify", "--log", "log", "--trust", "other.txt").status == 4)
    let absent = try NoteTests.signer("ap-south.example.org/witness", .cosignatureV1, seed: 78)
    try write("log \(log.signer.verifierKey)\nwitness ap-south \(absent.verifierKey)\nquorum ap-south\n", "other.txt")
    let outcome = try run("verify", "--log", "log", "--trust", "other.txt")
    #expect(outcome.status == 4 && outcome.output.contains("QUORUM NOT MET"))
  }

  @Test(arguments: [
    ["verify", "--log", "log"], ["verify", "--log", "log", "--region", "eu-west", "--trust", "trust.txt"],
    ["verify", "--loog", "x"],
    ["verify"], ["frobnicate"], ["query", "--since", "yesterday", "--log", "log", "--trust", "trust.txt"], ["who"],
    ["verify", "--log", "http://localhost/", "--trust", "trust.txt"], ["prove", "--index", "x"],
    ["verify", "--rows", "--log", "log", "--trust", "trust.txt"], ["verify", "--rows", "--since-last", "--remember", "seen"],
    ["verify", "--rows", "--region", "eu-west", "--checkpoint", "log/checkpoint"],
  ])
  func `wrong usage exits 2`(arguments: [String]) throws {
    let outcome = try AuditCommand.run(arguments, in: folder.url)
    #expect(outcome.status == 2 && !outcome.errors.isEmpty, "\(outcome)")
  }

  @Test func `help exits 0`() throws {
    #expect(try run("--help").status == 0)
    let help = try run("verify", "--help").output
    for option in ["--trust", "--rows"] { #expect(help.contains(option)) }
  }

  @Test func `a remembered checkpoint convicts a log that was rewritten or cut off`() throws {
    #expect(try run("verify", "--log", "log", "--trust", "trust.txt", "--remember", "seen").status == 0)
    #expect(try run("verify", "--log", "log", "--trust", "trust.txt", "--remember", "seen").status == 0)
    try SampleLog(size: 290).write(to: folder.url.appending(path: "shorter"))
    let shorter = try run("verify", "--log", "shorter", "--trust", "trust.txt", "--remember", "seen")
    #expect(shorter.status == 1 && shorter.output.contains("cut off"), "\(shorter)")
    try SampleLog(size: 310) { index, event in if index == 5 { event.principal = "other" } }
      .write(to: folder.url.appending(path: "rewritten"))
    let rewritten = try run("verify", "--log", "rewritten", "--trust", "trust.txt", "--remember", "seen")
    #expect(rewritten.status == 1 && rewritten.output.contains("history was rewritten"), "\(rewritten)")
  }

  @Test func `query lists what matches as table, JSON and CSV`() throws {
    let table = try run("query", "--log", "log", "--trust", "trust.txt", "--decision", "deny", "--principal", "shop")
    #expect(table.status == 0 && table.output.contains("POLICY_DENIED") && table.output.contains("policies/eu-transfers.yaml:6"))
    #expect(!table.output.contains("allowed"))
    let csv = try run("query", "--log", "log", "--trust", "trust.txt", "--decision", "deny", "--format", "csv")
    #expect(csv.output.split(separator: "\r\n").count == 61)
    let json = try run("query", "--log", "log", "--trust", "trust.txt", "--to-region", "us-east", "--json")
    let logs = try JSONValue(parsing: json.output.utf8)["logs"]?.arrayValue
    #expect(logs?.first?["events"]?.arrayValue?.count == 150)
  }

  @Test func `who names every disclosure and refusal of a subject, and nobody once erased`() throws {
    let period = AuditPeriod(containing: UTCTime(milliseconds: 1_795_355_334_012))
    let body = "{\"pseudonyms\":[{\"period\":\"\(period)\",\"pseudonym\":\"\(SHA256.digest(of: [3]))\"}]}"
    let name = SHA256.digest(of: Array("resident-eu".utf8))
    try write(body, "log/subjects/\(name).json")
    let found = try run("who", "resident-eu", "--log", "log", "--trust", "trust.txt", "--format", "csv")
    let rows = found.output.split(separator: "\r\n").dropFirst()
    let expected = (0..<300).filter { $0 % 7 == 3 && ($0 % 3 != 0 || $0 % 5 == 4) }
    #expect(found.status == 0 && rows.count == expected.count, "\(found)")
    #expect(rows.allSatisfy { $0.contains("\"read\"") || $0.contains("\"denied\"") })
    let nobody = try run("who", "resident-us", "--log", "log", "--trust", "trust.txt")
    #expect(nobody.status == 0 && nobody.output.contains("nobody"))
  }

  @Test func `an exported folder verifies by itself, with the subjects that were asked for`() throws {
    let name = SHA256.digest(of: Array("resident-eu".utf8))
    try write("{}", "log/subjects/\(name).json")
    let export = try run("export", "--log", "log", "--trust", "trust.txt", "--out", "bundle", "--subject", "resident-eu")
    #expect(export.status == 0, "\(export)")
    try FileManager.default.removeItem(at: folder.url.appending(path: "log"))
    #expect(try run("verify", "--log", "bundle", "--trust", "trust.txt").status == 0)
    #expect(try run("who", "resident-eu", "--log", "bundle", "--trust", "trust.txt").status == 0)
    #expect(try run("export", "--log", "bundle", "--trust", "trust.txt", "--out", "bundle").status == 2)
    let events = try run("export", "--log", "bundle", "--trust", "trust.txt", "--out", "events", "--format", "ocsf")
    #expect(events.status == 0)
    let lines = try String(contentsOf: folder.url.appending(path: "events/events.jsonl"), encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 300 && lines.first.map { Array($0.utf8) } == log.leaves[0])
  }

  @Test func `a proof checks offline, and fails for another leaf or another key`() throws {
    let prove = try run(
      "prove", "--log", "log", "--trust", "trust.txt", "--index", "257", "-o", "p.tlog-proof", "--leaf-out", "leaf")
    #expect(prove.status == 0, "\(prove)")
    #expect(try run("check", "p.tlog-proof", "--leaf", "leaf", "--trust", "trust.txt").status == 0)
    try write("another", "other-leaf")
    #expect(try run("check", "p.tlog-proof", "--leaf", "other-leaf", "--trust", "trust.txt").status == 1)
    let stranger = try NoteTests.signer("eu-west.example.org/audit", seed: 77)
    try write("log \(stranger.verifierKey)\nquorum none\n", "other.txt")
    #expect(try run("check", "p.tlog-proof", "--leaf", "leaf", "--trust", "other.txt").status == 4)
    #expect(try run("prove", "--log", "log", "--trust", "trust.txt", "--index", "300", "-o", "x").status == 3)
    try write("garbage", "garbage")
    #expect(try run("check", "garbage", "--leaf", "leaf", "--trust", "trust.txt").status == 3)
  }

  @Test func `without flags every region of the state folder is read, and the trust is said to be the operator's`() throws {
    try write("{\"eu-west\":\"log\"}", ".domicile/endpoints.json")
    try write("log \(log.signer.verifierKey)\nquorum none\n", ".domicile/audit-trust/eu-west.txt")
    let outcome = try run("verify")
    #expect(outcome.status == 0 && outcome.output.contains("operator's own set-up"), "\(outcome)")
    let rows = try run("verify", "--rows")
    #expect(rows.status == 3 && rows.output.contains("a folder has a log, and no rows"), "\(rows)")
    let misspelt = try run("verify", "--region", "eu-wset")
    #expect(misspelt.status == 2 && misspelt.errors.contains("did you mean eu-west?"), "\(misspelt)")
  }
}
