package import Cryptography
package import Residency

/// What a leaf says of a person's stored records.
package struct RowLeaf: Hashable, Sendable {
  package enum Change: Hashable, Sendable {
    /// A record was written or deleted, and is at this version since.
    case version(UInt64, of: CollectionName)
    /// The person's rows are gone, and nothing before this leaf speaks of any that are there.
    case erased
    /// The person has this id since then, with rows that were copied under the versions they had.
    case renamed
  }

  package let index: Int
  package let time: UTCTime
  package let subject: SHA256Digest
  package let change: Change

  package init(index: Int, time: UTCTime, subject: SHA256Digest, change: Change) {
    self.index = index
    self.time = time
    self.subject = subject
    self.change = change
  }

  /// - Returns: `nil` where it says nothing of the rows of its own region: a read, a refusal, a repeat that was answered as before (it
  ///   names no version), another region's record of a write.
  package init?(_ leaf: LeafOutline) {
    guard leaf.effect == .allowed, leaf.counterpart == nil, let subject = leaf.subject else { return nil }
    self.index = leaf.index
    time = leaf.time
    self.subject = subject
    switch leaf.activity {
    case .write, .delete:
      guard let version = leaf.recordVersion, let collection = leaf.collection else { return nil }
      change = .version(version, of: collection)
    case .erase: change = .erased
    // With a principal it is an operator's word, and nothing has changed yet.
    case .resolveContest where leaf.principal == nil: change = .renamed
    default: return nil
    }
  }

  /// Whether leaves of this activity are looked at.
  static func isOne(_ activity: AuditActivity) -> Bool {
    switch activity {
    case .write, .delete, .erase, .resolveContest: true
    default: false
    }
  }
}
