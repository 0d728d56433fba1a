package import Residency

/// Which facts a placement knows of, by birth: the version vector of one subject.
///
/// A resolution carries the joined knowledge of all siblings, and later writes inherit it: so they supersede the siblings also
/// where the resolution itself has not arrived.
package struct Coverage: Hashable, Sendable {
  /// How far the history of one birth is known.
  package struct Height: Hashable, Sendable {
    package let epoch: Epoch
    /// Set for good once the subject of that birth is erased.
    package let isErased: Bool

    package init(epoch: Epoch, isErased: Bool) {
      self.epoch = epoch
      self.isErased = isErased
    }

    func isAtLeast(_ other: Height) -> Bool { epoch >= other.epoch && (isErased || !other.isErased) }

    func joined(with other: Height) -> Height {
      Height(epoch: max(epoch, other.epoch), isErased: isErased || other.isErased)
    }
  }

  package private(set) var heights: [LogPosition: Height]

  package static let none = Coverage([:])
  /// The most births that one placement can cover: the entry counts them in one byte.
  package static let birthsMax = 255

  package init(_ heights: [LogPosition: Height]) { self.heights = heights }

  package var isEmpty: Bool { heights.isEmpty }

  package mutating func join(_ other: Coverage) {
    heights.merge(other.heights) { $0.joined(with: $1) }
  }

  func without(_ birth: LogPosition) -> Coverage {
    var copy = self
    copy.heights[birth] = nil
    return copy
  }
}

extension Placement {
  /// Everything this fact knows, itself included.
  package var knowledge: Coverage {
    var knowledge = covers
    knowledge.join(Coverage([birth: height]))
    return knowledge
  }

  var height: Coverage.Height { Coverage.Height(epoch: epoch, isErased: state == .erased) }
}

extension Coverage {
  private static let itemByteCount = 23

  /// One byte with the count, then 23 bytes for each birth, in ascending order: origin 2, incarnation 4, seq 8, epoch 8, flags 1
  /// (bit 0: erased). All numbers in network byte order.
  package var encoded: [UInt8] {
    var bytes: [UInt8] = []
    encode(to: &bytes)
    return bytes
  }

  /// Births over ``birthsMax`` are never made: the writer refuses them.
  func encode(to bytes: inout [UInt8]) {
    bytes.append(UInt8(clamping: heights.count))
    for (birth, height) in heights.sorted(by: { $0.key < $1.key }).prefix(Self.birthsMax) {
      bytes.append(birth)
      bytes.append(bigEndian: height.epoch.rawValue)
      bytes.append(height.isErased ? 1 : 0)
    }
  }

  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one coverage.
  package init(decoding bytes: [UInt8]) throws(DirectoryFormatError) {
    var reader = BinaryReader(bytes)
    self = try Coverage(from: &reader)
    try reader.finish()
  }

  init(from reader: inout BinaryReader) throws(DirectoryFormatError) {
    let count = Int(try reader.integer(UInt8.self))
    try reader.require(count * Self.itemByteCount)
    var heights: [LogPosition: Height] = [:]
    var previous: LogPosition?
    for _ in 0..<count {
      let birth = try reader.position()
      if let previous, previous >= birth { throw .unordered }
      previous = birth
      let epoch = try reader.epoch()
      let flags = try reader.integer(UInt8.self)
      guard flags <= 1 else { throw .invalid(.flags) }
      heights[birth] = Height(epoch: epoch, isErased: flags == 1)
    }
    self.init(heights)
  }
}
