import AuditTrail
import Cryptography
import Residency
import Testing

/// Parsers read what strangers send: whatever the bytes, they answer or throw.
@Suite struct ParserFuzzTests {
  @Test(arguments: 0..<12)
  func `damaged bytes are read or refused, and what is read is written back the same`(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed) &+ 0xD0_1C11E)
    let log = try SampleLog(size: 20)
    let checkpoint = try #require(log.files["checkpoint"])
    let note = try SignedNote(parsing: checkpoint)
    let hashes = log.leaves.map { MerkleTree.leafHash($0) }
    let path = try #require(InclusionProof(index: 3, leafHashes: hashes))
    let growth = try #require(ConsistencyProof(oldSize: 7, leafHashes: hashes))
    let samples: [[UInt8]] = [
      checkpoint, note.text, TransparencyProof(index: 3, hashes: path.hashes, checkpoint: note, extra: [1]).bytes,
      WitnessRequest(oldSize: 7, proof: growth.hashes, checkpoint: note).bytes, log.leaves[4],
      try EntryBundle.encode(Array(log.leaves.prefix(3))), Array("\(log.signer.verifierKey)".utf8),
      Array("log \(log.signer.verifierKey)\nquorum none\n".utf8), Array("tile/0/x001/234.p/7".utf8), MerkleFrontier().bytes,
    ]
    for _ in 0..<400 {
      let sample = samples[Int(random.next() % UInt64(samples.count))]
      let bytes = damage(sample, &random)
      check(bytes, seed)
    }
  }

  private func damage(_ sample: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var bytes = sample
    for _ in 0...(random.next() % 4) {
      let position = bytes.isEmpty ? 0 : Int(random.next() % UInt64(bytes.count))
      switch random.next() % 6 {
      case 0 where !bytes.isEmpty: bytes[position] ^= 1 << UInt8(random.next() % 8)
      case 1 where !bytes.isEmpty: bytes.remove(at: position)
      case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
      case 3: bytes = Array(bytes.prefix(position))
      case 4: bytes.insert(contentsOf: bytes.suffix(Int(random.next() % 40)), at: position)
      default: bytes.insert([0x0a, 0x20, 0x39, 0xff][Int(random.next() % 4)], at: position)
      }
    }
    return bytes
  }

  private func check(_ bytes: [UInt8], _ seed: Int) {
    let text = String(decoding: bytes, as: UTF8.self)
    func same(_ name: String, _ parse: () throws -> [UInt8]) {
      do {
        let written = try parse()
        #expect(written == bytes, "\(name), seed \(seed)")
      } catch is FormatError {
      } catch is ConfigurationError {
      } catch { Issue.record("\(name), seed \(seed): \(error)") }
    }
    same("note") { try SignedNote(parsing: bytes).bytes }
    same("checkpoint") { try Checkpoint(parsing: bytes).text }
    same("proof") { try TransparencyProof(parsing: bytes).bytes }
    same("request") { try WitnessRequest(parsing: bytes).bytes }
    same("leaf") { try AuditEvent(leaf: bytes).leafBytes() }
    same("bundle") { try EntryBundle.encode(EntryBundle.decode(bytes).map(Array.init)) }
    same("frontier") { try MerkleFrontier(bytes: bytes).bytes }
    same("trust policy") {
      _ = try TrustPolicy(parsing: bytes, file: "trust.txt")
      return bytes
    }
    if String(validating: bytes, as: UTF8.self) != nil {
      same("key") { Array(try VerifierKey(parsing: text).description.utf8) }
      if let coordinate = TileCoordinate(path: text) { #expect(coordinate.path == text) }
    }
  }
}
