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
    guard case .bytes(let bytes) = await target.fetchCheckpoint() else {
      throw AuditFailure(.incomplete, "\(target.name): no checkpoint")
    }
    let trusted = try TrustedCheckpoint(reading: bytes, target.trust)
    let size = trusted.checkpoint.size
    guard (0..<size).contains(index) else {
      throw AuditFailure(.incomplete, "the log has \(size) leaves: there is no leaf \(index)")
    }
    let (leaf, path) = try await read(target, size)
    let proof = TransparencyProof(index: index, hashes: path.hashes, checkpoint: trusted.note)
    guard try proof.isValid(leafHash: MerkleTree.leafHash(leaf)) else {
      throw AuditFailure(.tampered, "leaf \(index) is not the one under the signed root")
    }
    // It can be made again at any time.
    try writeFile(proof.bytes, out, durably: false)
    if let leafOut { try writeFile(leaf, leafOut, durably: false) }
    print("leaf \(index) of \(trusted.checkpoint.origin), proof in \(out)")
    if trusted.quorum == .unmet { throw AuditFailure(.untrusted, "too few witnesses cosigned the checkpoint") }
  }

  private func read(_ target: LogTarget, _ size: Int) async throws(AuditFailure) -> (leaf: [UInt8], path: InclusionProof) {
    let bundle = await target.source.fetchBundle(index / TileCoordinate.fullWidth, treeSize: size, for: [index])
    do throws(FormatError) {
      let (leaf, proof) = try bundle.proof(of: index, treeSize: size)
      return (leaf, proof)
    } catch {
      let bundle = TileCoordinate(.entries, index: index / TileCoordinate.fullWidth, treeSize: size)?.path
      let place = error.format == .entries ? bundle : nil
      throw AuditFailure(.incomplete, "\(target.name): \(place.map { "\($0): \(error.problem)" } ?? "\(error)")")
    }
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
