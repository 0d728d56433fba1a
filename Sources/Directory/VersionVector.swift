package import Residency

/// How two version vectors stand to each other.
package enum VersionOrder: Hashable, Sendable { case before, after, equal, concurrent }

/// How far each log is held: for every log, the last of its entries. A log that is not named is held up to 0.
package struct VersionVector: Hashable, Sendable {
  private var seqs: [LogID: UInt64]

  package init() { seqs = [:] }

  package init(_ seqs: [LogID: UInt64]) { self.seqs = seqs.filter { $0.value > 0 } }

  /// Ascending by log.
  package var positions: [LogPosition] {
    seqs.map { LogPosition(log: $0.key, seq: $0.value) }.sorted()
  }

  package var isEmpty: Bool { seqs.isEmpty }
  package var count: Int { seqs.count }

  package subscript(log: LogID) -> UInt64 { seqs[log] ?? 0 }

  package func includes(_ position: LogPosition) -> Bool { self[position.log] >= position.seq }

  /// Whether a later log of the same region is known.
  package func hasLog(after log: LogID) -> Bool {
    seqs.keys.contains { $0.origin == log.origin && $0 > log }
  }

  /// Moves one log forward; never back.
  package mutating func advance(to position: LogPosition) {
    guard position.seq > self[position.log] else { return }
    seqs[position.log] = position.seq
  }

  /// Moves one log back: only for what is believed of a vector, never for the vector of a store.
  mutating func withdraw(to position: LogPosition) {
    seqs[position.log] = position.seq == 0 ? nil : position.seq
  }

  /// The same, but for what stands at or after one of `cuts` in its log.
  package func before(_ cuts: Set<LogPosition>) -> VersionVector {
    var copy = self
    for cut in cuts where copy.includes(cut) { copy.withdraw(to: LogPosition(log: cut.log, seq: cut.seq - 1)) }
    return copy
  }

  /// Without one log.
  package func without(_ log: LogID) -> VersionVector {
    var copy = self
    copy.seqs[log] = nil
    return copy
  }

  /// Takes the greater of both for every log.
  package mutating func join(_ other: VersionVector) {
    seqs.merge(other.seqs) { max($0, $1) }
  }

  package func joined(with other: VersionVector) -> VersionVector {
    var copy = self
    copy.join(other)
    return copy
  }

  /// Whether everything in `other` is in here.
  package func dominates(_ other: VersionVector) -> Bool {
    other.seqs.allSatisfy { self[$0.key] >= $0.value }
  }

  package func compare(to other: VersionVector) -> VersionOrder {
    switch (dominates(other), other.dominates(self)) {
    case (true, true): .equal
    case (true, false): .after
    case (false, true): .before
    case (false, false): .concurrent
    }
  }

  /// How many entries of `other` are missing here, over all logs.
  package func entriesMissing(from other: VersionVector) -> UInt64 {
    other.seqs.reduce(0) { sum, item in
      let held = self[item.key]
      guard item.value > held else { return sum }
      let (total, overflow) = sum.addingReportingOverflow(item.value - held)
      return overflow ? .max : total
    }
  }
}

extension VersionVector {
  private static let version: UInt8 = 1

  /// Version 1: a byte with the version, the count (2 bytes), then 14 bytes for each log in ascending order: origin 2,
  /// incarnation 4, seq 8; network byte order. At most 65,535 logs.
  package var encoded: [UInt8] {
    let positions = positions.prefix(Int(UInt16.max))
    var bytes: [UInt8] = [Self.version]
    bytes.append(bigEndian: UInt16(positions.count))
    for position in positions { bytes.append(position) }
    return bytes
  }

  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one version vector.
  package init(decoding bytes: [UInt8]) throws(DirectoryFormatError) {
    var reader = BinaryReader(bytes)
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else { throw .unknownVersion(version) }
    let count = Int(try reader.integer(UInt16.self))
    try reader.require(count * 14)
    var seqs: [LogID: UInt64] = [:]
    var previous: LogID?
    for _ in 0..<count {
      let position = try reader.position()
      if let previous, previous >= position.log { throw .unordered }
      previous = position.log
      seqs[position.log] = position.seq
    }
    try reader.finish()
    self.seqs = seqs
  }

  /// `{"2/1": "40"}`: numbers as text, since a JSON number does not hold 64 bits.
  package var json: JSONValue {
    .object(Dictionary(uniqueKeysWithValues: seqs.map { ($0.key.description, JSONValue.string(String($0.value))) }))
  }
}
