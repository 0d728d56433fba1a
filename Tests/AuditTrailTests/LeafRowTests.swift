import AuditTrail
import Cryptography
import Residency
import Testing

/// What the store's rows say is what the log has.
@Suite struct LeafRowTests {
  /// As a coordinator records a read at full load.
  private static func read() throws -> AuditEvent {
    var event = try SampleLog.event(1)
    event.id = SHA256.digest(of: [1]).bytes.prefix(16).hex
    event.policyRevision = "sha256:\(SHA256.digest(of: [2]))"
    event.classes = [DataClass("contact"), DataClass("profile")]
    event.facts = AuditEvent.DecisionFacts(action: .read)
    event.legalBasis = "contract"
    event.recordVersion = 1
    event.sealedDetails = [UInt8](repeating: 9, count: 48)
    return event
  }

  /// Events with and without each attribute, of coordinators themselves too, with texts of any kind.
  private static func events(_ count: Int) throws -> [AuditEvent] {
    var random = SeededRandom(seed: 11)
    let texts = ["shop", "büro", "名前", "", "\"eins\"", String(repeating: "ä", count: 70)]
    return try (0..<count).map { number in
      var event = try LeafOutlineTests.event(&random)
      if number % 2 == 0 { event.principal = texts[number / 2 % texts.count] }
      if number % 3 == 0 {
        event.account = AuditEvent.Account(through: UInt64(number), passed: NumberRanges(3...4), failed: NumberRanges(7...7))
      }
      if number % 3 == 1 {
        event.setup = AuditEvent.Setup(catalogHash: SHA256.digest(of: [1]), logKey: "0a0b0c0d", witnessKey: "01020304")
      }
      if number % 3 == 2 { event.sealedDetails = [UInt8](repeating: UInt8(number % 256), count: 100 + number) }
      return event
    }
  }

  @Test func `a row gives the leaf of its event, whatever the event has`() throws {
    for event in try Self.events(2_000) {
      let leaf = try event.row.leaf()
      try #require(try AuditEvent(leaf: leaf) == event)
      try #require(try JSONValue(parsing: leaf).canonicalBytes == leaf, "\(String(decoding: leaf, as: UTF8.self))")
      try #require(try event.row.leafHash() == MerkleTree.leafHash(leaf))
      let filled = try event.form.rowAndHash(event.particulars, sealedDetails: event.sealedDetails)
      try #require(filled.row == event.row && filled.leafHash == MerkleTree.leafHash(leaf))
    }
  }

  @Test func `a form that is filled in with another event's particulars says those, and all else as before`() throws {
    let events = try Self.events(60)
    for event in events {
      for other in events {
        var expected = event
        expected.time = other.time
        expected.id = other.id
        expected.recordVersion = other.recordVersion
        expected.request = other.request
        expected.salt = other.salt
        expected.subject = other.subject
        expected.subjectEpoch = other.subjectEpoch
        expected.sealedDetails = other.sealedDetails
        let filled = try event.form.rowAndHash(other.particulars, sealedDetails: other.sealedDetails)
        try #require(try AuditEvent(leaf: filled.row.leaf()) == expected)
        try #require(filled.leafHash == MerkleTree.leafHash(try filled.row.leaf()))
      }
    }
  }

  @Test(arguments: [70_000, 3_000_000])
  func `a leaf that is too long for a log is not written`(byteCount: Int) throws {
    var event = try Self.read()
    event.operation = String(repeating: "é", count: byteCount / 2)
    #expect(throws: FormatError.self) { try event.row.leafHash() }
    #expect(throws: FormatError.self) { try event.form.rowAndHash(event.particulars, sealedDetails: event.sealedDetails) }
    event.operation = nil
    event.sealedDetails = [UInt8](repeating: 9, count: byteCount)
    #expect(throws: FormatError.self) { try event.row.leafHash() }
    #expect(throws: FormatError.self) { try event.form.rowAndHash(event.particulars, sealedDetails: event.sealedDetails) }
  }

  /// A word in another's place would make other leaves of the rows that are in stores.
  @Test func `no part of the form of rows changes from one build to the next`() throws {
    let digest = SHA256.digest(of: try Self.events(500).flatMap(\.row.bytes))
    #expect(digest.description == "67a05c99cc739727f0598457611ef5693ed908c1e419c1a5ed54764fe876d4d7")
  }

  @Test(arguments: [
    "", "büro", "名前", "\"eins\"\\", "\u{1}\u{2}\u{3}\u{7f}", "{", "0", "00", "0A", "0a0b", "sha256:", "sha256:0", "sha256:0a",
    "sha256:0A",
    "sha256;0a", String(repeating: "ab", count: 300), String(repeating: "ä", count: 300),
  ])
  func `any text is the same again`(text: String) throws {
    var event = try Self.read()
    event.principal = text
    event.id = text
    event.policyRevision = text
    event.operation = text
    event.facts?.fields = .named([text, text])
    let leaf = try event.row.leaf()
    #expect(try AuditEvent(leaf: leaf) == event)
    #expect(try JSONValue(parsing: leaf).canonicalBytes == leaf)
    #expect(try event.row.leafHash() == MerkleTree.leafHash(leaf))
  }

