package import Cryptography

/// What came of fetching a part of a log.
package enum FetchedTile: Sendable {
  case bytes([UInt8])
  case absent
  /// Why it could not be fetched.
  case failed(String)
}

/// Verifies a log, tile by tile, in bounded memory and without I/O: leaves against tiles, tiles against the tiles above them and the
/// signed root. What each tile says by itself comes as a ``LeafTileReading``.
///
/// *Unstarted* → (``needed`` → ``receive(_:upper:)``)… → ``finish()``. While ``needed`` is not empty, the caller fetches all of it and
/// hands it in.
package struct LogVerifier {
  private let trusted: TrustedCheckpoint?
  private let earlier: [Checkpoint]
  private let batchTileCount: Int
  private var nextTile = 0
  /// Upper tiles to fetch, with the hashes that lower tiles say they have.
  private var upperTiles: [TileCoordinate: [SHA256Digest]] = [:]
  /// What the leaf tiles say that the tiles above them hold.
  private var upperEdges = TileEdges()
  private var hasQueuedEdges = false
  private var changedUpperTiles: [TileCoordinate] = []
  private var trees: (tiles: MerkleFrontier, leaves: MerkleFrontier)? = (MerkleFrontier(), MerkleFrontier())
  private var disagreements: [Disagreement] = []
  private var disagreementsLeftOut = 0
  private var leavesVerified = 0
  private var firstTime: UTCTime?
  private var lastTime: UTCTime?
  private var missingTileCount = 0
  private var findings: FindingList
  private let resumed: VerifiedPrefix?
  /// The edges after the last full leaf tile.
  private var fullEdges = TileEdges()

  private struct Disagreement {
    let index: Int
    let tile: SHA256Digest
    let leaf: SHA256Digest
  }

  /// After this many absent tiles nothing more is fetched.
  private static let missingTileCountMax = 64

  /// - Parameters:
  ///   - checkpoint: the bytes of the log's `checkpoint`, or why there are none.
  ///   - earlier: checkpoints of the same log that the auditor kept.
  ///   - resumed: what was verified before: only what has come since is read, and must have grown from it. One of another log is not heeded.
  ///   - batchTileCount: how many leaf tiles ``needed`` asks for at once; memory is in proportion.
  package init(
    checkpoint: FetchedTile, trust: TrustPolicy, earlier: [Checkpoint] = [], resuming resumed: VerifiedPrefix? = nil,
    batchTileCount: Int = 64
  ) {
    var findings = FindingList()
    trusted = Self.trust(checkpoint, trust, &findings)
    self.findings = findings
    self.batchTileCount = batchTileCount
    let current = trusted?.checkpoint
    let resumed = resumed.flatMap { $0.checkpoint.origin == current?.origin ? $0 : nil }
    self.earlier = Set(earlier + (resumed.map { [$0.checkpoint] } ?? [])).filter { $0.origin == current?.origin }
      .sorted { $0.size < $1.size }
    self.resumed = resumed.flatMap { $0.checkpoint.size <= current?.size ?? 0 ? $0 : nil }
    guard let trusted, let current else { return }
    if current.size == 0 { self.findings.add(.empty) }
    if trusted.quorum == .unmet { self.findings.add(.quorumUnmet(cosigners: trusted.cosignatures.count)) }
    for old in self.earlier where old.size > current.size {
      self.findings.add(.rolledBack(earlierSize: old.size, size: current.size))
    }
    if let resumed = self.resumed {
      nextTile = resumed.fullTileCount
      trees = (resumed.edges.frontier, resumed.edges.frontier)
      upperEdges = resumed.edges
      fullEdges = resumed.edges
    }
  }

  private static func trust(
    _ checkpoint: FetchedTile, _ trust: TrustPolicy, _ findings: inout FindingList
  ) -> TrustedCheckpoint? {
    guard case .bytes(let bytes) = checkpoint else {
      findings.add(.noCheckpoint(checkpoint.problem))
      return nil
    }
    do {
      return try trust.verify(try SignedNote(parsing: bytes))
    } catch let error as TrustError {
      findings.add(.untrusted(error))
    } catch {
      findings.add(.noCheckpoint("\(error)"))
    }
    return nil
  }

  /// Leaves that are not read again.
  package var leavesVerifiedBefore: Int { resumed?.leafCount ?? 0 }
  package var size: Int { trusted?.checkpoint.size ?? 0 }
  private var tileCount: Int { missingTileCount > Self.missingTileCountMax ? 0 : TileCoordinate.count(level: 0, treeSize: size) }
  private var batch: Range<Int> { nextTile..<max(nextTile, min(nextTile + batchTileCount, tileCount)) }

  /// What to fetch next: leaf tiles with their entries, and upper tiles whose content is known. A partial tile that is gone may
  /// be given as the full tile that replaced it.
  package var needed: [TileCoordinate] {
    let leafTiles = batch.flatMap { index in
      [TileCoordinate.Kind.entries, .hashes(level: 0)].compactMap { TileCoordinate($0, index: index, treeSize: size) }
    }
    return leafTiles + upperTiles.keys.sorted { ($0.level, $0.index) < ($1.level, $1.index) }
  }

  /// Takes in everything of ``needed``.
  /// - Parameters:
  ///   - tiles: the leaf tiles, in order.
  ///   - upper: the tiles above them.
  package mutating func receive(_ tiles: [LeafTileReading], upper: [TileCoordinate: FetchedTile]) {
    for (coordinate, expected) in upperTiles { checkUpper(coordinate, expected, upper[coordinate] ?? .absent) }
    upperTiles = [:]
    let read = Dictionary(tiles.map { ($0.index, $0) }, uniquingKeysWith: { $1 })
    for index in batch {
      guard let tile = read[index] ?? LeafTileReading(index, treeSize: size, entries: .absent, hashes: .absent) else { continue }
      receive(tile)
    }
    nextTile = batch.upperBound
    if nextTile == TileCoordinate.count(level: 0, treeSize: size), trees != nil, !hasQueuedEdges {
      for tile in upperEdges.partial { upperTiles[tile.coordinate] = tile.hashes }
      hasQueuedEdges = true
    }
  }

  private mutating func receive(_ tile: LeafTileReading) {
    let start = tile.index * TileCoordinate.fullWidth
    for finding in tile.findings { findings.add(finding) }
    firstTime = firstTime ?? tile.firstTime
    lastTime = tile.lastTime ?? lastTime
    if let hashes = tile.tileHashes { compare(tile.leafHashes, hashes, start) } else { leavesVerified += tile.leafHashes.count }
    let leavesComplete = tile.leafHashes.count == tile.width
    if let fromTiles = tile.tileHashes ?? (leavesComplete ? tile.leafHashes : nil) {
      grow(by: tile, fromTiles: fromTiles, fromLeaves: leavesComplete ? tile.leafHashes : fromTiles)
    } else {
      trees = nil
      missingTileCount += 1
      if missingTileCount > Self.missingTileCountMax { findings.add(.stopped(atLeaf: start + tile.width)) }
    }
  }

  private mutating func compare(_ leafHashes: [SHA256Digest], _ tileHashes: [SHA256Digest], _ start: Int) {
    for (offset, (leaf, tile)) in zip(leafHashes, tileHashes).enumerated() {
      if leaf == tile {
        leavesVerified += 1
      } else if disagreements.count < VerificationReport.findingCountMax {
        disagreements.append(Disagreement(index: start + offset, tile: tile, leaf: leaf))
      } else {
        disagreementsLeftOut += 1
      }
    }
  }
}

