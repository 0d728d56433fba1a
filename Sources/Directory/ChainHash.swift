import Residency

/// SHA-256 of bytes: 32 bytes.
package typealias Digest = @Sendable ([UInt8]) -> [UInt8]

/// The hash over a log up to an entry: equal hashes mean equal histories.
package struct ChainHash: Hashable, Sendable, CustomStringConvertible {
  package static let byteCount = 32
  package let bytes: [UInt8]

  /// - Returns: `nil` unless there are exactly 32 bytes.
  package init?(_ bytes: some Sequence<UInt8>) {
    let bytes = [UInt8](bytes)
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  private init(unchecked bytes: [UInt8]) {
    precondition(bytes.count == Self.byteCount, "a digest has 32 bytes")
    self.bytes = bytes
  }

  /// The chain of `log` before its first entry: the digest of 0x00, `domicile-directory-log-1`, the origin (2 bytes) and the
  /// incarnation (4 bytes). No two logs start alike.
  package static func start(of log: LogID, digest: Digest) -> ChainHash {
    var input: [UInt8] = [0x00]
    input += Array("domicile-directory-log-1".utf8)
    input.append(bigEndian: log.origin.rawValue)
    input.append(bigEndian: log.incarnation.rawValue)
    return ChainHash(unchecked: digest(input))
  }

  /// The chain after one more entry: the digest of 0x01, the chain before it, and its bytes.
  package static func next(_ previous: ChainHash, _ entry: [UInt8], digest: Digest) -> ChainHash {
    var input: [UInt8] = []
    input.reserveCapacity(1 + byteCount + entry.count)
    input.append(0x01)
    input += previous.bytes
    input += entry
    return ChainHash(unchecked: digest(input))
  }

  package var description: String { bytes.hex }
}

/// How far a log is held here: the last entry and the chain up to it. A row of `applied`, or this region's own `head`.
package struct AppliedHead: Hashable, Sendable {
  /// 0 where nothing is held yet.
  package let seq: UInt64
  package let chain: ChainHash

  package init(seq: UInt64, chain: ChainHash) {
    self.seq = seq
    self.chain = chain
  }

  package static func start(of log: LogID, digest: Digest) -> AppliedHead {
    AppliedHead(seq: 0, chain: .start(of: log, digest: digest))
  }
}

/// A branch of a log that does not count: its region had lost history, wrote on without knowing it, and has written the same anew in its
/// next incarnation. Known by the first entry that must not be taken in.
package struct LogCut: Hashable, Sendable {
  package let first: LogPosition
  /// The chain up to that entry.
  package let chain: ChainHash

  package init(first: LogPosition, chain: ChainHash) {
    self.first = first
    self.chain = chain
  }
}

/// One entry at its place in a log, with the chain up to it: a row of `directory_log`.
///
/// Made only by ``OwnLog`` for what this region writes, by ``BatchVerifier`` for what it was sent and has checked, and from rows that
/// came of these.
package struct LogRecord: Hashable, Sendable {
  package let position: LogPosition
  package let entry: LogEntry
  package let bytes: [UInt8]
  package let chain: ChainHash

  init(position: LogPosition, entry: LogEntry, bytes: [UInt8], chain: ChainHash) {
    self.position = position
    self.entry = entry
    self.bytes = bytes
    self.chain = chain
  }

  /// A row of `directory_log` as it is read back.
  /// - Throws: ``DirectoryFormatError`` where `bytes` are not an entry.
  package init(kept bytes: [UInt8], at position: LogPosition, chain: ChainHash) throws(DirectoryFormatError) {
    self.init(position: position, entry: try LogEntry(decoding: bytes, origin: position.origin), bytes: bytes, chain: chain)
  }

  /// The fact that the entry states about a subject, where it states one.
  package var placement: Placement? {
    guard case .placement(let entry) = entry else { return nil }
    return entry.placement(at: position)
  }

  /// The version of a document that the entry makes, where it makes one.
  package func document(_ digest: Digest) -> DocumentFact? {
    guard case .document(let entry) = entry else { return nil }
    return DocumentFact(id: entry.id, version: entry.version(at: position), digest: digest)
  }

  /// Of which document, where it is of one.
  package var documentID: DocumentID? {
    guard case .document(let entry) = entry else { return nil }
    return entry.id
  }
}

/// This region's own log, as the group committer advances it under the lock of `head`.
package struct OwnLog: Sendable {
  package let id: LogID
  package private(set) var head: AppliedHead
  private let digest: Digest

  package init(_ id: LogID, head: AppliedHead, digest: @escaping Digest) {
    self.id = id
    self.head = head
    self.digest = digest
  }

  /// The row for `entry` at the next position.
  package mutating func append(_ entry: LogEntry) -> LogRecord {
    let next = LogPosition(log: id, seq: head.seq + 1)
    var entry = entry
    if case .document(let document) = entry { entry = .document(document.bounded(by: next)) }
    let bytes = entry.encoded
    head = AppliedHead(seq: head.seq + 1, chain: .next(head.chain, bytes, digest: digest))
    return LogRecord(position: next, entry: entry, bytes: bytes, chain: head.chain)
  }
}
