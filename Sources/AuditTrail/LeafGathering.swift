import Cryptography

/// The hash of a leaf whose bytes come piece by piece: as `MerkleTree.leafHash` has it, without making the leaf. A thousand bytes are at hand
/// on the stack; more would come from the heap, for each event that is recorded.
struct LeafGathering: ~Copyable {
  private let buffer: UnsafeMutableBufferPointer<UInt8>
  private var hasher: SHA256Hasher
  private var filled = 0
  private var byteCount = 0

  private static let bufferByteCount = 1_000

  private init(_ buffer: UnsafeMutableBufferPointer<UInt8>, _ hasher: consuming SHA256Hasher) {
    self.buffer = buffer
    self.hasher = hasher
  }

  /// - Parameter give: adds the leaf's bytes, in order, and hashes nothing else.
  /// - Throws: what `give` throws.
  static func hash(_ give: (inout LeafGathering) throws(FormatError) -> Void) throws(FormatError) -> SHA256Digest {
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bufferByteCount) { buffer in
      Result { () throws(FormatError) in
        try SHA256.digest(prefix: 0) { (hasher) throws(FormatError) in
          var gathering = LeafGathering(buffer, hasher)
          try give(&gathering)
          return gathering.finish()
        }
      }
    }.get()
  }

  static func check(byteCount: Int) throws(FormatError) {
    guard byteCount <= EntryBundle.entryByteCountMax else {
      throw FormatError(.leaf, "\(byteCount) bytes are more than \(EntryBundle.entryByteCountMax)")
    }
  }

  /// - Throws: ``FormatError`` where the leaf has more bytes now than a log's entry may have.
  mutating func add(_ text: UnsafeBufferPointer<UInt8>) throws(FormatError) {
    try count(text.count)
    if filled + text.count > buffer.count { flush() }
    guard text.count <= buffer.count else { return hasher.update(UnsafeRawBufferPointer(text)) }
    if let start = text.baseAddress { buffer.baseAddress?.advanced(by: filled).update(from: start, count: text.count) }
    filled += text.count
  }

  mutating func add(_ reader: LeafRowReader) throws(FormatError) {
    var reader = reader
    while let piece = try reader.next() { try add(piece) }
  }

  private mutating func count(_ more: Int) throws(FormatError) {
    byteCount += more
    try Self.check(byteCount: byteCount)
  }

  private mutating func add(_ piece: LeafRowReader.Piece) throws(FormatError) {
    let count = piece.characterCount
    try self.count(count)
    if filled + count > buffer.count { flush() }
    guard count <= buffer.count else {
      return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { long in
        if let start = long.baseAddress { piece.write(to: start) }
        hasher.update(UnsafeRawBufferPointer(long))
      }
    }
    if let start = buffer.baseAddress { piece.write(to: start + filled) }
    filled += count
  }

  private mutating func flush() {
    hasher.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<filled]))
    filled = 0
  }

  private consuming func finish() -> SHA256Digest {
    flush()
    return hasher.finalize()
  }
}
