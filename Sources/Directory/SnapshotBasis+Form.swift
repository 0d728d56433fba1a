import Residency

/// As a basis travels and is kept.
extension SnapshotBasis {
  private static let version: UInt8 = 1

  /// Version 1, numbers in network byte order: a byte with the version; the count of heads (4 bytes), then for each, ascending, its
  /// position (14 bytes) and chain (32); the count of cuts (4), then the same for each; the two vectors of ``FloorLedger``, each behind
  /// its length (4); the count of pending floors (4), then for each its position, its length (4) and its form.
  package var encoded: [UInt8] {
    var bytes: [UInt8] = [Self.version]
    // A log that has no entry yet is not named.
    let heads = heads.filter { $0.value.seq > 0 }
    bytes.append(bigEndian: UInt32(heads.count))
    for (log, head) in heads.sorted(by: { $0.key < $1.key }) {
      bytes.append(LogPosition(log: log, seq: head.seq))
      bytes += head.chain.bytes
    }
    bytes.append(bigEndian: UInt32(cuts.count))
    for cut in cuts.sorted(by: { ($0.first, $0.chain.description) < ($1.first, $1.chain.description) }) {
      bytes.append(cut.first)
      bytes += cut.chain.bytes
    }
    for vector in [floors.reached, floors.forgotten] { bytes.append(framed: vector.encoded) }
    bytes.append(bigEndian: UInt32(floors.pending.count))
    for (position, floor) in floors.pending.sorted(by: { $0.key < $1.key }) {
      bytes.append(position)
      bytes.append(framed: floor.encoded)
    }
    return bytes
  }

  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one basis.
  package init(decoding bytes: [UInt8]) throws(DirectoryFormatError) {
    var reader = BinaryReader(bytes)
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else { throw .unknownVersion(version) }
    var heads: [LogID: AppliedHead] = [:]
    for _ in 0..<(try reader.integer(UInt32.self)) {
      let position = try reader.position()
      heads[position.log] = AppliedHead(seq: position.seq, chain: try reader.chain())
    }
    var cuts: Set<LogCut> = []
    for _ in 0..<(try reader.integer(UInt32.self)) {
      let first = try reader.position()
      cuts.insert(LogCut(first: first, chain: try reader.chain()))
    }
    let reached = try VersionVector(decoding: Array(try reader.framed()))
    let forgotten = try VersionVector(decoding: Array(try reader.framed()))
    var pending: [LogPosition: TombstoneFloor] = [:]
    for _ in 0..<(try reader.integer(UInt32.self)) {
      let position = try reader.position()
      pending[position] = try TombstoneFloor(decoding: Array(try reader.framed()), origin: position.origin)
    }
    try reader.finish()
    self.init(heads: heads, cuts: cuts, floors: FloorLedger(pending: pending, reached: reached, forgotten: forgotten))
  }
}

extension [UInt8] {
  fileprivate mutating func append(framed bytes: [UInt8]) {
    append(bigEndian: UInt32(bytes.count))
    self += bytes
  }
}

extension BinaryReader {
  fileprivate mutating func framed() throws(DirectoryFormatError) -> ArraySlice<UInt8> {
    try take(Int(try integer(UInt32.self)))
  }

  fileprivate mutating func chain() throws(DirectoryFormatError) -> ChainHash {
    guard let chain = ChainHash(try take(ChainHash.byteCount)) else { throw .truncated(needed: ChainHash.byteCount, found: 0) }
    return chain
  }
}
