import AuditTrail
import Cryptography
import Testing

@Suite struct WitnessTests {
  let log: NoteSigner
  let leaves = ReferenceTree.leaves(40)

  init() throws { log = try NoteTests.signer("eu-west.example.org/audit") }

  private func note(_ size: Int, by signer: NoteSigner? = nil, leaves: [SHA256Digest]? = nil) throws -> SignedNote {
    let root = MerkleTree.root(of: Array((leaves ?? self.leaves).prefix(size)))
    return try Checkpoint(origin: log.verifierKey.name, size: size, root: root).signed(by: signer ?? log)
  }

  private func request(_ old: Int, _ new: Int, leaves: [SHA256Digest]? = nil) throws -> WitnessRequest {
    let tree = Array((leaves ?? self.leaves).prefix(new))
    let proof = try #require(ConsistencyProof(oldSize: old, leafHashes: tree))
    return WitnessRequest(oldSize: old, proof: proof.hashes, checkpoint: try note(new, leaves: leaves))
  }

  private func state(at size: Int) throws -> WitnessState {
    var state = WitnessState(logs: [log.verifierKey])
    guard case .cosign(let head) = state.consider(try request(0, size)) else { return state }
    let isRecorded = state.record(head)
    #expect(isRecorded)
    return state
  }

  @Test func `a growing log is cosigned step by step`() throws {
    var state = WitnessState(logs: [log.verifierKey])
    var old = 0
    for size in [0, 1, 1, 5, 8, 8, 33, 40] {
      guard case .cosign(let head) = state.consider(requestBody: try request(old, size).bytes) else {
        Issue.record("\(old) to \(size) is refused")
        return
      }
      #expect(head.size == size && head.previousSize == old)
      let isRecorded = state.record(head)
      #expect(isRecorded)
      old = size
    }
    #expect(state.head(of: log.verifierKey.name)?.size == 40)
    let hash = SHA256.digest(of: log.verifierKey.name.utf8).description
    #expect(state.head(originHash: hash)?.note == (try note(40)))
    #expect(state.head(originHash: "00") == nil)
  }

  @Test func `an unknown log is 404`() throws {
    #expect(WitnessState(logs: []).consider(try request(0, 3)) == .unknownOrigin)
    #expect(WitnessAnswer.unknownOrigin.status == 404)
  }

  @Test func `a signature that is missing, of another key or wrong is 403`() throws {
    let state = WitnessState(logs: [log.verifierKey])
    let other = try NoteTests.signer("eu-west.example.org/audit", seed: 9)
    let stranger = WitnessRequest(oldSize: 0, proof: [], checkpoint: try note(3, by: other))
    #expect(state.consider(stranger) == .badSignature)
    let signed = try note(3).signatures[0]
    let moved = try SignedNote(text: try note(4).text, signatures: [signed])
    #expect(state.consider(WitnessRequest(oldSize: 0, proof: [], checkpoint: moved)) == .badSignature)
    #expect(WitnessAnswer.badSignature.status == 403)
  }

  @Test func `an old size above the new one is 400, and so is a body of another form`() throws {
    let state = try state(at: 5)
    let request = WitnessRequest(oldSize: 6, proof: [], checkpoint: try note(5))
    guard case .badRequest = state.consider(request) else {
      Issue.record("accepted")
      return
    }
    let body = String(decoding: try self.request(5, 8).bytes, as: UTF8.self)
    for broken in [
      "", "old\n", body.replacing("old 5", with: "old 05"), body.replacing("old 5", with: "new 5"), String(body.dropLast()),
      body.replacing(
        "old 5\n", with: "old 5\n" + String(repeating: Base64.encode([UInt8](repeating: 1, count: 32)) + "\n", count: 64)),
    ] {
      #expect(state.consider(requestBody: Array(broken.utf8)).status == 400)
    }
  }

  @Test func `another old size than the one cosigned last is 409 with that size`() throws {
    let state = try state(at: 8)
    let answer = state.consider(try request(5, 12))
    #expect(answer == .conflict(latestSize: 8, isFork: false))
    #expect(answer.status == 409 && answer.contentType == "text/x.tlog.size" && answer.body == "8\n")
    #expect(state.consider(try request(0, 12)).body == "8\n")
  }

  @Test func `two roots for one size are a fork`() throws {
    let state = try state(at: 8)
    var others = leaves
    others[3] = others[4]
    let forked = WitnessRequest(oldSize: 8, proof: [], checkpoint: try note(8, leaves: others))
    #expect(state.consider(forked) == .conflict(latestSize: 8, isFork: true))
  }

  @Test func `a history that was rewritten is 422`() throws {
    let state = try state(at: 8)
    var others = leaves
    others[3] = others[4]
    #expect(state.consider(try request(8, 20, leaves: others)) == .inconsistent)
    let honest = try request(8, 20)
    let without = WitnessRequest(oldSize: 8, proof: [], checkpoint: honest.checkpoint)
    #expect(state.consider(without) == .inconsistent)
    let longer = WitnessRequest(oldSize: 8, proof: honest.proof + honest.proof, checkpoint: honest.checkpoint)
    #expect(state.consider(longer).status == 422)
    let fromNothing = WitnessRequest(oldSize: 0, proof: honest.proof, checkpoint: honest.checkpoint)
    #expect(WitnessState(logs: [log.verifierKey]).consider(fromNothing) == .inconsistent)
  }

  @Test func `of two requests that were considered together only one is recorded`() throws {
    var state = try state(at: 8)
    guard case .cosign(let first) = state.consider(try request(8, 20)),
      case .cosign(let second) = state.consider(try request(8, 12))
    else {
      Issue.record("refused")
      return
    }
    let recorded = [state.record(first), state.record(second)]
    #expect(recorded == [true, false])
    #expect(state.head(of: log.verifierKey.name)?.size == 20)
  }

  @Test func `a witness that restarts goes on from what it stored`() throws {
    let before = try state(at: 8)
    let stored = try #require(before.head(of: log.verifierKey.name))
    let after = WitnessState(logs: [log.verifierKey], heads: [stored])
    #expect(after.consider(try request(0, 8)) == .conflict(latestSize: 8, isFork: false))
    #expect(after.consider(try request(8, 9)).status == 200)
  }
}
