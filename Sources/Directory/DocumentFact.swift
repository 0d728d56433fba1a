package import Residency

/// One version of a document on its way between regions outside of a log: in a snapshot, or to repair a copy.
package struct DocumentFact: Hashable, Sendable {
  package let id: DocumentID
  package let tag: SubjectTag
  package let version: DocumentVersion

  /// - Parameter digest: SHA-256.
  package init(id: DocumentID, version: DocumentVersion, digest: Digest) {
    self.init(id: id, tag: id.tag(digest), version: version)
  }

  init(id: DocumentID, tag: SubjectTag, version: DocumentVersion) {
    self.id = id
    self.tag = tag
    self.version = version
  }

  /// The entry that wrote it.
  package var entry: DocumentEntry { DocumentEntry(id: id, version: version) }
}

extension DocumentFact {
  /// The place of the entry that wrote it (14 bytes), and that entry.
  package var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(version.dot)
    return bytes + entry.encoded
  }

  /// - Parameter digest: SHA-256.
  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one version that its log may hold there.
  package init(decoding bytes: [UInt8], digest: Digest) throws(DirectoryFormatError) {
    var reader = BinaryReader(bytes)
    let dot = try reader.position()
    let entry = try DocumentEntry(decoding: Array(bytes.dropFirst(LogPosition.byteCount)))
    guard entry.isPossible(at: dot) else { throw .contradictory(.hasSeenItself) }
    self.init(id: entry.id, version: entry.version(at: dot), digest: digest)
  }
}

/// What the rows of one document must say after a run of entries.
package struct DocumentChange: Hashable, Sendable {
  package let id: DocumentID
  package let tag: SubjectTag
  /// Empty where the document had no rows.
  package let before: DocumentSet
  /// Empty where it has none any more.
  package let after: DocumentSet

  /// What is there afterwards.
  package var facts: [DocumentFact] { after.siblings.map { DocumentFact(id: id, tag: tag, version: $0) } }

  /// The changes that `facts` make, ascending by tag. Documents that stay as they are have none.
  /// - Parameter current: what is held of the documents of `facts`.
  package static func changes(
    for facts: some Sequence<DocumentFact>, current: [DocumentID: DocumentSet], digest: Digest
  ) -> [DocumentChange] {
    var after: [DocumentID: DocumentSet] = [:]
    for fact in facts { after[fact.id, default: current[fact.id] ?? DocumentSet()].join(fact.version) }
    return changes(from: current, to: after, digest: digest)
  }

  /// - Parameter after: what is to be held of some documents.
  package static func changes(
    from current: [DocumentID: DocumentSet], to after: [DocumentID: DocumentSet], digest: Digest
  ) -> [DocumentChange] {
    after.compactMap { id, set in
      let before = current[id] ?? DocumentSet()
      return before == set ? nil : DocumentChange(id: id, tag: id.tag(digest), before: before, after: set)
    }.sorted { $0.tag < $1.tag }
  }

  /// The changes that `records` make.
  package static func changes(
    for records: [LogRecord], current: [DocumentID: DocumentSet], digest: Digest
  ) -> [DocumentChange] {
    changes(for: records.compactMap { $0.document(digest) }, current: current, digest: digest)
  }
}
