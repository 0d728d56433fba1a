package import Directory
package import Residency

/// An audit leaf before it has a place in the log.
package struct LeafDraft: Sendable {
  /// What names people or records in a leaf, and whose key seals it. Sealing draws a random nonce, so it is left to the writing of
  /// the batch; the decision stays pure.
  package struct Details: Sendable {
    package let tag: SubjectTag
    package let bytes: [UInt8]

    package init(tag: SubjectTag, bytes: [UInt8]) {
      self.tag = tag
      self.bytes = bytes
    }
  }

  /// A leaf in the form in which it is kept, and its RFC 6962 hash.
  package struct Leaf: Sendable {
    package let row: [UInt8]
    package let hash: [UInt8]

    package init(row: [UInt8], hash: [UInt8]) {
      self.row = row
      self.hash = hash
    }
  }

  let details: Details?
  let render: @Sendable (_ sealedDetails: [UInt8]?) throws -> Leaf

  package init(details: Details?, render: @escaping @Sendable (_ sealedDetails: [UInt8]?) throws -> Leaf) {
    self.details = details
    self.render = render
  }
}

/// What an operation decided to do. All of it is committed in one transaction with the leaves that speak of it, or none of it.
package struct Effects: Sendable {
  package struct RecordWrite: Sendable {
    package let address: RecordAddress
    package let version: UInt64
    /// `nil` deletes: the version remains, so that it never counts the same number twice.
    package let value: [UInt8]?
  }

  package struct Registration: Sendable {
    package let tag: SubjectTag
    package let residence: Residence
    /// The directory's record of it, which stands or falls with the subject's row.
    package let entry: DirectoryEntry
  }

  /// What else this region writes about a subject at home here, in the store and in the directory.
  package struct PlacementWrite: Sendable {
    package let tag: SubjectTag
    package let entry: DirectoryEntry
  }

  /// A step of long work, kept until the work ends, so that it goes on after a crash.
  package enum WorkflowWrite: Sendable {
    /// - Parameter replaces: whether it takes the place of what is kept under its id.
    case keep(Workflow, dueAt: UInt64, replaces: Bool)
    case end(Workflow.ID)
  }

  package struct ConsentWrite: Sendable {
    package let tag: SubjectTag
    package let consent: ConsentFacts
  }

  /// What is kept under a request key.
  package struct Answer: Sendable {
    package let tag: SubjectTag
    package let key: [UInt8]
    /// As it is sealed.
    let form: [UInt8]
  }

  /// Milliseconds since 1970 UTC: what the rows are stamped with.
  package let now: UInt64
  package private(set) var leaves: [LeafDraft] = []
  package private(set) var records: [RecordWrite] = []
  package private(set) var registrations: [Registration] = []
  package private(set) var consents: [ConsentWrite] = []
  package private(set) var answers: [Answer] = []
  package private(set) var transfers: [Transfer] = []
  package private(set) var placements: [PlacementWrite] = []
  package private(set) var documents: [DocumentEntry] = []
  package private(set) var states: [SubjectTag: SubjectState] = [:]
  package private(set) var removed: [SubjectTag] = []
  package private(set) var workflows: [WorkflowWrite] = []

  package init(now: UInt64) { self.now = now }

  package var isEmpty: Bool {
    leaves.isEmpty && records.isEmpty && registrations.isEmpty && consents.isEmpty && answers.isEmpty && transfers.isEmpty
      && placements.isEmpty && documents.isEmpty && states.isEmpty && removed.isEmpty && workflows.isEmpty
  }

  /// What this region's log of the directory grows by, in order.
  package var entries: [LogEntry] {
    (registrations.map(\.entry) + placements.map(\.entry)).map { .placement($0) } + documents.map { .document($0) }
  }

  package mutating func record(_ leaf: LeafDraft) { leaves.append(leaf) }

  package mutating func put(_ address: RecordAddress, version: UInt64, value: [UInt8]) {
    records.append(RecordWrite(address: address, version: version, value: value))
  }

  package mutating func delete(_ address: RecordAddress, version: UInt64) {
    records.append(RecordWrite(address: address, version: version, value: nil))
  }

  /// Makes this region the home of `tag`, in the store and in the directory.
  package mutating func register(_ tag: SubjectTag, residence: Residence, entry: DirectoryEntry) {
    registrations.append(Registration(tag: tag, residence: residence, entry: entry))
  }

  /// Raises the epoch of a subject at home here, in the store and in the directory.
  package mutating func write(_ entry: DirectoryEntry) {
    placements.append(PlacementWrite(tag: entry.tag, entry: entry))
  }

  /// Writes a document that all regions hold: here at once, and there when the entry comes.
  package mutating func write(_ entry: DocumentEntry) { documents.append(entry) }

  package mutating func set(_ state: SubjectState, of tag: SubjectTag) { states[tag] = state }

  /// Deletes the account: the subject's row, records, consents and kept answers. The keys are another database's: see
  /// `RegionStore.destroyKeys(of:)`.
  package mutating func remove(_ tag: SubjectTag) { removed.append(tag) }

  /// - Parameter dueAt: when it is looked at first: milliseconds since 1970 UTC.
  package mutating func keep(_ workflow: Workflow, dueAt: UInt64) {
    workflows.append(.keep(workflow, dueAt: dueAt, replaces: true))
  }

  /// Begins a workflow, unless one of that id is there.
  package mutating func begin(_ workflow: Workflow, dueAt: UInt64) {
    workflows.append(.keep(workflow, dueAt: dueAt, replaces: false))
  }

  package mutating func end(_ workflow: Workflow.ID) { workflows.append(.end(workflow)) }

  package mutating func set(_ consent: ConsentFacts, of tag: SubjectTag) {
    consents.append(ConsentWrite(tag: tag, consent: consent))
  }

  /// Counts the person among those whose data left.
  package mutating func count(_ transfer: Transfer) { transfers.append(transfer) }

  /// Keeps `answer` for repeats of the same request, with the receipts of this operation's leaves.
  /// It is sealed under the key of `tag`, and goes with it.
  /// - Parameter requestHash: 32 bytes.
  package mutating func remember(_ answer: [UInt8], about tag: SubjectTag, key: [UInt8], requestHash: [UInt8]) {
    answers.append(Answer(tag: tag, key: key, form: SettledRequest.form(answer, requestHash: requestHash)))
  }

  /// Makes sure that no write of that key happens after this.
  package mutating func fence(key: [UInt8], about tag: SubjectTag) {
    answers.append(Answer(tag: tag, key: key, form: SettledRequest.fencedForm))
  }
}
