import Cryptography
import Residency

/// People for whom the log has writes and the store has nothing.
///
/// One who was erased is nobody's any more: the pseudonyms of other months cannot be told to be the same person's. So people are counted:
/// in one month each has one pseudonym, and each who is gone left with a leaf, an erasure or a new id, after the last write. Where a month
/// has more who are gone than that, some left without.
struct AbsentAccounts: Sendable {
  private struct Absentee {
    let pseudonym: AuditPseudonym
    let first: Int
    /// Of the leaves that wrote something.
    var last: Int
  }

  private struct Departure {
    let index: Int
    /// Under which name the person left, where that was not a new one.
    let pseudonym: AuditPseudonym?
  }

  private var absentees: [SHA256Digest: Absentee] = [:]
  private var departures: [Departure] = []
  private var erasures = 0
  private var renamings = 0

  /// Of somebody of whom nothing is stored.
  mutating func add(_ leaf: RowLeaf) {
    switch leaf.change {
    case .version:
      if absentees[leaf.subject] == nil {
        absentees[leaf.subject] = Absentee(pseudonym: leaf.pseudonym, first: leaf.index, last: leaf.index)
      } else {
        absentees[leaf.subject]?.last = leaf.index
      }
    case .erased:
      // That explains this name by itself.
      absentees[leaf.subject] = nil
      noteDeparture(leaf)
    case .renamed: noteDeparture(leaf)
    }
  }

  /// Of somebody, wherever they are now.
  mutating func noteDeparture(_ leaf: RowLeaf) {
    switch leaf.change {
    case .version: return
    case .erased:
      erasures += 1
      departures.append(Departure(index: leaf.index, pseudonym: leaf.pseudonym))
    case .renamed:
      renamings += 1
      departures.append(Departure(index: leaf.index, pseudonym: nil))
    }
  }

  /// - Parameters:
  ///   - size: of the log when the first rows were read: whoever wrote first after that may have come too late to be on a page.
  ///   - unnamed: people who are stored, and may be any of these.
  func judge(before size: Int, unnamed: Int, _ findings: inout FindingList, _ observations: inout [String]) {
    let gone = absentees.values.filter { $0.first < size }
    for (period, absentees) in Dictionary(grouping: gone, by: \.pseudonym.period).sorted(by: { $0.key < $1.key }) {
      judge(absentees, in: period, unnamed: unnamed, &findings)
    }
    if !gone.isEmpty || erasures > 0 {
      observations.append(
        "pseudonyms of nobody stored: \(gone.count) with writes; people who left, by the log: \(erasures) erased, \(renamings) to a new id"
      )
    }
  }

  /// Gives each, the latest first, somebody's departure; whoever gets none is gone without.
  private func judge(
    _ absentees: [Absentee], in period: AuditPeriod, unnamed: Int, _ findings: inout FindingList
  ) {
    // Who was erased under a name of this month had no other in it.
    let departures = departures.filter { $0.pseudonym?.period != period }.map(\.index).sorted(by: >)
    var (seen, taken, counted) = (0, 0, 0)
    for absentee in absentees.sorted(by: { $0.last > $1.last }) {
      while seen < departures.count, departures[seen] > absentee.last { seen += 1 }
      if seen + unnamed > taken {
        taken += 1
      } else if seen + unnamed == 0 {
        findings.add(.accountMissing(absentee.pseudonym, leaf: absentee.last))
      } else {
        counted += 1
      }
    }
    if counted > 0 { findings.add(.accountsMissing(period, atLeast: counted, of: taken + counted)) }
  }
}

extension RowLeaf {
  /// The name that it has for the person.
  fileprivate var pseudonym: AuditPseudonym { AuditPseudonym(period: AuditPeriod(containing: time), code: subject) }
}