  @Test(arguments: [1, 300, 749, 750, 751, 5_000, 40_000])
  func `the hash of a leaf of any length is that of its bytes`(count: Int) throws {
    var event = try Self.read()
    event.sealedDetails = [UInt8](repeating: 9, count: count)
    event.operation = String(repeating: "x", count: min(count, 10_000))
    #expect(try event.row.leafHash() == MerkleTree.leafHash(event.leafBytes()))
    let filled = try event.form.rowAndHash(event.particulars, sealedDetails: event.sealedDetails)
    #expect(try filled.leafHash == MerkleTree.leafHash(event.leafBytes()))
  }

  @Test func `the row of a read is less than half of its leaf`() throws {
    let row = try Self.read().row
    let leaf = try row.leaf()
    #expect(row.bytes.count * 2 < leaf.count, "\(row.bytes.count) of \(leaf.count)")
  }

  /// A golden row: those that are in stores must be readable for good.
  @Test func `a row of an earlier build is the same leaf`() throws {
    let event = try Self.read()
    #expect(event.row.bytes.hex == Self.golden)
    let row = try #require([UInt8](hex: Self.golden))
    #expect(try AuditEvent(leaf: LeafRow(bytes: row).leaf()) == event)
  }

  @Test func `a leaf that stands in its row as it is stays so`() throws {
    let leaf = try Self.read().leafBytes()
    #expect(try LeafRow(bytes: leaf).leaf() == leaf)
    #expect(try LeafRow(bytes: leaf).leafHash() == MerkleTree.leafHash(leaf))
  }

  @Test func `a row that was changed gives another leaf, or none`() throws {
    let row = try Self.read().row.bytes
    let leaf = try LeafRow(bytes: row).leaf()
    var refused = 0
    for place in row.indices {
      for bit in 0..<8 {
        var changed = row
        changed[place] ^= 1 << bit
        if let other = try? LeafRow(bytes: changed).leaf() {
          try #require(other != leaf, "bit \(bit) of byte \(place)")
        } else {
          refused += 1
        }
      }
      // Cut off there.
      let rest = try? LeafRow(bytes: Array(row[..<place])).leaf()
      #expect(rest == nil || rest != leaf)
    }
    #expect(refused > 100, "words and forms that there are not")
  }

  @Test(
    arguments: [
      [], [1, 0x04], [2, 0x7b], [1, 0xff], [1, 0x01], [1, 0x01, 0x05, 0x00], [1, 0x01, 0xff, 0xff, 0xff, 0xff, 0x01],
      [1, 0x03, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func `bytes that are no row are refused, with the place`(bytes: [UInt8]) {
    #expect(throws: FormatError.self) { try LeafRow(bytes: bytes).leaf() }
  }

  @Test func `a row of which the leaf would be too long for a log is refused`() throws {
    var event = try Self.read()
    event.sealedDetails = [UInt8](repeating: 0, count: 60_000)
    #expect(throws: FormatError.self) { try event.row.leaf() }
    #expect(throws: FormatError.self) { try event.row.leafHash() }
  }

  private static let golden = """
    017b88312c892252656164222c8a7b8b7b8c22737570706f72742d6465736b227d7d2c802c8e7b907b91224945227d2c852c8c2265752d7765737422\
    7d2c937b812c8c2201104bf5122f344554c53bde2ebb8cd2b7e3222c827d2c832c8f7b907b91225553227d2c852c8c2275732d65617374227d2c862c\
    95312c967b972270726f66696c65227d2c98313739353335353333343031332c993630303530312c9a7b9f2272656164222ca35b22636f6e74616374\
    222c2270726f66696c65225d2ca722023009090909090909090909090909090909090909090909090909090909090909090909090909090909090909\
    0909090909222caa22616c6c6f776564222cab7bac2272656164227d2cbd22636f6e7472616374222cc0227368613235363a0120dbc1b4c900ffe48d\
    575b5da5c638040125f65db0fe3e24494b76ea986457d986222cc122737570706f7274222cc22231222cc67bc72265752d776573742d31222cc82232\
    227d2cc95b7bca22706f6c69636965732f65752d7472616e73666572732e79616d6c3a36222ca12265752e6c6f63616c227d5d2ccc2202103261b4a8\
    fbe54b47c0109b1cc71a9cb5222cd17bd22231222cd322323032362d3131222cd42201204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5\
    d7cce23c7785459a227d7d7d
    """
}
