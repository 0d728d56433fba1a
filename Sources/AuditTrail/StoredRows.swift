import Cryptography
package import Residency

/// A person's stored records as the region tells of them: at which versions, not which and not what.
package struct StoredSubject: Sendable {
  package let pseudonyms: [AuditPseudonym]
  /// How many records of a collection are at a version.
  package let rows: [CollectionName: [Int64: UInt64]]
  /// Whether its records are being copied from one id to another.
  package let isFrozen: Bool
  /// Whether some of its rows were left out.
  package let isCutShort: Bool
  package let home: StoredHome
  /// Whether it is about to give up its id, as was agreed, to another region's account.
  package let isLeaving: Bool

  package init(
    pseudonyms: [AuditPseudonym], rows: [CollectionName: [Int64: UInt64]], isFrozen: Bool = false, isCutShort: Bool = false,
    home: StoredHome = .here, isLeaving: Bool = false
  ) {
    self.pseudonyms = pseudonyms
    self.rows = rows
    self.isFrozen = isFrozen
    self.isCutShort = isCutShort
    self.home = home
    self.isLeaving = isLeaving
  }
}

/// Where the directory says that somebody is at home whose records a region stores.
package enum StoredHome: Hashable, Sendable {
  /// Where the records are.
  case here
  /// A region's name, as the one that stores the records tells it.
  case elsewhere(String)
  /// Nobody has registered the person, or they were erased.
  case nowhere
  /// The region does not say: it runs an older Domicile.
  case untold
}

/// Some of a region's subjects, in one snapshot of its store.
package struct StoredRowsPage: Sendable {
  /// Of the log in the same snapshot: leaves before this index speak of these rows.
  package let auditSize: Int
  package let subjects: [StoredSubject]

  package init(auditSize: Int, subjects: [StoredSubject]) {
    self.auditSize = auditSize
    self.subjects = subjects
  }
}

/// All that a region tells of its stored records, page by page, each in a snapshot of its own.
package struct StoredRows: Sendable {
  struct Account: Sendable {
    let subject: StoredSubject
    let auditSize: Int
  }

  private(set) var accounts: [Account] = []
  private(set) var byPseudonym: [SHA256Digest: Int] = [:]
  /// Of the first page: who had records before then is on a page, or left the region since.
  private(set) var firstSize: Int?
  /// The log that all pages can be held against has at least so many leaves.
  package private(set) var auditSize = 0
  /// Subjects whose keys are gone or do not open, so that nobody can say which leaves are theirs.
  private(set) var unnamedCount = 0
  /// Who is stored here and at home in another region, or in none.
  private(set) var misplaced: [(subject: StoredSubject, region: String?)] = []
  /// Who is not at home here any more, and has not left yet.
  private(set) var leavingCount = 0
  private(set) var untoldCount = 0
  /// Why pages are missing; `nil` where all were read.
  package var problem: String?

  package init() {}

  package var count: Int { accounts.count + unnamedCount }

  /// - Throws: ``FormatError`` where a region that tells the truth cannot have said this after what it said before.
  package mutating func add(_ page: StoredRowsPage) throws(FormatError) {
    guard page.auditSize >= auditSize else { throw FormatError(.storedRows, "the log got shorter from one page to the next") }
    firstSize = firstSize ?? page.auditSize
    auditSize = page.auditSize
    for subject in page.subjects {
      switch subject.home {
      case .here: break
      case .untold: untoldCount += 1
      case .elsewhere where subject.isLeaving, .nowhere where subject.isLeaving: leavingCount += 1
      case .elsewhere(let region): misplaced.append((subject, region))
      case .nowhere: misplaced.append((subject, nil))
      }
      guard !subject.pseudonyms.isEmpty else {
        unnamedCount += 1
        continue
      }
      for pseudonym in subject.pseudonyms {
        guard byPseudonym.updateValue(accounts.count, forKey: pseudonym.code) == nil else {
          throw FormatError(.storedRows, "one person is told of twice, or two have one pseudonym")
        }
      }
      accounts.append(Account(subject: subject, auditSize: page.auditSize))
    }
  }
}
