import Cryptography
import Residency

/// Holds every record that a region stores against the leaves of its log: of a row that was written, removed or set back past the log, one
/// side is missing.
///
/// What it cannot compare it says: which records the versions are of, people whose records were copied from another id, erased people's
/// other months. People whom the region's own directory does not have at home there are named. The rows are what the region's coordinator
/// reads; one that lies about them is not found out by this.
package struct RowReconciliation: Sendable {
  package struct Outcome: Sendable {
    package fileprivate(set) var findings: [Finding] = []
    package fileprivate(set) var findingsLeftOut = 0
    package fileprivate(set) var observations: [String] = []
    package fileprivate(set) var notChecked: [String] = []
    /// Steps of records that have a leaf and a row.
    package fileprivate(set) var agreeing: UInt64 = 0
  }

  private struct Standing: Sendable {
    /// By collection and the version that they name.
    var leaves: [CollectionName: [Int64: VersionComparison.Leaves]] = [:]
    var isRenamed = false
    /// Under which name the log spoke of it last.
    var lastName: SHA256Digest?
  }

  private let rows: StoredRows
  private var standings: [Standing]
  private var absentees = AbsentAccounts()

  package init(_ rows: StoredRows) {
    self.rows = rows
    standings = Array(repeating: Standing(), count: rows.accounts.count)
  }

  /// Takes in the next leaf tile of the log, which was read with ``LeafInterest/rows``.
  package mutating func add(_ tile: LeafTileReading) {
    for leaf in tile.rows { add(leaf) }
  }

  package mutating func add(_ leaf: RowLeaf) {
    guard let account = rows.byPseudonym[leaf.subject] else { return absentees.add(leaf) }
    if leaf.change == .erased || leaf.change == .renamed { absentees.noteDeparture(leaf) }
    // What came after the snapshot does not show in it.
    guard leaf.index < rows.accounts[account].auditSize else { return }
    standings[account].lastName = leaf.subject
    switch leaf.change {
    case .version(let version, let collection):
      let number = Int64(clamping: version)
      var leaves = standings[account].leaves[collection, default: [:]][number] ?? VersionComparison.Leaves(count: 0, last: 0)
      leaves.count += 1
      leaves.last = leaf.index
      standings[account].leaves[collection, default: [:]][number] = leaves
    // An account that came after it under the same id and keys.
    case .erased: standings[account].leaves = [:]
    case .renamed: standings[account].isRenamed = true
    }
  }

  /// - Parameter size: how many leaves were verified and taken in.
  package func outcome(size: Int) -> Outcome {
    var outcome = Outcome()
    var findings = FindingList()
    var (beyond, cutShort, copied) = (0, 0, 0)
    for (account, standing) in zip(rows.accounts, standings) {
      if account.auditSize > size {
        beyond += 1
      } else if account.subject.isCutShort {
        cutShort += 1
      } else {
        let isCopied = account.subject.isFrozen || standing.isRenamed
        if isCopied { copied += 1 }
        outcome.agreeing += compare(account.subject, standing, isCopied: isCopied, &findings)
      }
    }
    for (subject, region) in rows.misplaced {
      let count = subject.rows.values.reduce(0) { $1.values.reduce($0, +) }
      findings.add(.rowsElsewhere(name(of: subject), at: region, count: count))
    }
    for problem in unread(beyond, cutShort, size) { findings.add(.rowsUnread(problem: problem)) }
    if rows.problem == nil, beyond == 0, let firstSize = rows.firstSize {
      absentees.judge(before: firstSize, unnamed: rows.unnamedCount, &findings, &outcome.observations)
    } else {
      outcome.notChecked.append("people of whom nothing is stored: not all rows were read")
    }
    if rows.leavingCount > 0 {
      outcome.notChecked.append(
        "the home of \(counted(rows.leavingCount)): by the region's word, they are about to give up their id to another region's account"
      )
    }
    if rows.untoldCount > 0 {
      outcome.notChecked.append(
        "the home of \(counted(rows.untoldCount)): the region does not tell it, and runs an older Domicile")
    }
    if copied > 0 {
      outcome.notChecked.append(
        "rows without a leaf of \(counted(copied)) whose records were copied, with their versions, from another id")
    }
    outcome.notChecked.append(
      "which record of a collection a version is of, and what is in it: rows are counted by person, collection and version, as the region reads them"
    )
    outcome.observations.insert(
      "stored rows of \(counted(rows.count)) held against the log and the region's directory: \(outcome.agreeing) writes and deletions have a leaf and a row",
      at: 0)
    outcome.findings = findings.kept
    outcome.findingsLeftOut = findings.leftOutCount
    return outcome
  }

  /// - Parameter isCopied: whether rows may have come from another id, whose leaves nobody can tell.
  /// - Returns: how many steps agree.
  private func compare(
    _ subject: StoredSubject, _ standing: Standing, isCopied: Bool, _ findings: inout FindingList
  ) -> UInt64 {
    guard let name = name(of: subject) else { return 0 }
    var agreeing: UInt64 = 0
    for collection in Set(subject.rows.keys).union(standing.leaves.keys).sorted() {
      let comparison = VersionComparison(
        rows: subject.rows[collection] ?? [:], leaves: standing.leaves[collection] ?? [:])
      agreeing += comparison.agreeing
      for difference in comparison.differences {
        switch difference {
        case .unlogged(let versions, let count):
          if !isCopied { findings.add(.rowsUnlogged(RecordVersions(of: name, in: collection, versions), count: count)) }
        case .missing(let versions, let count, let last, let isCertain):
          findings.add(
            .rowsMissing(RecordVersions(of: name, in: collection, versions), count: count, leaf: last, isCertain: isCertain))
        }
      }
    }
    return agreeing
  }

  /// Under which the log spoke of the person last; where it did not, the latest that the region gives. That may be of a month that has not
  /// begun: clocks differ.
  private func name(of subject: StoredSubject) -> AuditPseudonym? {
    let last = subject.pseudonyms.first.flatMap { rows.byPseudonym[$0.code] }.flatMap { standings[$0].lastName }
    return subject.pseudonyms.first { $0.code == last } ?? subject.pseudonyms.max { $0.period < $1.period }
  }

  private func unread(_ beyond: Int, _ cutShort: Int, _ size: Int) -> [String] {
    var problems: [String] = []
    if let problem = rows.problem { problems.append(problem) }
    if beyond > 0 {
      problems.append("those of \(counted(beyond)) are as of leaf \(rows.auditSize), and the log was verified up to leaf \(size)")
    }
    if cutShort > 0 { problems.append("those of \(counted(cutShort)) are at more versions than a region tells of one") }
    if rows.unnamedCount > 0 {
      problems.append(
        "the keys of \(counted(rows.unnamedCount)) are gone or do not open, so the region cannot say which leaves are theirs")
    }
    return problems
  }

  private func counted(_ people: Int) -> String { people == 1 ? "1 person" : "\(people) people" }
}
