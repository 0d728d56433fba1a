package import Cryptography
package import Directory
package import Residency

/// Where a record stands.
package struct RecordAddress: Hashable, Sendable {
  package let tag: SubjectTag
  package let collection: CollectionName
  private let name: ByteText

  package var key: String { name.text }

  package init(tag: SubjectTag, collection: CollectionName, key: String) {
    self.tag = tag
    self.collection = collection
    name = ByteText(key)
  }
}

/// A stretch of a subject's records of one collection, in key order.
package struct PageAddress: Hashable, Sendable {
  package let tag: SubjectTag
  package let collection: CollectionName
  private let place: ByteText
  package let limit: Int

  /// The key after which the page begins; empty for the first page.
  package var after: String { place.text }

  package init(tag: SubjectTag, collection: CollectionName, after: String, limit: Int) {
    self.tag = tag
    self.collection = collection
    place = ByteText(after)
    self.limit = limit
  }
}

/// A stretch of the documents of one collection, in key order, without those that are deleted.
package struct DocumentPage: Hashable, Sendable {
  package let collection: CollectionName
  private let place: ByteText
  package let limit: Int

  /// The key after which the page begins; empty for the first page.
  package var after: String { place.text }

  package init(collection: CollectionName, after: String, limit: Int) {
    self.collection = collection
    place = ByteText(after)
    self.limit = limit
  }
}

/// A page of documents. It may hold fewer than were asked for: a page also ends where it gets large.
package struct StoredDocumentPage: Sendable {
  package let documents: [(id: DocumentID, set: DocumentSet)]
  package let hasMore: Bool
}

/// What an operation has to know before it decides.
package struct FactsNeeded: Sendable {
  /// Subjects whose row, consents, keys and placement are wanted.
  package var subjects: [SubjectTag]
  package var records: [RecordAddress]
  package var pages: [PageAddress]
  package var documents: [DocumentID] = []
  package var documentPages: [DocumentPage] = []
  /// Identifies a write that may be repeated: 32 bytes.
  package var requestKey: [UInt8]?
  /// The years of which it is asked whether the subjects' data left the jurisdiction, and that of how many others.
  package var transferYears: Set<Int> = []
  /// Whether the operation may change the subjects or documents: the subjects' rows are then locked until the commit.
  package var mayWrite: Bool
  /// Whether keys are made for subjects that have none: registration only.
  package var createsKeys: Bool

  package init(
    subjects: [SubjectTag] = [], records: [RecordAddress] = [], pages: [PageAddress] = [], documents: [DocumentID] = [],
    documentPages: [DocumentPage] = [], requestKey: [UInt8]? = nil,
    mayWrite: Bool = false, createsKeys: Bool = false
  ) {
    self.subjects = subjects
    self.records = records
    self.pages = pages
    self.documents = documents
    self.documentPages = documentPages
    self.requestKey = requestKey
    self.mayWrite = mayWrite
    self.createsKeys = createsKeys
  }
}

/// A subject at home here.
package struct SubjectFacts: Sendable {
  package let epoch: Epoch
  package let state: SubjectState
  package let residence: Residence
  package let registeredAt: UInt64
  package var consents: [ConsentFacts]
}

/// The life of a subject's account in the store of its home.
package enum SubjectState: String, Sendable, CaseIterable {
  case active, frozen, moved, restricted, erased
}

package struct ConsentFacts: Hashable, Sendable {
  package let purpose: Purpose
  /// `explicit` or `implied`.
  package let kind: String
  /// Milliseconds since 1970 UTC.
  package let givenAt: UInt64
  package let withdrawnAt: UInt64?

  package init(purpose: Purpose, kind: String, givenAt: UInt64, withdrawnAt: UInt64? = nil) {
    self.purpose = purpose
    self.kind = kind
    self.givenAt = givenAt
    self.withdrawnAt = withdrawnAt
  }
}

/// A record, opened.
package struct StoredRecord: Sendable {
  package let address: RecordAddress
  package let version: UInt64
  /// Canonical JSON; `nil` where the record was deleted and only its version remains.
  package let value: [UInt8]?
  /// Milliseconds since 1970 UTC.
  package let updatedAt: UInt64
}

/// A page of records. It may hold fewer than were asked for: a page also ends where it gets large.
package struct StoredPage: Sendable {
  package internal(set) var records: [StoredRecord] = []
  package internal(set) var hasMore = false

  package init() {}
}

/// What became of a request id that was used before.
package enum SettledRequest: Sendable {
  /// - Parameters:
  ///   - requestHash: 32 bytes: which request it was used for.
  ///   - receipts: Of the leaves that the write recorded, in order.
  case answered([UInt8], requestHash: [UInt8], receipts: [LeafReceipt])
  /// It was given up before the write came, or without one: the write cannot happen any more.
  case fenced
}

/// Where a leaf came to stand.
package struct LeafReceipt: Hashable, Sendable {
  package let index: UInt64
  package let hash: [UInt8]
}

/// Everything that a batch read, in one snapshot, but for records that an operation asked of a standby. What is absent was not there.
package struct Facts: Sendable {
  package internal(set) var subjects: [SubjectTag: SubjectFacts] = [:]
  /// Of subjects at home here, and of those that are about to be.
  var keys: [SubjectTag: SubjectKeys] = [:]
  package internal(set) var placements: [SubjectTag: PlacementSet] = [:]
  package internal(set) var documents: [DocumentID: DocumentSet] = [:]
  package internal(set) var documentPages: [DocumentPage: StoredDocumentPage] = [:]
  package internal(set) var records: [RecordAddress: StoredRecord] = [:]
  package internal(set) var pages: [PageAddress: StoredPage] = [:]
  /// By request key.
  package internal(set) var settledRequests: [[UInt8]: SettledRequest] = [:]
  /// Of the years that were asked for.
  package internal(set) var transfers = TransferFacts()
  /// Where records and pages were read; all else is of the primary.
  package internal(set) var readPoint = ReadPoint.primary
  /// Subjects of which something does not open: an operation on one fails, the rest of its batch does not.
  var unreadable: Set<SubjectTag> = []

  /// For an operation that decides after others whose transfers these are.
  package mutating func count(_ transfers: some Sequence<Transfer>) { self.transfers.count(transfers) }

  /// Names a subject in the audit log. `nil` for one that is not at home here, and is not about to be.
  package func auditKey(of subject: SubjectTag) -> RootKey? { keys[subject]?.audit }
}
