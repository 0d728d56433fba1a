package import Residency

/// One record of a log: a placement as its home wrote it.
///
/// An entry does not hold its own position, so that it can be encoded before the group committer knows at which position it
/// will stand; the chain binds it to the position.
package struct DirectoryEntry: Hashable, Sendable {
  package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
    case register = 1
    /// Written by the old home: the subject is at the new one from here on.
    case move = 2
    /// The home stays and the state changes: frozen, or active again.
    case change = 3
    case erase = 4
    /// Settles a contest; written by the home that keeps the subject.
    case resolve = 5
    /// Says again, in the next incarnation, what stood in a branch of the region's log that does not count: see ``LogCut``.
    case restate = 7
  }

  package let kind: Kind
  package let tag: SubjectTag
  /// `nil` in a registration: its birth is its own position.
  package let birth: LogPosition?
  package let epoch: Epoch
  package let home: RegionOrdinal
  package let state: PlacementState
  package let covers: Coverage
  /// When it was written, for lag and for people. Nothing is decided by it.
  package let timestamp: HybridTimestamp

  init(
    kind: Kind, tag: SubjectTag, birth: LogPosition?, epoch: Epoch, home: RegionOrdinal, state: PlacementState,
    covers: Coverage = .none, timestamp: HybridTimestamp
  ) {
    self.kind = kind
    self.tag = tag
    self.birth = birth
    self.epoch = epoch
    self.home = home
    self.state = state
    self.covers = covers
    self.timestamp = timestamp
  }

  /// The fact that this entry states where it stands at `position`.
  package func placement(at position: LogPosition) -> Placement {
    Placement(
      tag: tag, birth: birth ?? position, epoch: epoch, home: home, state: state, position: position, covers: covers)
  }
}

extension DirectoryEntry {
  private static let version: UInt8 = 1

  /// Version 1, numbers in network byte order:
  /// ```
  /// 0 version  1 kind  2 state  3 tag  19 birth (origin 2, incarnation 4, seq 8; zeros in a registration)
  /// 33 epoch 8  41 home 2  43 milliseconds 8  51 counter 2  53 coverage (1 byte where there is none)
  /// ```
  package var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(54)
    bytes.append(Self.version)
    bytes.append(kind.rawValue)
    bytes.append(state.rawValue)
    bytes += tag.bytes
    if let birth { bytes.append(birth) } else { bytes += [UInt8](repeating: 0, count: 14) }
    bytes.append(bigEndian: epoch.rawValue)
    bytes.append(bigEndian: home.rawValue)
    bytes.append(bigEndian: timestamp.milliseconds)
    bytes.append(bigEndian: timestamp.counter)
    covers.encode(to: &bytes)
    return bytes
  }

  /// - Parameter origin: the region whose log holds the entry: only the home of a subject writes about it.
  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one entry that `origin` may write.
  package init(decoding bytes: [UInt8], origin: RegionOrdinal) throws(DirectoryFormatError) {
    var reader = BinaryReader(bytes)
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else { throw .unknownVersion(version) }
    let kindNumber = try reader.integer(UInt8.self)
    guard let kind = Kind(rawValue: kindNumber) else { throw .unknownKind(kindNumber) }
    let stateNumber = try reader.integer(UInt8.self)
    guard let state = PlacementState(rawValue: stateNumber) else { throw .unknownState(stateNumber) }
    let tagBytes = try reader.take(SubjectTag.byteCount)
    guard let tag = SubjectTag(Array(tagBytes)) else { throw .truncated(needed: SubjectTag.byteCount, found: tagBytes.count) }
    let birth: LogPosition?
    if kind == .register {
      guard try reader.take(14).allSatisfy({ $0 == 0 }) else { throw .contradictory(.registrationIsNotFirst) }
      birth = nil
    } else {
      birth = try reader.position()
    }
    let epoch = try reader.epoch()
    let home = try reader.region()
    let milliseconds = try reader.integer(UInt64.self)
    let timestamp = HybridTimestamp(milliseconds: milliseconds, counter: try reader.integer(UInt16.self))
    let covers = try Coverage(from: &reader)
    try reader.finish()
    self.init(
      kind: kind, tag: tag, birth: birth, epoch: epoch, home: home, state: state, covers: covers, timestamp: timestamp)
    try checkWhole(origin: origin)
  }

  /// What must hold between the fields, and between them and the log.
  private func checkWhole(origin: RegionOrdinal) throws(DirectoryFormatError) {
    if let birth, covers.heights[birth] != nil { throw .contradictory(.coversItself) }
    switch kind {
    case .register:
      guard epoch == .first, state == .active, covers.isEmpty else { throw .contradictory(.registrationIsNotFirst) }
    case .move:
      guard state == .active else { throw .contradictory(.stateDoesNotFitKind) }
    case .change:
      guard state != .erased else { throw .contradictory(.stateDoesNotFitKind) }
    case .resolve:
      guard state != .frozen else { throw .contradictory(.stateDoesNotFitKind) }
    case .restate:
      break
    case .erase:
      guard state == .erased else { throw .contradictory(.stateDoesNotFitKind) }
    }
    if kind != .register, kind != .restate, epoch == .first { throw .contradictory(.epochIsFirst) }
    switch kind {
    case .move:
      guard home != origin else { throw .contradictory(.moveToSelf) }
    case .restate:
      guard home == origin || state == .active else { throw .contradictory(.writtenElsewhere) }
    case .register, .change, .erase, .resolve:
      guard home == origin else { throw .contradictory(.writtenElsewhere) }
    }
  }
}
