package import Residency

/// What stands at one place of a log.
package enum LogEntry: Hashable, Sendable {
  /// A fact about one subject.
  case placement(DirectoryEntry)
  /// Tombstones that may be forgotten.
  case floor(TombstoneFloor)
  /// A write of a document that all regions hold.
  case document(DocumentEntry)

  /// The first byte is the version of the form, the second the kind: 1 to 5 and 7 placements, 6 a floor, 8 a document.
  package var encoded: [UInt8] {
    switch self {
    case .placement(let entry): entry.encoded
    case .floor(let floor): floor.encoded
    case .document(let entry): entry.encoded
    }
  }

  /// - Parameter origin: the region whose log holds the entry.
  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one entry that `origin` may write.
  package init(decoding bytes: [UInt8], origin: RegionOrdinal) throws(DirectoryFormatError) {
    switch bytes.count > 1 ? bytes[1] : 0 {
    case TombstoneFloor.kind: self = .floor(try TombstoneFloor(decoding: bytes, origin: origin))
    case DocumentEntry.kind: self = .document(try DocumentEntry(decoding: bytes))
    default: self = .placement(try DirectoryEntry(decoding: bytes, origin: origin))
    }
  }

  /// So many of an entry's first bytes tell whom it is about.
  package static let aboutBytes = 19

  /// Whom an entry is about, as far as that can be told before it is checked.
  /// - Parameter bytes: its first ``aboutBytes``, or more of them.
  package static func tag(in bytes: [UInt8]) -> SubjectTag? {
    guard bytes.count >= aboutBytes, bytes[1] != TombstoneFloor.kind, bytes[1] != DocumentEntry.kind else { return nil }
    return SubjectTag(Array(bytes[3..<aboutBytes]))
  }

  package var tag: SubjectTag? {
    guard case .placement(let entry) = self else { return nil }
    return entry.tag
  }
}
