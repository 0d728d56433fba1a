package import Residency

/// What stands at one place of a log.
package enum LogEntry: Hashable, Sendable {
  /// A fact about one subject.
  case placement(DirectoryEntry)
  /// Tombstones that may be forgotten.
  case floor(TombstoneFloor)

  /// The first byte is the version of the form, the second the kind: 1 to 5 placements, 6 a floor.
  package var encoded: [UInt8] {
    switch self {
    case .placement(let entry): entry.encoded
    case .floor(let floor): floor.encoded
    }
  }

  /// - Parameter origin: the region whose log holds the entry.
  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one entry that `origin` may write.
  package init(decoding bytes: [UInt8], origin: RegionOrdinal) throws(DirectoryFormatError) {
    if bytes.count > 1, bytes[1] == TombstoneFloor.kind {
      self = .floor(try TombstoneFloor(decoding: bytes, origin: origin))
    } else {
      self = .placement(try DirectoryEntry(decoding: bytes, origin: origin))
    }
  }

  package var tag: SubjectTag? {
    guard case .placement(let entry) = self else { return nil }
    return entry.tag
  }
}
