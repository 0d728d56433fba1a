package import Residency

/// How much of the logs is kept: until every member has acknowledged it, but no more than a number of bytes.
package struct LogRetention: Hashable, Sendable {
  /// How much one entry takes with its index, for the cap: measured with PostgreSQL 15.
  package static let bytesPerEntry: UInt64 = 200

  /// Past this, entries go that some member has not acknowledged. It gets a snapshot.
  package let bytesMax: UInt64
  /// The newest entries of each log, which are kept though everybody has them: where a region was restored from a backup, its history
  /// is compared by them.
  package let entriesMin: UInt64

  /// - Parameters:
  ///   - bytesMax: 1 GiB unless said otherwise: five million entries.
  ///   - entriesMin: 10,000 unless said otherwise: two megabytes a log.
  package init(bytesMax: UInt64 = 1 << 30, entriesMin: UInt64 = 10_000) {
    self.bytesMax = bytesMax
    self.entriesMin = entriesMin
  }

  /// For each log the last entry that may go. Logs of which nothing may go are not named.
  /// - Parameters:
  ///   - heads: how far the logs reach here.
  ///   - starts: the entry before the first that is still held.
  ///   - acknowledged: what each member holds, for every member but this region.
  ///   - bytesOfLargeEntries: what documents take beside that, which are no small part of an entry.
  package func cuts(
    heads: VersionVector, starts: VersionVector, acknowledged: [RegionOrdinal: VersionVector], bytesOfLargeEntries: UInt64 = 0
  ) -> VersionVector {
    var cuts: [LogID: UInt64] = [:]
    for head in heads.positions {
      let held = acknowledged.filter { $0.key != head.origin }.map { $0.value[head.log] }.min() ?? head.seq
      let cut = min(held, head.seq.subtractingClamped(entriesMin))
      if cut > starts[head.log] { cuts[head.log] = cut }
    }
    return VersionVector(capped(cuts, heads: heads, starts: starts, bytesOfLargeEntries))
  }

  /// Cuts the longest logs first, until the rest fits.
  private func capped(
    _ cuts: [LogID: UInt64], heads: VersionVector, starts: VersionVector, _ bytesOfLargeEntries: UInt64
  ) -> [LogID: UInt64] {
    var cuts = cuts
    var kept = heads.positions.map { ($0.log, count: $0.seq - max(min($0.seq, starts[$0.log]), cuts[$0.log] ?? 0)) }
    let held = heads.positions.reduce(UInt64(0)) { $0 + $1.seq.subtractingClamped(starts[$1.log]) }
    let bytesPerEntry = Self.bytesPerEntry + bytesOfLargeEntries / max(held, 1)
    var excess = kept.reduce(0) { $0 + $1.count }.subtractingClamped(bytesMax / bytesPerEntry)
    kept.sort { ($0.count, $0.0) > ($1.count, $1.0) }
    for (log, count) in kept where excess > 0 && count > 0 {
      let cut = min(count, excess)
      cuts[log] = heads[log] - count + cut
      excess -= cut
    }
    return cuts
  }
}

extension UInt64 {
  func subtractingClamped(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
