import AuditTrail
import Cryptography
import Residency

/// Parsers: what they read, they write back to the same bytes. Each value has one form.
extension Fuzzing {
  func checkParser(_ target: FuzzTarget, _ bytes: [UInt8]) throws(BrokenClaim) {
    switch target {
    case .note: try same(target, bytes) { try SignedNote(parsing: bytes).bytes }
    case .checkpoint: try same(target, bytes) { try Checkpoint(parsing: bytes).text }
    case .proof: try same(target, bytes) { try TransparencyProof(parsing: bytes).bytes }
    case .request: try same(target, bytes) { try WitnessRequest(parsing: bytes).bytes }
    case .entries: try same(target, bytes) { try EntryBundle.encode(EntryBundle.decode(bytes).map(Array.init)) }
    case .frontier:
      try same(target, bytes) {
        let frontier = try MerkleFrontier(bytes: bytes)
        _ = frontier.root
        return frontier.bytes
      }
    case .leaf: try checkLeaf(bytes)
    case .index: try checkIndex(bytes)
    case .prefix: try checkPrefix(bytes)
    case .hashTile: try checkHashTile(bytes)
    case .answer: try checkAnswer(bytes)
    default:
      guard let text = String(validating: bytes, as: UTF8.self) else { return }
      try checkText(target, text, bytes)
    }
  }

  private func checkText(_ target: FuzzTarget, _ text: String, _ bytes: [UInt8]) throws(BrokenClaim) {
    switch target {
    case .key: try same(target, bytes) { Array(try VerifierKey(parsing: text).description.utf8) }
    case .signingKey: try same(target, bytes) { Array(try NoteSigner(parsingPrivate: text).privateText.utf8) }
    case .tilePath:
      if let path = TileCoordinate(path: text)?.path, !path.utf8.elementsEqual(bytes) { throw BrokenClaim("read as \(path)") }
    case .time:
      if let time = UTCTime(text), UTCTime(time.description) != time { throw BrokenClaim("read as \(time)") }
      if let period = AuditPeriod(text), !period.description.utf8.elementsEqual(bytes) { throw BrokenClaim("read as \(period)") }
    case .trust:
      // A policy that parses also comes to a decision, soon.
      try same(target, bytes) {
        let policy = try TrustPolicy(parsing: bytes, file: "trust.txt")
        do throws(TrustError) { _ = try policy.verify(small.note) } catch { _ = error.description }
        return bytes
      }
    default: break
    }
  }

  private func same(_ target: FuzzTarget, _ bytes: [UInt8], _ parse: () throws -> [UInt8]) throws(BrokenClaim) {
    let written: [UInt8]
    do {
      written = try parse()
    } catch let error as FormatError {
      // Its words must not be what the stranger wrote.
      if error.description.utf8.count > 300 {
        throw BrokenClaim("\(target.rawValue): a message of \(error.description.utf8.count) bytes")
      }
      return
    } catch is ConfigurationError {
      return
    } catch {
      throw BrokenClaim("\(target.rawValue): \(error)")
    }
    if written != bytes { throw BrokenClaim("\(target.rawValue): read and written back, it has other bytes") }
  }

  private func checkLeaf(_ bytes: [UInt8]) throws(BrokenClaim) {
    // The quick reader accepts nothing that the exact one does not, and sees the same in it.
    if let outline = LeafOutline.scanned(bytes, index: 3) {
      guard let event = try? AuditEvent(leaf: bytes) else { throw BrokenClaim("leaf: scanned, and yet not readable") }
      if LeafOutline(event, index: 3) != outline { throw BrokenClaim("leaf: scanned as another than it reads as") }
    }
    // As a row, anything may stand there: it is read or refused, and its hash is that of what is read.
    let row = LeafRow(bytes: [1] + bytes)
    guard (try? row.leafHash()) == (try? row.leaf()).map({ MerkleTree.leafHash($0) }) else {
      throw BrokenClaim("leaf: its row has another hash")
    }
    try same(.leaf, bytes) {
      let event = try AuditEvent(leaf: bytes)
      // What a reader shows of it.
      _ = event.time.description
      return try event.leafBytes()
    }
  }

  private func checkIndex(_ bytes: [UInt8]) throws(BrokenClaim) {
    // Mostly refused for its hash alone: so with the right one, too.
    for bytes in [bytes, bytes + SHA256.hash(bytes)] {
      try same(.index, bytes) {
        let block = try LeafIndexBlock(bytes: bytes)
        var query = AuditQuery()
        query.isDisclosureOrRefusal = true
        if block.candidates(query, LeafIndexNames()).contains(where: { $0 >= block.count }) {
          throw BrokenClaim("index: a candidate past its end")
        }
        return block.bytes
      }
    }
  }

  private func checkPrefix(_ bytes: [UInt8]) throws(BrokenClaim) {
    guard let json = try? JSONValue(parsing: bytes), let prefix = try? VerifiedPrefix(json) else { return }
    guard let again = try? VerifiedPrefix(prefix.json), again.json == prefix.json else {
      throw BrokenClaim("prefix: read and written back, it reads as another")
    }
    // A verification that goes on from it comes to an end, whatever it holds, and calls no leaf verified that it did not read.
    let report = try verify(large.files, of: large, resuming: prefix)
    // One of another log is as none: then all is read.
    if report.exit == .verified, report.leavesVerified + report.leavesVerifiedBefore > large.checkpoint.size {
      throw BrokenClaim("prefix: more is verified than there is")
    }
  }

  private func checkHashTile(_ bytes: [UInt8]) throws(BrokenClaim) {
    guard let first = bytes.first else { return }
    let body = Array(bytes.dropFirst())
    let coordinate = TileCoordinate(.hashes(level: 0), index: 0, width: Int(first) + 1)
    do throws(FormatError) {
      let tile = try HashTile(body, coordinate)
      if tile.hashes.flatMap(\.bytes) != body { throw FormatError(.tile, "other bytes") }
    } catch {
      if body.count == coordinate.width * SHA256.byteCount { throw BrokenClaim("a tile of the right length: \(error)") }
    }
  }

  private func checkAnswer(_ bytes: [UInt8]) throws(BrokenClaim) {
    let statuses = [200, 409, 422, 404, 403, 500]
    guard let first = bytes.first, let witness = small.trust.witnesses.first else { return }
    var conversation = WitnessConversation(witness)
    let size = small.checkpoint.size
    let outcome = conversation.answered(
      status: statuses[Int(first) % statuses.count], body: Array(bytes.dropFirst()), on: small.note, size: size)
    switch outcome {
    case .cosigned(let signature):
      if !small.note.signatures.contains(signature) { throw BrokenClaim("a cosignature that the witness did not make") }
    case .overtaken(let seen) where seen <= size: throw BrokenClaim("overtaken by \(seen) of \(size)")
    case .again, .overtaken, .refused: break
    }
    if conversation.seenSize > size { throw BrokenClaim("a witness that saw \(conversation.seenSize) of \(size)") }
  }
}
