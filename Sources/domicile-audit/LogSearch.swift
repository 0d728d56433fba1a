import AuditTrail
import Cryptography
import Residency

extension LogTarget {
  /// The events that match, from a log that is verified on the way.
  /// - Parameter remembered: a folder of the auditor's own. With it only what is new is read and verified, beside the events that match,
  ///   each of which is proven to stand under the signed root.
  func find(_ query: AuditQuery, remembered: String?) async throws -> ReadLog {
    guard let remembered, self.checkpoint == nil else { return try await read(keeping: query.matches) }
    let checkpoint = await fetchCheckpoint()
    guard let origin = checkpoint.origin else { return try await read(keeping: query.matches) }
    let memory = try AuditMemory(folder: remembered, trust: trust.policy)
    let report = try await follow(checkpoint, memory, origin)
    let index = memory.index(of: origin)
    guard let trusted = report.checkpoint, let state = try index.read(), state.prefix.checkpoint == trusted.checkpoint else {
      return try await read(remembered: remembered, keeping: query.matches)
    }
    let candidates = try await index.candidates(query, state.names, size: trusted.checkpoint.size)
    let (leaves, findings) = try await leaves(at: candidates, of: trusted.checkpoint)
    return ReadLog(target: self, report: report.adding(findings), leaves: leaves.filter { query.matches($0.event) })
  }

  /// Verifies what is new since the last time, and takes it into the index.
  func follow(_ checkpoint: FetchedTile, _ memory: AuditMemory, _ origin: KeyName) async throws -> VerificationReport {
    let index = memory.index(of: origin)
    let state = try index.read()
    var writer = try IndexWriter(index, from: state)
    let report = try await verify(
      checkpoint, earlier: memory.checkpoints, resuming: state?.prefix, for: LeafInterest(outlines: true)
    ) { try writer.append($0) }
    if let prefix = report.verified, report.isWhole {
      try writer.finish(prefix)
      try memory.remember(prefix.note)
    }
    return report.adding([], notChecked: Self.incompleteness)
  }

  /// Leaves by their indexes, each proven.
  /// - Returns: also what is wrong with those that are not among them.
  private func leaves(at indexes: [Int], of checkpoint: Checkpoint) async throws -> (leaves: [LogLeaf], findings: [Finding]) {
    var found: (leaves: [LogLeaf], findings: [Finding]) = ([], [])
    let progress = Progress("reading \(name)", total: indexes.count)
    try await source.readBundles(of: indexes, treeSize: checkpoint.size, progress) { bundle, indexes in
      bundle.leaves(at: indexes, of: checkpoint)
    } then: { part in
      found.leaves += part.leaves
      found.findings += part.findings
    }
    return found
  }
}

extension FetchedTile {
  /// The log that a checkpoint says it is of. Nothing is verified.
  var origin: KeyName? {
    guard case .bytes(let bytes) = self else { return nil }
    do throws(FormatError) {
      return try Checkpoint(parsing: try SignedNote(parsing: bytes).text).origin
    } catch {
      return nil
    }
  }
}

/// A bundle of leaves with the tiles that prove them.
struct LeafBundle: Sendable {
  fileprivate let entries: FetchedTile
  fileprivate let tiles: [TileCoordinate: [UInt8]]

  /// The leaf's bytes and the proof that it stands there.
  /// - Throws: ``FormatError`` where a part is missing or unreadable.
  func proof(of leafIndex: Int, treeSize: Int) throws(FormatError) -> (leaf: [UInt8], proof: InclusionProof) {
    guard case .bytes(let bytes) = entries else { throw FormatError(.entries, "not there") }
    let leaves = try EntryBundle.decode(bytes)
    let position = leafIndex % TileCoordinate.fullWidth
    guard leaves.indices.contains(position) else { throw FormatError(.entries, "leaf \(leafIndex) is not there") }
    return (Array(leaves[position]), try InclusionProof(index: leafIndex, treeSize: treeSize, tiles: tiles))
  }

  fileprivate func leaves(at indexes: [Int], of checkpoint: Checkpoint) -> (leaves: [LogLeaf], findings: [Finding]) {
    var leaves: [LogLeaf] = []
    var findings: [Finding] = []
    for index in indexes {
      do throws(FormatError) {
        let (leaf, proof) = try proof(of: index, treeSize: checkpoint.size)
        let hash = MerkleTree.leafHash(leaf)
        if proof.isValid(leafHash: hash, root: checkpoint.root) {
          leaves.append(LogLeaf(index: index, hash: hash, event: try AuditEvent(leaf: leaf)))
        } else {
          findings.append(.leafUnproven(index: index))
        }
      } catch {
        findings.append(
          error.format == .leaf ? .leafUnreadable(index: index, problem: error.problem) : .leavesMissing(index..<index + 1))
      }
    }
    return (leaves, findings)
  }
}

extension LogSource {
  /// Reads the bundles that some leaves are in, many at the same time.
  /// - Parameters:
  ///   - read: of a bundle and those of `indexes` that are in it.
  ///   - then: is given what came of each, in order.
  func readBundles<Part: Sendable>(
    of indexes: [Int], treeSize: Int, _ progress: Progress, _ read: @escaping @Sendable (LeafBundle, [Int]) -> Part,
    then: (Part) throws -> Void
  ) async throws {
    let bundles = Dictionary(grouping: indexes) { $0 / TileCoordinate.fullWidth }.sorted { $0.key < $1.key }
    var progress = progress
    var done = 0
    for start in stride(from: 0, to: bundles.count, by: 64) {
      let parts = await withTaskGroup(of: (Int, Part).self) { group in
        for (bundle, indexes) in bundles[start..<min(start + 64, bundles.count)] {
          group.addTask {
            (bundle, read(await fetchBundle(bundle, treeSize: treeSize, for: indexes), indexes))
          }
          done += indexes.count
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      for (_, part) in parts.sorted(by: { $0.0 < $1.0 }) { try then(part) }
      progress.update(done)
    }
    progress.end()
  }

  /// - Parameter indexes: of the leaves that are to be proven.
  func fetchBundle(_ index: Int, treeSize: Int, for indexes: [Int]) async -> LeafBundle {
    guard let entriesAt = TileCoordinate(.entries, index: index, treeSize: treeSize) else {
      return LeafBundle(entries: .absent, tiles: [:])
    }
    let needed = Set(indexes.flatMap { InclusionProof.tilesNeeded(index: $0, size: treeSize) })
    var tiles: [TileCoordinate: [UInt8]] = [:]
    var entries = FetchedTile.absent
    for part in await fetch(Array(needed) + [entriesAt]) {
      if part.at == entriesAt { entries = part.fetched }
      if case .bytes(let bytes) = part.fetched, part.at.kind != .entries {
        tiles[part.at] = Array(bytes.prefix(part.at.width * SHA256.byteCount))
      }
    }
    return LeafBundle(entries: entries, tiles: tiles)
  }
}
