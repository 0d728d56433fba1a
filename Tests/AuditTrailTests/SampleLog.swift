import AuditTrail
import Cryptography
import Residency
import Testing

/// A log of made-up events, as the files of a folder, with the keys that signed it.
struct SampleLog {
  var files: [String: [UInt8]] = [:]
  let signer: NoteSigner
  let witness: NoteSigner
  let leaves: [[UInt8]]

  /// - Parameter edit: changes a leaf before it is logged.
  init(size: Int, seed: UInt8 = 1, edit: (Int, inout AuditEvent) -> Void = { _, _ in }) throws {
    signer = try NoteTests.signer("eu-west.example.org/audit", seed: seed)
    witness = try NoteTests.signer("us-east.example.org/witness", .cosignatureV1, seed: 21)
    leaves = try (0..<size).map { index in
      var event = try Self.event(index)
      edit(index, &event)
      return try event.leafBytes()
    }
    var writer = TileWriter()
    for file in writer.append(leaves.map { MerkleTree.leafHash($0) }) { files[file.path] = file.bytes }
    var index = 0
    while let bundle = TileCoordinate(.entries, index: index, treeSize: size) {
      files[bundle.path] = try EntryBundle.encode(Array(leaves[index * 256..<index * 256 + bundle.width]))
      index += 1
    }
    let checkpoint = Checkpoint(origin: signer.verifierKey.name, size: size, root: writer.frontier.root)
    var note = try checkpoint.signed(by: signer)
    note.add(try witness.sign(checkpoint.text, time: 1_795_000_000))
    files["checkpoint"] = note.bytes
  }

  static func event(_ index: Int) throws -> AuditEvent {
    let home = AuditEvent.Place(region: RegionID("eu-west"), jurisdiction: Jurisdiction("IE"))
    let abroad = AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US"))
    let isDenied = index % 5 == 4
    var event = AuditEvent(
      time: UTCTime(milliseconds: 1_795_355_334_012 + Int64(index)), id: "event-\(index)",
      activity: index % 3 == 0 ? .write : .read,
      effect: isDenied ? .denied : .allowed, requester: index % 2 == 0 ? home : abroad,
      salt: try #require(AuditEvent.Salt(Array(SHA256.hash(Array("salt \(index)".utf8)).prefix(16)))))
    event.home = home
    event.reason = isDenied ? "POLICY_DENIED" : nil
    event.rules = [AuditEvent.Rule(id: "eu.local", location: "policies/eu-transfers.yaml:6")]
    event.principal = index % 2 == 0 ? "shop" : "support-desk"
    event.purpose = Purpose("support")
    event.collection = CollectionName("profile")
    event.subject = AuditPseudonym(
      period: AuditPeriod(containing: event.time), code: SHA256.digest(of: [UInt8(index % 7)]))
    event.subjectEpoch = .first
    event.request = AuditEvent.RequestNumber(coordinator: "eu-west-1", number: UInt64(index + 1))
    return event
  }

  func trust(quorum: String = "none") throws -> TrustPolicy {
    let text = "log \(signer.verifierKey)\nwitness us-east \(witness.verifierKey)\nquorum \(quorum)\n"
    return try TrustPolicy(parsing: Array(text.utf8), file: "trust.txt")
  }

  func verify(
    _ trust: TrustPolicy? = nil, earlier: [Checkpoint] = [], resuming resumed: VerifiedPrefix? = nil,
    for interest: LeafInterest = .everything
  ) throws -> (report: VerificationReport, events: [LogLeaf]) {
    let checkpoint = files["checkpoint"].map(FetchedTile.bytes) ?? .absent
    var verifier = LogVerifier(
      checkpoint: checkpoint, trust: try trust ?? self.trust(), earlier: earlier, resuming: resumed, batchTileCount: 3)
    var events: [LogLeaf] = []
    while !verifier.needed.isEmpty {
      var fetched: [TileCoordinate: FetchedTile] = [:]
      for coordinate in verifier.needed {
        fetched[coordinate] = (files[coordinate.path] ?? files[coordinate.full.path]).map(FetchedTile.bytes) ?? .absent
      }
      let tiles = verifier.needed.filter { $0.kind == .entries }.compactMap { entries -> LeafTileReading? in
        let hashes = fetched.keys.first { $0.kind == .hashes(level: 0) && $0.index == entries.index }
        return LeafTileReading(
          entries.index, treeSize: verifier.size, entries: fetched[entries] ?? .absent,
          hashes: hashes.flatMap { fetched[$0] } ?? .absent, for: interest)
      }
      verifier.receive(tiles, upper: fetched)
      events += tiles.flatMap(\.leaves)
    }
    return (verifier.finish(), events)
  }

  var checkpoint: Checkpoint {
    get throws { try Checkpoint(parsing: try SignedNote(parsing: try #require(files["checkpoint"])).text) }
  }

  /// Replaces a leaf in its bundle, not in the tree.
  mutating func replaceLeaf(_ index: Int, with leaf: [UInt8]) throws {
    let coordinate = try #require(TileCoordinate(.entries, index: index / 256, treeSize: leaves.count))
    var entries = try EntryBundle.decode(try #require(files[coordinate.path])).map(Array.init)
    entries[index % 256] = leaf
    files[coordinate.path] = try EntryBundle.encode(entries)
  }
}
