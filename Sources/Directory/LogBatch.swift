package import Residency

/// A run of entries of one log on its way between regions. Nothing about it is trusted before ``BatchVerifier`` has decided.
package struct LogBatch: Hashable, Sendable {
  package let origin: RegionOrdinal
  package let incarnation: Incarnation
  package let first: UInt64
  package let last: UInt64
  /// The chain before `first`.
  package let previousChain: ChainHash
  package let entries: [[UInt8]]
  /// ``checksum(origin:incarnation:first:last:previousChain:entries:)`` as the sender made it.
  package let crc: UInt32

  /// The most entries and bytes in one batch; a sender stops before them, a receiver refuses more.
  package static let entriesMax = 4_096
  package static let bytesMax = 1_048_576

  /// A batch as it was received.
  package init(
    origin: RegionOrdinal, incarnation: Incarnation, first: UInt64, last: UInt64, previousChain: ChainHash, entries: [[UInt8]],
    crc: UInt32
  ) {
    self.origin = origin
    self.incarnation = incarnation
    self.first = first
    self.last = last
    self.previousChain = previousChain
    self.entries = entries
    self.crc = crc
  }

  /// A batch to send: the rows of `directory_log` from `first` on, as many of `rows` as the limits allow.
  /// - Parameter previousChain: the chain of the row before `first`, or the start of the log's chain where `first` is 1.
  /// - Returns: `nil` where there are no rows.
  package init?(log: LogID, first: UInt64, previousChain: ChainHash, rows: [[UInt8]]) {
    var byteCount = 0
    let entries = Array(
      rows.prefix(Self.entriesMax).prefix { row in
        byteCount += row.count
        return byteCount <= Self.bytesMax
      })
    guard first > 0, !entries.isEmpty else { return nil }
    let last = first + UInt64(entries.count - 1)
    self.init(
      origin: log.origin, incarnation: log.incarnation, first: first, last: last, previousChain: previousChain,
      entries: entries,
      crc: Self.checksum(
        origin: log.origin, incarnation: log.incarnation, first: first, last: last, previousChain: previousChain,
        entries: entries))
  }

  /// Whom its entries speak of, as far as they can be told before they are checked: so that what is held of them can be read early.
  package var tags: Set<SubjectTag> {
    Set(entries.compactMap(LogEntry.tag))
  }

  package var log: LogID { LogID(origin: origin, incarnation: incarnation) }

  /// CRC-32C of origin (2 bytes), incarnation (4), first (8), last (8), the previous chain (32), then of each entry its length (4)
  /// and its bytes.
  package static func checksum(
    origin: RegionOrdinal, incarnation: Incarnation, first: UInt64, last: UInt64, previousChain: ChainHash, entries: [[UInt8]]
  ) -> UInt32 {
    var header: [UInt8] = []
    header.append(bigEndian: origin.rawValue)
    header.append(bigEndian: incarnation.rawValue)
    header.append(bigEndian: first)
    header.append(bigEndian: last)
    header += previousChain.bytes
    var crc = CRC32C()
    crc.update(header)
    for entry in entries {
      var length: [UInt8] = []
      length.append(bigEndian: UInt32(truncatingIfNeeded: entry.count))
      crc.update(length)
      crc.update(entry)
    }
    return crc.value
  }
}
