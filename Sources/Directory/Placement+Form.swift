package import Residency

/// A placement on its way between regions outside of a log: in a snapshot, a look-up, a repair.
extension Placement {
  private static let version: UInt8 = 1

  /// Version 1, numbers in network byte order:
  /// ```
  /// 0 version  1 state  2 tag  18 birth (origin 2, incarnation 4, seq 8)  32 position (14)  46 epoch 8  54 home 2
  /// 56 coverage (1 byte where there is none)
  /// ```
  package var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(57)
    bytes.append(Self.version)
    bytes.append(state.rawValue)
    bytes += tag.bytes
    bytes.append(birth)
    bytes.append(position)
    bytes.append(bigEndian: epoch.rawValue)
    bytes.append(bigEndian: home.rawValue)
    covers.encode(to: &bytes)
    return bytes
  }

  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one placement that some log may have stated.
  package init(decoding bytes: [UInt8]) throws(DirectoryFormatError) {
    var reader = BinaryReader(bytes)
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else { throw .unknownVersion(version) }
    let stateNumber = try reader.integer(UInt8.self)
    guard let state = PlacementState(rawValue: stateNumber) else { throw .unknownState(stateNumber) }
    let tagBytes = try reader.take(SubjectTag.byteCount)
    guard let tag = SubjectTag(Array(tagBytes)) else { throw .truncated(needed: SubjectTag.byteCount, found: tagBytes.count) }
    let birth = try reader.position()
    let position = try reader.position()
    let epoch = try reader.epoch()
    let home = try reader.region()
    let covers = try Coverage(from: &reader)
    try reader.finish()
    guard covers.heights[birth] == nil else { throw .contradictory(.coversItself) }
    guard epoch == .first || birth != position else { throw .contradictory(.epochIsFirst) }
    guard epoch != .first || (home == birth.origin && state == .active && covers.isEmpty) else {
      throw .contradictory(.registrationIsNotFirst)
    }
    self.init(tag: tag, birth: birth, epoch: epoch, home: home, state: state, position: position, covers: covers)
  }
}

extension Placement {
  /// What a row holds beside the columns: nothing where the fact stands at its birth and covers nothing; otherwise its position (14
  /// bytes) and its coverage.
  package var later: [UInt8] {
    guard position != birth || !covers.isEmpty else { return [] }
    var bytes: [UInt8] = []
    bytes.append(position)
    covers.encode(to: &bytes)
    return bytes
  }

  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly what ``later`` gives, and not empty.
  package static func later(decoding bytes: [UInt8]) throws(DirectoryFormatError) -> (LogPosition, Coverage) {
    var reader = BinaryReader(bytes)
    let position = try reader.position()
    let covers = try Coverage(from: &reader)
    try reader.finish()
    return (position, covers)
  }
}
