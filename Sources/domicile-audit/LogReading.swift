import AuditTrail
import Cryptography
import Foundation

/// A log that was read and verified, with the events that were asked for.
struct ReadLog: Sendable {
  let target: LogTarget
  let report: VerificationReport
  let leaves: [LogLeaf]
  /// For the other regions' logs; `nil` where they were not looked at.
  var transfers: LogTransfers?
  /// Indexes of those events that were written with their proofs.
  var proven: Set<Int> = []
}

extension [ReadLog] {
  /// With what the logs say of each other.
  func reconciled() -> [ReadLog] {
    let outcome = TransferReconciliation.compare(compactMap(\.transfers))
    let known = Set(compactMap { $0.transfers?.region })
    return map { log in
      guard let transfers = log.transfers, let region = transfers.region else { return log }
      let others = transfers.otherRegions.subtracting(known).sorted()
      let notChecked =
        others.isEmpty
        ? []
        : [
          "the other side of transfers with \(others.map(\.rawValue).joined(separator: ", ")): not among the logs that were read"
        ]
      return ReadLog(
        target: log.target,
        report: log.report.adding(
          outcome.findings.filter { $0.region == region }.map(\.finding),
          observations: outcome.observations.filter { $0.region == region }.map(\.text), notChecked: notChecked),
        leaves: log.leaves, transfers: transfers)
    }
  }
}

extension LogTarget {
  /// The checkpoint to verify against.
  func fetchCheckpoint() async -> FetchedTile {
    if let checkpoint { .bytes(checkpoint) } else { await source.fetch("checkpoint") }
  }

  /// Reads the whole log, or what is new since it was last verified, and verifies it.
  /// - Parameters:
  ///   - remembered: a folder with checkpoints seen before; the new one is put there when it verifies.
  ///   - witnessed: what witnesses saw of it before now.
  ///   - completeness: whether requests without a record are looked for, and what other logs have the other side of.
  ///   - rows: what the region stores, to be held against the leaves.
  ///   - keep: which events to return.
  ///   - tap: sees every file that was read, in no order.
  ///   - visit: sees each of these events, in order; they are then not returned.
  func read(
    remembered: String? = nil, witnessed: WitnessedCheckpoints = .none, completeness: Bool = false,
    rows: StoredRows? = nil, keeping keep: (@Sendable (LeafOutline) -> Bool)? = nil,
    tap: ((_ path: String, _ bytes: [UInt8]) throws -> Void)? = nil, visiting visit: ((LogLeaf) throws -> Void)? = nil
  ) async throws -> ReadLog {
    // An older checkpoint that was asked for is no log that was cut off.
    let memory = checkpoint == nil ? try remembered.map { try AuditMemory(folder: $0, trust: trust.policy) } : nil
    var leaves: [LogLeaf] = []
    var tally = RequestTally()
    var transfers = LogTransfers()
    var reconciliation = rows.map { RowReconciliation($0) }
    var report = try await verify(
      checkpoint == nil ? try await witnessed.checkpoint(of: source) : await fetchCheckpoint(),
      earlier: (memory?.checkpoints ?? []) + witnessed.checkpoints,
      for: LeafInterest(completeness: completeness, rows: rows != nil, keeping: keep), tap: tap
    ) { tile in
      if let visit { for leaf in tile.leaves { try visit(leaf) } } else { leaves += tile.leaves }
      reconciliation?.add(tile)
      guard completeness else { return }
      tally.add(tile)
      transfers.add(tile)
    }
    report = completeness ? report.adding(tally) : report.adding([], notChecked: Self.incompleteness)
    // Also where rows are not what it says, the log itself is one to be held to.
    if report.exit == .verified, let note = report.checkpoint?.note { try memory?.remember(note) }
    if let reconciliation {
      report = report.adding(reconciliation)
    } else if completeness {
      report = report.adding([], notChecked: ["the rows that the region stores: verify --rows holds them against its log"])
    }
    return ReadLog(target: self, report: report, leaves: leaves, transfers: completeness ? transfers : nil)
  }