extension LogVerifier {
  /// Appends a leaf tile to the tree as the tiles have it, and to the tree as the leaves have it.
  private mutating func grow(by tile: LeafTileReading, fromTiles: [SHA256Digest], fromLeaves: [SHA256Digest]) {
    guard var (tiles, leaves) = trees else { return }
    let start = tile.index * TileCoordinate.fullWidth
    for old in earlier where (start..<start + fromTiles.count).contains(old.size - 1) {
      var tree = tiles
      tree.append(contentsOf: fromTiles.prefix(old.size - start))
      if tree.root != old.root { findings.add(.forked(earlierSize: old.size)) }
    }
    if fromTiles.count == TileCoordinate.fullWidth {
      let root = tile.tileRoot ?? tile.leafRoot ?? MerkleTree.root(of: fromTiles)
      tiles.append(root, level: 8)
      leaves.append(fromLeaves == fromTiles ? root : MerkleTree.root(of: fromLeaves), level: 8)
      for tile in upperEdges.push(root, level: 1) { upperTiles[tile.coordinate] = tile.hashes }
      fullEdges = upperEdges
    } else {
      tiles.append(contentsOf: fromTiles)
      leaves.append(contentsOf: fromLeaves)
    }
    trees = (tiles, leaves)
  }

  private mutating func checkUpper(_ coordinate: TileCoordinate, _ expected: [SHA256Digest], _ fetched: FetchedTile) {
    let (served, missing) = LeafTileReading.hashes(fetched, coordinate)
    if let missing { findings.add(missing) }
    if let served, served != expected { changedUpperTiles.append(coordinate) }
  }

