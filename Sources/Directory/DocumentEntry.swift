package import Residency

/// One write of a document, as it stands in the log of the region that took it. Any region may write any document.
package struct DocumentEntry: Hashable, Sendable {
  package let id: DocumentID
  package let context: VersionVector
  /// Canonical JSON; `nil` deletes.
  package let value: [UInt8]?
  package let timestamp: HybridTimestamp

  package init(id: DocumentID, context: VersionVector, value: [UInt8]?, timestamp: HybridTimestamp) {
    self.id = id
    self.context = context
    self.value = value
    self.timestamp = timestamp
  }

  init(id: DocumentID, version: DocumentVersion) {
    self.init(id: id, context: version.context, value: version.value, timestamp: version.writtenAt)
  }

  /// Whether it may stand at `position`: nobody has seen what they are about to write, or what comes after it in the same log.
  package func isPossible(at position: LogPosition) -> Bool { !context.includes(position) }

  /// The same write, as it stands at `position`. Who wrote it may have read places of this log that were lost with a history.
  func bounded(by position: LogPosition) -> DocumentEntry {
    DocumentEntry(id: id, context: context.before([position]), value: value, timestamp: timestamp)
  }

  /// The version that this entry makes where it stands at `position`.
  package func version(at position: LogPosition) -> DocumentVersion {
    DocumentVersion(dot: position, context: context, value: value, writtenAt: timestamp)
  }
}

extension DocumentEntry {
  static let kind: UInt8 = 8
  private static let version: UInt8 = 1
  private static let collectionBytesMax = 64
  package static let keyBytesMax = 256

  /// Version 1, numbers in network byte order: version 1, kind 1, milliseconds 8, counter 2, then, each with its length before it,
  /// collection (1 byte), key (2), context (2), and a value (4; all ones where it is deleted).
  package var encoded: [UInt8] {
    var bytes: [UInt8] = [Self.version, Self.kind]
    bytes.append(bigEndian: timestamp.milliseconds)
    bytes.append(bigEndian: timestamp.counter)
    bytes.append(UInt8(clamping: id.collection.rawValue.utf8.count))
    bytes += Array(id.collection.rawValue.utf8)
    bytes.append(bigEndian: UInt16(clamping: id.key.utf8.count))
    bytes += Array(id.key.utf8)
    let context = context.encoded
    bytes.append(bigEndian: UInt16(clamping: context.count))
    bytes += context
    bytes.append(bigEndian: value.map { UInt32(clamping: $0.count) } ?? UInt32.max)
    return bytes + (value ?? [])
  }

  /// - Throws: ``DirectoryFormatError`` unless `bytes` are exactly one entry.
  package init(decoding bytes: [UInt8]) throws(DirectoryFormatError) {
    var reader = BinaryReader(bytes)
    let version = try reader.integer(UInt8.self)
    guard version == Self.version else { throw .unknownVersion(version) }
    let kind = try reader.integer(UInt8.self)
    guard kind == Self.kind else { throw .unknownKind(kind) }
    let milliseconds = try reader.integer(UInt64.self)
    timestamp = HybridTimestamp(milliseconds: milliseconds, counter: try reader.integer(UInt16.self))
    let collection = try Self.text(Int(try reader.integer(UInt8.self)), max: Self.collectionBytesMax, &reader)
    let key = try Self.text(Int(try reader.integer(UInt16.self)), max: Self.keyBytesMax, &reader)
    id = DocumentID(collection: CollectionName(collection), key: key)
    let contextBytes = Int(try reader.integer(UInt16.self))
    context = try VersionVector(decoding: Array(try reader.take(contextBytes)))
    let count = try reader.integer(UInt32.self)
    if count == .max {
      value = nil
    } else {
      guard count <= DocumentVersion.valueBytesMax else { throw .invalid(.value) }
      value = Array(try reader.take(Int(count)))
    }
    try reader.finish()
  }

  private static func text(_ count: Int, max: Int, _ reader: inout BinaryReader) throws(DirectoryFormatError) -> String {
    guard (1...max).contains(count), let text = String(validating: try reader.take(count), as: UTF8.self),
      !text.utf8.contains(0)
    else { throw .invalid(.name) }
    return text
  }
}
