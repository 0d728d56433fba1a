import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct TrustPolicyTests {
  let log: NoteSigner
  let witnesses: [NoteSigner]

  init() throws {
    log = try NoteTests.signer("log.example")
    witnesses = try (0..<5).map { try NoteTests.signer("w\($0).example", .cosignatureV1, seed: UInt8(10 + $0)) }
  }

  private func parse(_ text: String) throws -> TrustPolicy { try TrustPolicy(parsing: Array(text.utf8), file: "trust.txt") }

  private func note(cosignedBy indexes: [Int]) throws -> SignedNote {
    let checkpoint = Checkpoint(origin: log.verifierKey.name, size: 1, root: SHA256.digest(of: [1]))
    var note = try checkpoint.signed(by: log)
    for index in indexes { note.add(try witnesses[index].sign(checkpoint.text, time: 1_700_000_000 + UInt64(index))) }
    return note
  }

  private var definitions: String {
    "log \(log.verifierKey) https://log.example\n"
      + witnesses.enumerated().map { "witness W\($0) \($1.verifierKey)\n" }.joined()
  }

  @Test func `groups of groups decide the quorum`() throws {
    let policy = try parse(
      """
      # two of the first three, and any of the others
      \(definitions)
      group X 2 W0 W1 W2
      \tgroup  Y any W3\tW4
      group both all X Y
      quorum both

      """)
    let expected: [([Int], TrustedCheckpoint.QuorumState)] = [
      ([], .unmet), ([0, 1], .unmet), ([0, 3], .unmet), ([3, 4], .unmet), ([0, 1, 2], .unmet), ([0, 2, 4], .met),
      ([0, 1, 2, 3, 4], .met),
    ]
    for (cosigners, state) in expected {
      let trusted = try policy.verify(try note(cosignedBy: cosigners))
      #expect(trusted.quorum == state, "\(cosigners)")
      #expect(trusted.cosignatures.map(\.witness.name) == cosigners.map { "W\($0)" })
    }
    #expect(try policy.verify(try note(cosignedBy: [1])).cosignatures.first?.at.description == "2023-11-14T22:13:21.000Z")
  }

  @Test func `quorum none asks for no witness, and says so`() throws {
    let policy = try parse("\(definitions)quorum none\n")
    #expect(try policy.verify(try note(cosignedBy: [])).quorum == .notRequired)
  }

  @Test func `a checkpoint that no listed log signed is not trusted`() throws {
    let other = try NoteTests.signer("log.example", seed: 99)
    let policy = try parse("log \(other.verifierKey)\nquorum none\n")
    #expect(throws: TrustError.notSignedByTrustedLog) { try policy.verify(try note(cosignedBy: [])) }
    let witnessOnly = try parse("witness W0 \(witnesses[0].verifierKey)\nquorum W0\n")
    #expect(throws: TrustError.notSignedByTrustedLog) { try witnessOnly.verify(try note(cosignedBy: [0])) }
  }

  @Test func `a log cannot sign in another log's name`() throws {
    let origin = try #require(KeyName("victim.example"))
    let note = try Checkpoint(origin: origin, size: 1, root: SHA256.digest(of: [1])).signed(by: log)
    #expect(throws: TrustError.foreignOrigin(log.verifierKey.name)) { try parse("\(definitions)quorum none\n").verify(note) }
  }

  @Test(arguments: [
    ("", "no quorum line"), ("quorum nobody\n", "'nobody' is not defined"), ("quorum none\nquorum none\n", "second quorum"),
    ("LOG\nLOG\nquorum none\n", "given twice"), ("witness W \u{2026}\nquorum none\n", "not name+id+key"),
    ("witness none WITNESS\nquorum none\n", "is taken"), ("witness A WITNESS\ngroup A any A\nquorum A\n", "is taken"),
    ("witness A WITNESS\ngroup G 2 A\nquorum G\n", "threshold"), ("witness A WITNESS\ngroup G 0 A\nquorum G\n", "threshold"),
    ("witness A WITNESS\ngroup G 01 A\nquorum G\n", "threshold"),
    ("witness A WITNESS\ngroup G all A A\nquorum G\n", "given twice"),
    ("group G any A\nwitness A WITNESS\nquorum G\n", "not defined above"),
    ("witness eu-west WITNESS\nquorum eu-wset\n", "did you mean 'eu-west'"),
    ("logs x\nquorum none\n", "unknown line"), ("quorum\n", "a quorum line is"), ("log WITNESS\nquorum none\n", "wrong kind"),
    ("witness A WITNESS\nwitness B WITNESS\nquorum A\n", "given twice"), ("quorum none\r\n", "control characters"),
    ("group G any\nquorum G\n", "a group line is"), ("witness A WITNESS\ngroup G any none\nquorum G\n", "not defined"),
  ])
  func `a wrong line is named, with what is wrong`(text: String, message: String) throws {
    let text = text.replacing("WITNESS", with: "\(witnesses[0].verifierKey)").replacing("LOG", with: "log \(log.verifierKey)")
    do {
      _ = try parse(text)
      Issue.record("accepted")
    } catch let error as ConfigurationError {
      #expect(error.description.contains(message) && error.description.contains("trust.txt:"), "\(error)")
    }
  }

  @Test func `the text that is written for a set of witnesses is read back`() throws {
    let text = TrustPolicy.text(
      logs: [log.verifierKey], witnesses: witnesses.prefix(2).enumerated().map { ("W\($0)", $1.verifierKey) }, threshold: 1)
    let policy = try parse(text)
    #expect(try policy.verify(try note(cosignedBy: [1])).quorum == .met)
    #expect(try policy.verify(try note(cosignedBy: [])).quorum == .unmet)
    #expect(try parse(TrustPolicy.text(logs: [log.verifierKey], witnesses: [], threshold: 0)).quorum == TrustPolicy.Quorum.none)
  }

  @Test func `groups that name the same groups line after line are refused, since their members double with each`() throws {
    var text = definitions + "group a0 all W0 W1\ngroup b0 any W0 W1\n"
    for line in 1..<80 {
      text += "group a\(line) all a\(line - 1) b\(line - 1)\ngroup b\(line) any a\(line - 1) b\(line - 1)\n"
      let whole = text + "quorum a\(line)\n"
      if line <= 12 { #expect(try parse(whole).verify(note(cosignedBy: [0, 1])).quorum == .met) }
      if line >= 16 { #expect(throws: ConfigurationError.self) { try parse(whole) } }
    }
  }

  @Test func `a name of a megabyte that is not defined is refused at once`() throws {
    let (defined, asked) = (String(repeating: "a", count: 1 << 20), String(repeating: "b", count: 1 << 20))
    #expect(throws: ConfigurationError.self) {
      try parse("log \(log.verifierKey)\nwitness \(defined) \(witnesses[0].verifierKey)\nquorum \(asked)\n")
    }
  }

  @Test func `any time that a witness may give can be shown`() throws {
    let policy = try parse("log \(log.verifierKey)\nwitness W0 \(witnesses[0].verifierKey)\nquorum W0\n")
    for time in [0, 1, UInt64(Int64.max) / 1000, UInt64(Int64.max) / 1000 + 1, UInt64(Int64.max)] {
      let checkpoint = Checkpoint(origin: log.verifierKey.name, size: 1, root: SHA256.digest(of: [1]))
      var note = try checkpoint.signed(by: log)
      note.add(try witnesses[0].sign(checkpoint.text, time: time))
      let cosignature = try #require(try policy.verify(note).cosignatures.first)
      #expect(cosignature.at >= UTCTime(milliseconds: 0) && !cosignature.at.description.isEmpty)
    }
    #expect(UTCTime(milliseconds: .min).description == "-292275055-05-16T16:47:04.192Z")
    #expect(UTCTime(milliseconds: -1).description == "1969-12-31T23:59:59.999Z")
  }
}