  /// The outcome, when ``needed`` is empty.
  package consuming func finish() -> VerificationReport {
    var findings = self.findings
    if let signed = trusted?.checkpoint.root, size > 0 { judge(signed, &findings) }
    // Without the signed root, agreement of leaves and tiles proves nothing.
    let reachesRoot = trees.map { [$0.tiles.root, $0.leaves.root].contains(trusted?.checkpoint.root) } ?? false
    return VerificationReport(
      checkpoint: trusted, leavesVerified: reachesRoot ? leavesVerified : 0, leavesVerifiedBefore: leavesVerifiedBefore,
      timeSpan: firstTime.flatMap { first in lastTime.map { min(first, $0)...max(first, $0) } },
      findings: findings.kept, findingsLeftOut: findings.leftOutCount + disagreementsLeftOut, notChecked: notChecked,
      verified: reachesRoot ? trusted.map { VerifiedPrefix(note: $0.note, checkpoint: $0.checkpoint, edges: fullEdges) } : nil)
  }

  /// Says which side of each disagreement was changed: the signed root decides.
  private func judge(_ signed: SHA256Digest, _ findings: inout FindingList) {
    guard let trees else {
      for disagreement in disagreements { findings.add(.leafDisagrees(index: disagreement.index)) }
      return
    }
    if trees.tiles.root == signed {
      for found in disagreements {
        findings.add(.leafChanged(index: found.index, expected: found.tile, actual: found.leaf))
      }
      for coordinate in changedUpperTiles { findings.add(.tileChanged(coordinate)) }
    } else if trees.leaves.root == signed {
      for tile in Set(disagreements.map { $0.index / TileCoordinate.fullWidth }).sorted() {
        guard let coordinate = TileCoordinate(.hashes(level: 0), index: tile, treeSize: size) else { continue }
        findings.add(.tileChanged(coordinate))
      }
    } else {
      findings.add(.rootMismatch(signed: signed, computed: trees.tiles.root))
      for found in disagreements { findings.add(.leafDisagrees(index: found.index)) }
      for coordinate in changedUpperTiles { findings.add(.tileChanged(coordinate)) }
    }
  }

  private var notChecked: [String] {
    guard let trusted else { return ["everything: without a trusted checkpoint there is nothing to check against"] }
    var items: [String] = []
    if trusted.quorum == .notRequired {
      items.append("witnesses: the trust file asks for none, so nothing shows that others see the same history")
    }
    if earlier.isEmpty {
      items.append("earlier history: no checkpoint kept from before was given, so a history rewritten and signed anew passes")
    }
    if let resumed, resumed.leafCount > 0 {
      items.append("leaves before \(resumed.leafCount): they were verified before, and are not read again")
    }
    if trees == nil, size > 0 { items.append("the root: it cannot be computed while tiles are missing") }
    items.append("sealed details: they can be opened only with the subjects' keys")
    return items
  }
}

extension FetchedTile {
  var problem: String {
    switch self {
    case .bytes: "unexpected bytes"
    case .absent: "not there"
    case .failed(let problem): problem
    }
  }
}
