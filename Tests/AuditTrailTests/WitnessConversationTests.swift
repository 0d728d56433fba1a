import AuditTrail
import Cryptography
import Testing

/// A log's side of the talk with a witness, against the witness's own rule.
@Suite struct WitnessConversationTests {
  let log: NoteSigner
  let cosigner: NoteSigner
  let leaves = ReferenceTree.leaves(600)

  init() throws {
    log = try NoteTests.signer("eu-west.example.org/audit")
    cosigner = try NoteTests.signer("us-east.example.org/witness", .cosignatureV1, seed: 5)
  }

  private var conversation: WitnessConversation {
    WitnessConversation(TrustPolicy.Witness(name: "us-east", key: cosigner.verifierKey, url: nil))
  }

  private func note(_ leaves: [SHA256Digest]) throws -> SignedNote {
    try Checkpoint(origin: log.verifierKey.name, size: leaves.count, root: MerkleTree.root(of: leaves)).signed(by: log)
  }

  /// The tiles of a tree of these leaves.
  private func tiles(_ leaves: [SHA256Digest]) -> [TileCoordinate: [UInt8]] {
    var writer = TileWriter()
    return Dictionary(writer.append(leaves).map { ($0.coordinate, $0.bytes) }, uniquingKeysWith: { _, last in last })
  }

  /// Asks a witness once. Its state moves on as a witness's does.
  private func ask(
    _ talk: inout WitnessConversation, _ leaves: [SHA256Digest], _ witness: inout WitnessState
  ) throws -> WitnessConversation.Outcome {
    let note = try note(leaves)
    let needed = talk.tilesNeeded(size: leaves.count)
    let request = try talk.request(for: note, size: leaves.count, tiles: tiles(leaves).filter { needed.contains($0.key) })
    let answer = witness.consider(requestBody: request.bytes)
    var body = Array(answer.body.utf8)
    if case .cosign(let head) = answer {
      let isRecorded = witness.record(head)
      #expect(isRecorded)
      body = Array(try cosigner.sign(note.text, time: 1_700_000_000).line.utf8)
    }
    return talk.answered(status: answer.status, body: body, on: note, size: leaves.count)
  }

  @Test func `a growing log is cosigned each time, and the cosignature counts`() throws {
    var (talk, witness) = (conversation, WitnessState(logs: [log.verifierKey]))
    for size in [1, 3, 3, 255, 256, 300, 599] {
      let leaves = Array(leaves.prefix(size))
      guard case .cosigned(let signature) = try ask(&talk, leaves, &witness) else {
        Issue.record("not at \(size)")
        return
      }
      var cosigned = try note(leaves)
      cosigned.add(signature)
      let verified = try cosigned.verify(with: [log.verifierKey, cosigner.verifierKey])
      #expect(verified.map(\.cosignedAt) == [nil, 1_700_000_000])
      #expect(talk.seenSize == size)
    }
  }

  @Test func `whoever does not know what the witness saw is told, and asks again`() throws {
    var (first, witness) = (conversation, WitnessState(logs: [log.verifierKey]))
    _ = try ask(&first, Array(leaves.prefix(300)), &witness)
    // A coordinator that has just started.
    var talk = conversation
    #expect(try ask(&talk, Array(leaves.prefix(500)), &witness) == .again)
    guard case .cosigned = try ask(&talk, Array(leaves.prefix(500)), &witness) else {
      Issue.record("it is refused")
      return
    }
    // The other one is behind by now.
    #expect(try ask(&first, Array(leaves.prefix(400)), &witness) == .overtaken(by: 500))
    // A witness that tells something else each time is not asked for ever.
    talk = conversation
    let note = try note(Array(leaves.prefix(9)))
    #expect(talk.answered(status: 409, body: Array("4\n".utf8), on: note, size: 9) == .again)
    #expect(talk.answered(status: 409, body: Array("5\n".utf8), on: note, size: 9) == .refused(.unusable(status: 409)))
  }

  @Test func `a log that was rewritten is told so`() throws {
    var (talk, witness) = (conversation, WitnessState(logs: [log.verifierKey]))
    _ = try ask(&talk, Array(leaves.prefix(300)), &witness)
    var others = leaves
    others[7] = others[8]
    var same = talk
    #expect(try ask(&same, Array(others.prefix(300)), &witness) == .refused(.forked))
    var grown = talk
    #expect(try ask(&grown, Array(others.prefix(500)), &witness) == .refused(.forked))
    // Cut off, it is taken for one that is behind: it cannot grow past what the witness saw without being found out.
    var shorter = talk
    #expect(try ask(&shorter, Array(others.prefix(200)), &witness) == .overtaken(by: 300))
  }

  @Test func `only the witness's own word on this very checkpoint is taken`() throws {
    let (note, other) = (try note(Array(leaves.prefix(9))), try note(Array(leaves.prefix(10))))
    let stranger = try NoteTests.signer("us-east.example.org/witness", .cosignatureV1, seed: 6)
    func outcome(_ status: Int, _ body: String) -> WitnessConversation.Outcome {
      var talk = conversation
      return talk.answered(status: status, body: Array(body.utf8), on: note, size: 9)
    }
    let right = try cosigner.sign(note.text, time: 5)
    let wrong = try stranger.sign(note.text, time: 5).line
    #expect(outcome(200, wrong + right.line) == .cosigned(right))
    for body in ["", "ok\n", wrong, try cosigner.sign(other.text, time: 5).line, String(right.line.dropLast())] {
      #expect(outcome(200, body) == .refused(.unusable(status: 200)), "\(body)")
    }
    #expect(outcome(404, "?\n") == .refused(.unknownLog))
    #expect(outcome(403, "?\n") == .refused(.badSignature))
    #expect(outcome(500, "?\n") == .refused(.unusable(status: 500)))
    for body in ["", "x\n", "04\n", "4", "4\n5\n"] { #expect(outcome(409, body) == .refused(.unusable(status: 409)), "\(body)") }
  }
}
