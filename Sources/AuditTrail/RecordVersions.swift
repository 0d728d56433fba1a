package import Residency

/// Versions of one person's records of a collection. Which records, nobody but the region can say.
package struct RecordVersions: Hashable, Sendable, CustomStringConvertible {
  /// Under one of the names that the log has for the person.
  package let subject: AuditPseudonym
  package let collection: CollectionName
  package let versions: ClosedRange<Int64>

  package init(of subject: AuditPseudonym, in collection: CollectionName, _ versions: ClosedRange<Int64>) {
    self.subject = subject
    self.collection = collection
    self.versions = versions
  }

  package var description: String {
    let span =
      versions.count == 1 ? "version \(versions.lowerBound)" : "versions \(versions.lowerBound) to \(versions.upperBound)"
    return "\(span) in '\(collection)' of \(subject.period)'s \(subject)"
  }
}

/// Holds the versions of a collection's rows against the leaves of the same person and collection.
///
/// A record's versions run from 1 without a gap, and each step, a deletion too, leaves one leaf that names the version; a deleted record
/// keeps its row. So as many leaves name version k as there are rows at version k or above.
package struct VersionComparison: Sendable {
  /// The leaves of one version.
  package struct Leaves: Hashable, Sendable {
    package var count: UInt64
    /// The index of the last of them.
    package var last: Int

    package init(count: UInt64, last: Int) {
      self.count = count
      self.last = last
    }
  }

  /// A run of versions of each of which rows, or leaves, are without the other by the same number.
  package enum Difference: Hashable, Sendable {
    case unlogged(ClosedRange<Int64>, rows: UInt64)
    /// - Parameter last: of the leaves that name the highest of these versions.
    case missing(ClosedRange<Int64>, leaves: UInt64, last: Int, isCertain: Bool)
  }

  package private(set) var differences: [Difference] = []
  /// Steps that have both.
  package private(set) var agreeing: UInt64 = 0

  /// - Parameters:
  ///   - rows: how many are at a version.
  ///   - leaves: by the version that they name.
  package init(rows: [Int64: UInt64], leaves: [Int64: Leaves]) {
    for (version, count) in rows.sorted(by: { $0.key < $1.key }) where version < 1 {
      differences.append(.unlogged(version...version, rows: count))
    }
    // Between these nothing changes, however far apart they are.
    var edges: Set<Int64> = [1]
    for version in rows.keys where version >= 1 && version < .max { edges.insert(version + 1) }
    for version in leaves.keys {
      edges.insert(version)
      if version < .max { edges.insert(version + 1) }
    }
    let starts = edges.sorted()
    let descending = rows.filter { $0.key >= 1 }.sorted { $0.key > $1.key }
    var (next, atLeast) = (0, UInt64(0))
    var found: [Difference] = []
    for (place, start) in starts.enumerated().reversed() {
      while next < descending.count, descending[next].key >= start {
        atLeast = atLeast.saturatingAdd(descending[next].value)
        next += 1
      }
      let named = leaves[start] ?? Leaves(count: 0, last: 0)
      guard atLeast > 0 || named.count > 0 else { continue }
      let end = place + 1 < starts.count ? starts[place + 1] - 1 : .max
      agreeing = agreeing.saturatingAdd(min(atLeast, named.count))
      if atLeast > named.count {
        found.append(.unlogged(start...end, rows: atLeast - named.count))
      } else if named.count > atLeast {
        found.append(.missing(start...end, leaves: named.count - atLeast, last: named.last, isCertain: atLeast == 0))
      }
    }
    for difference in found.reversed() { add(difference) }
  }

  /// Runs that touch are one.
  private mutating func add(_ difference: Difference) {
    switch (differences.last, difference) {
    case (.unlogged(let before, let rows), .unlogged(let versions, let others))
    where rows == others && before.lowerBound >= 1 && before.upperBound + 1 == versions.lowerBound:
      differences[differences.count - 1] = .unlogged(before.lowerBound...versions.upperBound, rows: rows)
    case (.missing(let before, let leaves, _, _), .missing(let versions, let others, let last, let isCertain))
    where leaves == others && before.upperBound + 1 == versions.lowerBound:
      differences[differences.count - 1] = .missing(
        before.lowerBound...versions.upperBound, leaves: leaves, last: last, isCertain: isCertain)
    default: differences.append(difference)
    }
  }
}

extension UInt64 {
  fileprivate func saturatingAdd(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
