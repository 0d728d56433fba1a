package import Residency

/// A keyed hash: HMAC-SHA-256 of `bytes` under `key`, 32 bytes. The key is one that all regions share and nobody else has, so that no
/// set of registrations can be made up whose hashes cancel out.
package typealias KeyedHash = @Sendable (_ bytes: [UInt8]) -> [UInt8]

/// What some facts come to: the XOR of their hashes, and how many they are. Equal sums mean equal facts, but for one chance in 2^64.
package struct DigestSum: Hashable, Sendable {
  package var xor: UInt64
  package var count: Int64

  package init(xor: UInt64 = 0, count: Int64 = 0) {
    self.xor = xor
    self.count = count
  }

  package static let zero = DigestSum()

  package var isZero: Bool { self == .zero }

  package mutating func add(_ other: DigestSum) { fold(other) }

  /// Adds or takes away; the hash is its own inverse.
  mutating func fold(_ other: DigestSum, sign: Int64 = 1) {
    xor ^= other.xor
    count += sign * other.count
  }
}

extension Placement {
  /// The fact's hash: the first 8 bytes of the keyed hash of its form.
  package func digest(_ hash: KeyedHash) -> DigestSum {
    DigestSum(xor: hash(encoded).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, count: 1)
  }
}

extension PlacementSet {
  /// Over all facts of one tag.
  package func digest(_ hash: KeyedHash) -> DigestSum {
    var sum = DigestSum.zero
    for placement in placements { sum.fold(placement.digest(hash)) }
    return sum
  }
}

extension DocumentFact {
  package func digest(_ hash: KeyedHash) -> DigestSum {
    DigestSum(xor: hash(encoded).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, count: 1)
  }
}

/// What a transaction changes of the digest that is kept of all placements and documents: by bucket, which is the first byte of the tag.
package struct DigestDelta: Hashable, Sendable {
  /// As many as one level of a comparison has: 256.
  package static let bucketCount = 256

  package private(set) var sums: [UInt8: DigestSum] = [:]

  package init() {}

  /// - Parameter changes: of which every tag's facts before are what the digest counts now.
  package init(_ changes: [PlacementChange], hash: KeyedHash) {
    for change in changes {
      if let before = change.before { fold(change.tag, before.digest(hash), sign: -1) }
      if let after = change.after { fold(change.tag, after.digest(hash), sign: 1) }
    }
    sums = sums.filter { !$0.value.isZero }
  }

  /// - Parameter changes: of which every document's versions before are what the digest counts now.
  package init(_ changes: [DocumentChange], hash: KeyedHash) {
    for change in changes {
      for version in change.before.siblings {
        fold(change.tag, DocumentFact(id: change.id, tag: change.tag, version: version).digest(hash), sign: -1)
      }
      for fact in change.facts { fold(change.tag, fact.digest(hash), sign: 1) }
    }
    sums = sums.filter { !$0.value.isZero }
  }

  package mutating func add(_ set: PlacementSet, hash: KeyedHash) { fold(set.tag, set.digest(hash), sign: 1) }

  package mutating func add(_ fact: DocumentFact, hash: KeyedHash) { fold(fact.tag, fact.digest(hash), sign: 1) }

  private mutating func fold(_ tag: SubjectTag, _ sum: DigestSum, sign: Int64) {
    sums[tag.bytes[0], default: .zero].fold(sum, sign: sign)
  }
}
