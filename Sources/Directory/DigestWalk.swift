package import Residency

/// Where two copies of the directory differ: goes down from the whole to ever longer beginnings of tags, where the sums differ, until
/// few enough subjects are left to be looked at one by one.
///
/// One differing subject among a million is found with two levels of 256 sums and about fifteen subjects.
package struct DigestWalk: Hashable, Sendable {
  package enum Step: Hashable, Sendable {
    /// Compare the sums of the tags that begin so.
    case compare([UInt8])
    /// Look at all subjects whose tags begin so.
    case lookAt([UInt8])
    case done
  }

  /// So many subjects are looked at rather than counted further.
  package static let lookedAtMax: Int64 = 64

  private var toCompare: [[UInt8]] = [[]]
  private var toLookAt: [[UInt8]] = []
  /// How many beginnings more are followed: a copy that has lost everything is not walked through all at once.
  private var budget: Int
  /// Whether there were more differences than the budget allowed for.
  package private(set) var isCutShort = false
  /// Whether the whole was the same.
  package private(set) var isEqual = true

  package init(budget: Int) { self.budget = budget }

  package var next: Step {
    if let prefix = toCompare.first { return .compare(prefix) }
    if let prefix = toLookAt.first { return .lookAt(prefix) }
    return .done
  }

  /// - Parameters:
  ///   - ours: by the next byte: 256.
  ///   - theirs: by the next byte: 256.
  package mutating func compared(_ prefix: [UInt8], ours: [DigestSum], theirs: [DigestSum]) {
    toCompare.removeAll { $0 == prefix }
    for (byte, (mine, other)) in zip(ours, theirs).enumerated() where mine != other {
      isEqual = false
      guard budget > 0 else {
        isCutShort = true
        return
      }
      budget -= 1
      let longer = prefix + [UInt8(byte)]
      if max(mine.count, other.count) <= Self.lookedAtMax || longer.count == SubjectTag.byteCount - 1 {
        toLookAt.append(longer)
      } else {
        toCompare.append(longer)
      }
    }
  }

  /// It holds more than one answer does: it is gone through in parts.
  package mutating func isTooLarge(_ prefix: [UInt8]) {
    lookedAt(prefix)
    guard prefix.count < SubjectTag.byteCount - 1 else {
      isCutShort = true
      return
    }
    toCompare.append(prefix)
  }

  package mutating func lookedAt(_ prefix: [UInt8]) { toLookAt.removeAll { $0 == prefix } }
}

/// What it is that two copies do not hold the same entry of.
package enum DifferenceVerdict: String, Hashable, Sendable {
  /// This region's vector says that it holds what only the other one does.
  case missingHere
  /// The other region's vector says that it holds what only this one does.
  case missingThere
  /// An entry is on its way.
  case underWay
}

/// One document of which two copies do not hold the same versions.
package struct DocumentDifference: Hashable, Sendable {
  package let id: DocumentID
  package let here: DocumentSet
  package let there: DocumentSet
  package let verdict: DifferenceVerdict

  /// - Parameters:
  ///   - here: how far this region holds each log.
  ///   - there: how far the other one does.
  /// - Returns: ascending by id.
  package static func all(
    ours: [DocumentFact], theirs: [DocumentFact], here: VersionVector, there: VersionVector
  ) -> [DocumentDifference] {
    let mine = Dictionary(grouping: ours, by: \.id).mapValues { DocumentSet(joining: $0.map(\.version)) }
    let others = Dictionary(grouping: theirs, by: \.id).mapValues { DocumentSet(joining: $0.map(\.version)) }
    return Set(mine.keys).union(others.keys).sorted().compactMap { id in
      let (left, right) = (mine[id] ?? DocumentSet(), others[id] ?? DocumentSet())
      guard left != right else { return nil }
      let verdict: DifferenceVerdict
      if left.lacks(right, holding: here) {
        verdict = .missingHere
      } else if right.lacks(left, holding: there) {
        verdict = .missingThere
      } else {
        verdict = .underWay
      }
      return DocumentDifference(id: id, here: left, there: right, verdict: verdict)
    }
  }
}

extension DocumentSet {
  /// Whether a version of `other` is neither here nor in what is here, though `vector` covers it.
  fileprivate func lacks(_ other: DocumentSet, holding vector: VersionVector) -> Bool {
    var joined = self
    for version in other.siblings where vector.includes(version.dot) { joined.join(version) }
    return joined != self
  }
}

/// One subject of whom two copies do not hold the same.
package struct DirectoryDifference: Hashable, Sendable {
  package let tag: SubjectTag
  package let here: [Placement]
  package let there: [Placement]
  package let verdict: DifferenceVerdict

  /// - Returns: ascending by tag.
  package static func all(
    ours: [Placement], theirs: [Placement], here: FactsBasis, there: FactsBasis
  ) -> [DirectoryDifference] {
    let mine = Dictionary(grouping: ours, by: \.tag)
    let others = Dictionary(grouping: theirs, by: \.tag)
    return Set(mine.keys).union(others.keys).sorted().compactMap { tag in
      let (left, right) = (mine[tag] ?? [], others[tag] ?? [])
      guard Set(left) != Set(right) else { return nil }
      let verdict: DifferenceVerdict
      if lacks(left, of: right, basis: here, others: there) {
        verdict = .missingHere
      } else if lacks(right, of: left, basis: there, others: here) {
        verdict = .missingThere
      } else {
        verdict = .underWay
      }
      return DirectoryDifference(tag: tag, here: left, there: right, verdict: verdict)
    }
  }

  /// Whether a copy that holds `held` lacks a fact that its vector covers.
  private static func lacks(_ held: [Placement], of offered: [Placement], basis: FactsBasis, others: FactsBasis) -> Bool {
    guard others.vector.dominates(basis.reached) else { return false }
    return offered.contains { fact in
      basis.vector.includes(fact.position) && !held.contains { $0 == fact || $0.compared(to: fact) == .newer }
    }
  }
}
