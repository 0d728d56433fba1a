package import Cryptography
package import Residency

/// The leaves of one log that another region's log has the other side of.
package struct LogTransfers: Sendable {
  struct Export: Sendable {
    let hash: SHA256Digest
    let importer: RegionID
    let time: UTCTime
    let isDisclosure: Bool
  }

  struct Import: Sendable {
    let index: Int
    let time: UTCTime
    let exporter: RegionID
    let exportIndex: UInt64
    let exportHash: SHA256Digest?
  }

  /// Whose log it is, by its own first words; `nil` while they were not read.
  package private(set) var region: RegionID?
  /// By their leaves' indexes.
  private(set) var exports: [UInt64: Export] = [:]
  private(set) var imports: [Import] = []
  private(set) var lastTime: UTCTime?

  package init() {}

  /// Whose logs have the other sides.
  package var otherRegions: Set<RegionID> { Set(imports.map(\.exporter)).union(exports.values.map(\.importer)) }

  /// Takes in the next leaf tile of the log.
  package mutating func add(_ tile: LeafTileReading) {
    region = region ?? tile.region
    lastTime = tile.lastTime ?? lastTime
    for leaf in tile.transfers {
      if let other = leaf.counterpart, let index = other.index {
        imports.append(
          Import(index: leaf.index, time: leaf.time, exporter: other.region, exportIndex: index, exportHash: other.leafHash))
      } else if leaf.home == region, let importer = leaf.requester, importer != region, let hash = tile.hash(of: leaf.index) {
        exports[UInt64(leaf.index)] = Export(
          hash: hash, importer: importer, time: leaf.time, isDisclosure: leaf.isDisclosure)
      }
    }
  }
}

/// Holds exporters' leaves against importers': each side of a transfer is recorded in a log of its own, under a law of its own.
package enum TransferReconciliation {
  package struct Outcome: Sendable {
    /// By the region whose log has the leaf that the finding is about.
    package var findings: [(region: RegionID, finding: Finding)] = []
    package var observations: [(region: RegionID, text: String)] = []
    /// How many leaves have their other side.
    package var agreeing = 0
  }

  /// What one side has recorded need not be under the other's checkpoint yet.
  private static let underWayMilliseconds: Int64 = 60_000

  package static func compare(_ logs: [LogTransfers]) -> Outcome {
    let known = Dictionary(logs.compactMap { log in log.region.map { ($0, log) } }, uniquingKeysWith: { first, _ in first })
    var outcome = Outcome()
    for (region, log) in known.sorted(by: { $0.key < $1.key }) {
      for entry in log.imports {
        guard let exporter = known[entry.exporter] else { continue }
        if let export = exporter.exports[entry.exportIndex] {
          if export.importer == region, entry.exportHash == nil || entry.exportHash == export.hash {
            outcome.agreeing += 1
          } else {
            outcome.findings.append(
              (region, .otherSideDiffers(index: entry.index, region: entry.exporter, other: entry.exportIndex)))
          }
        } else if let last = exporter.lastTime, last.milliseconds - entry.time.milliseconds > underWayMilliseconds {
          outcome.findings.append(
            (region, .otherSideMissing(index: entry.index, region: entry.exporter, other: entry.exportIndex)))
        }
      }
      let unreceived = unreceived(region, log, known)
      if let first = unreceived.first {
        outcome.observations.append(
          (
            region,
            "\(unreceived.count) disclosures, the first at leaf \(first), have no record at the region that asked: its answer may have been lost "
              + "on the way, or it did not record what it got"
          ))
      }
    }
    return outcome
  }

  private static func unreceived(_ region: RegionID, _ log: LogTransfers, _ known: [RegionID: LogTransfers]) -> [UInt64] {
    var received: [RegionID: Set<UInt64>] = [:]
    return log.exports.filter { index, export in
      guard export.isDisclosure, let importer = known[export.importer], let last = importer.lastTime,
        last.milliseconds - export.time.milliseconds > underWayMilliseconds
      else { return false }
      let indexes =
        received[export.importer] ?? Set(importer.imports.filter { $0.exporter == region }.map(\.exportIndex))
      received[export.importer] = indexes
      return !indexes.contains(index)
    }.keys.sorted()
  }
}
