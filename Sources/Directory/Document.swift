package import Residency

/// Names one document that all regions hold: one of a collection with `locality: global`.
package struct DocumentID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// 1 to 64 bytes.
  package let collection: CollectionName
  private let name: ByteText

  /// 1 to 256 bytes.
  package var key: String { name.text }

  package init(collection: CollectionName, key: String) {
    self.collection = collection
    name = ByteText(key)
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.collection, left.name) < (right.collection, right.name)
  }

  package var description: String { "\(collection)/\(key)" }

  /// Where it stands among the directory's tags, so that copies are compared and snapshots taken of all of it in one order.
  /// - Parameter digest: SHA-256.
  package func tag(_ digest: Digest) -> SubjectTag {
    let hash = digest(Array("domicile/1/document\0\(collection)\0\(key)".utf8))
    func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    return SubjectTag(words: (word(hash.prefix(8)), word(hash.dropFirst(8).prefix(8))))
  }
}

/// What one writer made of a document, and what that writer had seen of it: a dotted version (Preguiça et al., "Dotted Version Vectors",
/// 2012). The dot is the place of the entry that wrote it.
package struct DocumentVersion: Hashable, Sendable {
  package let dot: LogPosition
  /// The dots of all versions that went into this one, and of all that went into those: by log, the last.
  package let context: VersionVector
  /// Canonical JSON; `nil` where the document was deleted.
  package let value: [UInt8]?
  /// When it was written, by the writer's clock. Only the resolver `latest` asks for it.
  package let writtenAt: HybridTimestamp

  package init(dot: LogPosition, context: VersionVector, value: [UInt8]?, writtenAt: HybridTimestamp) {
    self.dot = dot
    self.context = context
    self.value = value
    self.writtenAt = writtenAt
  }

  /// The most bytes of one value: several of them fit into one batch of a log.
  package static let valueBytesMax = 65_536
  /// A region takes no write that would leave it with more versions of one document: whoever writes has to read them first.
  package static let siblingsMax = 16

  /// How this version stands to another one of the same document.
  package func order(to other: DocumentVersion) -> VersionOrder {
    if dot == other.dot { return .equal }
    switch (context.includes(other.dot), other.context.includes(dot)) {
    case (true, false): return .after
    case (false, true): return .before
    case (false, false): return .concurrent
    // Only where a history was lost: what one of the two had seen was another entry at that place.
    case (true, true): return .concurrent
    }
  }
}

/// All that a region holds of one document: the versions that none of the others had seen.
///
/// Joining keeps the maximal versions of a partial order, so regions that have seen the same entries, in whatever order and how often, hold
/// the same.
package struct DocumentSet: Hashable, Sendable {
  /// Ascending by dot.
  package private(set) var siblings: [DocumentVersion]

  package init() { siblings = [] }

  /// - Parameter versions: of one document, in whatever order.
  package init(joining versions: some Sequence<DocumentVersion>) {
    self.init()
    for version in versions { join(version) }
  }

  package mutating func join(_ version: DocumentVersion) {
    for sibling in siblings {
      switch sibling.order(to: version) {
      // A dot that stands twice is of a log whose history was lost. Every region keeps the same one of the two.
      case .equal where sibling != version && version.sortingBytes.lexicographicallyPrecedes(sibling.sortingBytes): break
      case .equal, .after: return
      case .before, .concurrent: break
      }
    }
    siblings.removeAll { $0.order(to: version) == .before || $0.dot == version.dot }
    siblings.append(version)
    siblings.sort { $0.dot < $1.dot }
  }

  package mutating func join(_ other: DocumentSet) { for version in other.siblings { join(version) } }

  /// What a writer who has read all of it has seen.
  package var context: VersionVector {
    siblings.reduce(into: VersionVector()) { context, sibling in
      context.join(sibling.context)
      context.advance(to: sibling.dot)
    }
  }

  /// Whether nothing but deletions is left.
  package var isDeleted: Bool { siblings.allSatisfy { $0.value == nil } }

  package var isConcurrent: Bool { siblings.count > 1 }
}

extension DocumentVersion {
  fileprivate var sortingBytes: [UInt8] {
    var bytes = context.encoded
    bytes.append(bigEndian: writtenAt.milliseconds)
    bytes.append(bigEndian: writtenAt.counter)
    return bytes + (value ?? [])
  }
}
