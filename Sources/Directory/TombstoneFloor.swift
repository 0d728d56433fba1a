package import Residency

/// A region's word that the tombstones it wrote up to a place need not be kept any more.
///
/// It stands in the log, behind the erasures that it speaks of, so every region drops the same tombstones at the same point of
/// its history. It is carried out only by a region that holds everything in ``after``: all that the writer knew when it wrote the
/// last of those erasures, and so every earlier fact about those subjects. None of them can come in afterwards.
package struct TombstoneFloor: Hashable, Sendable {
  /// Tombstones of this log that stand here or before.
  package let upTo: LogPosition
  package let after: VersionVector

  package init(upTo: LogPosition, after: VersionVector) {
    self.upTo = upTo
    self.after = after
  }
}

extension TombstoneFloor {
  static let kind: UInt8 = 6
  private static let version: UInt8 = 1

  /// Version 1: version, kind 6, the incarnation (4 bytes) and seq (8) of ``upTo``, then the version vector in its own form;
  /// network byte order.
  package var encoded: [UInt8] {
    var bytes: [UInt8] = [Self.version, Self.kind]
    bytes.append(bigEndian: upTo.incarnation.rawValue)
    bytes.append(bigEndian: upTo.seq)
    return bytes + after.encoded
  }

  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one floor.
  package init(decoding bytes: [UInt8], origin: RegionOrdinal) throws(DirectoryFormatError) {
    var reader = BinaryReader(bytes)
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else { throw .unknownVersion(version) }
    let kind = try reader.integer(UInt8.self)
    guard kind == Self.kind else { throw .unknownKind(kind) }
    let incarnation = Incarnation(try reader.integer(UInt32.self))
    guard incarnation.isStorable else { throw .invalid(.incarnation) }
    let seq = try reader.integer(UInt64.self)
    guard seq > 0, seq <= UInt64.storableMax else { throw .invalid(.seq) }
    let after = try VersionVector(decoding: Array(bytes.dropFirst(14)))
    let upTo = LogPosition(origin: origin, incarnation: incarnation, seq: seq)
    guard after.includes(upTo) else { throw .contradictory(.floorAboveItsKnowledge) }
    self.init(upTo: upTo, after: after)
  }
}
