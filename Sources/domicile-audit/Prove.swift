import ArgumentParser
import AuditTrail

struct Prove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a proof that a leaf is in the log, which anybody can check offline (C2SP tlog-proof).")

  @OptionGroup var options: LogOptions

  @Option(help: "The leaf's index.")
  var index: Int

  @Option(name: [.customShort("o"), .long], help: ArgumentHelp("The proof, e.g. leaf.tlog-proof.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Where to write the leaf itself.", valueName: "file"))
  var leafOut: String?

  func run() async throws {
    try await options.withClient { client in
      let targets = try options.targets(client)
      guard let target = targets.first, targets.count == 1 else {
        throw ValidationError("An index is one log's: say which with --region or --log.")
      }
      try await prove(target)
    }
  }

  private func prove(_ target: LogTarget) async throws {
    guard case .bytes(let bytes) = await target.source.fetch("checkpoint") else {
      throw AuditFailure(.incomplete, "\(target.name): no checkpoint")
    }
    let trusted = try TrustedCheckpoint(reading: bytes, target.trust)
    let size = trusted.checkpoint.size
    guard (0..<size).contains(index), let bundle = TileCoordinate(.entries, index: index / 256, treeSize: size) else {
      throw AuditFailure(.incomplete, "the log has \(size) leaves: there is no leaf \(index)")
    }
    var tiles: [TileCoordinate: [UInt8]] = [:]
    for part in await target.source.fetch(InclusionProof.tilesNeeded(index: index, size: size) + [bundle]) {
      guard case .bytes(let bytes) = part.fetched else {
        throw AuditFailure(.incomplete, "\(target.name): \(part.path) is missing")
      }
      tiles[part.at] = part.at.kind == .entries ? bytes : Array(bytes.prefix(part.at.width * 32))
    }
    let leaves = try EntryBundle.decode(tiles[bundle] ?? [])
    guard leaves.indices.contains(index % 256) else { throw AuditFailure(.incomplete, "leaf \(index) is missing") }
    let leaf = Array(leaves[index % 256])
    let path = try InclusionProof(index: index, treeSize: size, tiles: tiles)
    let proof = TransparencyProof(index: index, hashes: path.hashes, checkpoint: trusted.note)
    guard try proof.isValid(leafHash: MerkleTree.leafHash(leaf)) else {
      throw AuditFailure(.tampered, "leaf \(index) is not the one under the signed root")
    }
    try writeFile(proof.bytes, out)
    if let leafOut { try writeFile(leaf, leafOut) }
    print("leaf \(index) of \(trusted.checkpoint.origin), proof in \(out)")
    if trusted.quorum == .unmet { throw AuditFailure(.untrusted, "too few witnesses cosigned the checkpoint") }
  }
}

extension TrustedCheckpoint {
  init(reading bytes: [UInt8], _ trust: TrustFile) throws(AuditFailure) {
    do {
      self = try trust.policy.verify(try SignedNote(parsing: bytes))
    } catch let error as TrustError {
      throw AuditFailure(Finding.untrusted(error).exit, "\(error)")
    } catch {
      throw AuditFailure(.incomplete, "\(error)")
    }
  }
}