  /// What only a whole verification looks at.
  static let incompleteness = [
    "completeness: whether requests have no record, and the other side of transfers; verify looks at both"
  ]

  /// Reads and verifies.
  /// - Parameters:
  ///   - prefix: where an earlier verification ended.
  ///   - visit: sees each leaf tile, in order.
  func verify(
    _ checkpoint: FetchedTile, earlier: [Checkpoint] = [], resuming prefix: VerifiedPrefix? = nil, for interest: LeafInterest,
    tap: ((_ path: String, _ bytes: [UInt8]) throws -> Void)? = nil, _ visit: (LeafTileReading) async throws -> Void
  ) async throws -> VerificationReport {
    if case .bytes(let bytes) = checkpoint { try tap?("checkpoint", bytes) }
    var verifier = LogVerifier(checkpoint: checkpoint, trust: trust.policy, earlier: earlier, resuming: prefix)
    var progress = Progress("verifying \(name)", total: verifier.size)
    var done = verifier.leavesVerifiedBefore
    while !verifier.needed.isEmpty {
      let batch = await source.read(verifier.needed, treeSize: verifier.size, for: interest, keepsFiles: tap != nil)
      for file in batch.files { try tap?(file.path, file.bytes) }
      for tile in batch.tiles { try await visit(tile) }
      done += batch.tiles.count * TileCoordinate.fullWidth
      verifier.receive(batch.tiles, upper: batch.upper)
      progress.update(min(done, verifier.size))
    }
    progress.end()
    return verifier.finish()
  }
}

/// What came of fetching all that a verifier needs next.
struct ReadBatch: Sendable {
  /// In order.
  var tiles: [LeafTileReading] = []
  var upper: [TileCoordinate: FetchedTile] = [:]
  var files: [(path: String, bytes: [UInt8])] = []
}

extension LogSource {
  /// Fetches `needed` and reads the leaf tiles among it, all at the same time.
  func read(
    _ needed: [TileCoordinate], treeSize: Int, for interest: LeafInterest, keepsFiles: Bool
  ) async -> ReadBatch {
    await withTaskGroup(of: ReadBatch.self) { group in
      for coordinate in needed {
        switch coordinate.kind {
        case .entries:
          // The tile of their hashes is read with them.
          group.addTask { await readLeafTile(coordinate.index, treeSize, interest, keepsFiles) }
        case .hashes(level: 0): continue
        case .hashes:
          group.addTask {
            let (path, fetched) = await fetch(coordinate)
            return ReadBatch(upper: [coordinate: fetched], files: keepsFiles ? fetched.file(at: path) : [])
          }
        }
      }
      var batch = ReadBatch()
      for await part in group {
        batch.tiles += part.tiles
        batch.upper.merge(part.upper) { $1 }
        batch.files += part.files
      }
      batch.tiles.sort { $0.index < $1.index }
      return batch
    }
  }

  private func readLeafTile(_ index: Int, _ treeSize: Int, _ interest: LeafInterest, _ keepsFiles: Bool) async -> ReadBatch {
    guard let entriesAt = TileCoordinate(.entries, index: index, treeSize: treeSize),
      let hashesAt = TileCoordinate(.hashes(level: 0), index: index, treeSize: treeSize)
    else { return ReadBatch() }
    async let fetchedHashes = fetch(hashesAt)
    let (entriesPath, entries) = await fetch(entriesAt)
    let (hashesPath, hashes) = await fetchedHashes
    let tile = LeafTileReading(index, treeSize: treeSize, entries: entries, hashes: hashes, for: interest)
    let files = keepsFiles ? entries.file(at: entriesPath) + hashes.file(at: hashesPath) : []
    return ReadBatch(tiles: tile.map { [$0] } ?? [], files: files)
  }
}

extension FetchedTile {
  fileprivate func file(at path: String) -> [(path: String, bytes: [UInt8])] {
    if case .bytes(let bytes) = self { [(path, bytes)] } else { [] }
  }
}
