package import Cryptography

/// A proof that some bytes are in a log, complete in itself: index, audit path, and the checkpoint with its cosignatures
/// (C2SP tlog-proof).
package struct TransparencyProof: Hashable, Sendable {
  package static let header = "c2sp.org/tlog-proof@v1"
  /// A path of more hashes would be of a tree of more than 2⁶³ leaves.
  static let hashCountMax = 63

  /// Opaque, and signed by nobody.
  package let extra: [UInt8]?
  package let index: Int
  /// From the leaf's sibling up.
  package let hashes: [SHA256Digest]
  package let checkpoint: SignedNote

  package init(index: Int, hashes: [SHA256Digest], checkpoint: SignedNote, extra: [UInt8]? = nil) {
    self.extra = extra
    self.index = index
    self.hashes = hashes
    self.checkpoint = checkpoint
  }

  package var bytes: [UInt8] {
    var text = "\(Self.header)\n"
    if let extra { text += "extra \(Base64.encode(extra))\n" }
    text += "index \(index)\n"
    for hash in hashes { text += "\(Base64.encode(hash.bytes))\n" }
    return Array("\(text)\n".utf8) + checkpoint.bytes
  }

  /// - Throws: ``FormatError`` for anything that ``bytes`` does not write.
  package init(parsing bytes: [UInt8]) throws(FormatError) {
    var lines = LineReader(bytes)
    guard let first = lines.next(), first.elementsEqual(Self.header.utf8) else {
      throw FormatError(.proof, line: 1, "not \(Self.header)")
    }
    var line = lines.next()
    var extra: [UInt8]?
    if let found = line, found.starts(withText: "extra ") {
      extra = Base64.decode(found.dropFirst(6))
      guard extra != nil else { throw FormatError(.proof, line: lines.lineNumber, "extra data is not base64") }
      line = lines.next()
    }
    guard let found = line, found.starts(withText: "index "), let index = Int(decimal: found.dropFirst(6)) else {
      throw FormatError(.proof, line: max(lines.lineNumber, 2), "no index in decimal")
    }
    var hashes: [SHA256Digest] = []
    while true {
      guard let line = lines.next() else { throw FormatError(.proof, "cut off before the checkpoint") }
      if line.isEmpty { break }
      guard hashes.count < Self.hashCountMax, let hash = Base64.decode(line).flatMap({ SHA256Digest($0) }) else {
        throw FormatError(.proof, line: lines.lineNumber, "not a hash, or more than \(Self.hashCountMax)")
      }
      hashes.append(hash)
    }
    self.init(
      index: index, hashes: hashes, checkpoint: try SignedNote(parsing: Array(lines.remaining)), extra: extra)
  }

  /// What the proof shows of a leaf, once the checkpoint's signatures are trusted.
  /// - Throws: ``FormatError`` where the note is not a checkpoint.
  package func isValid(leafHash: SHA256Digest) throws(FormatError) -> Bool {
    let head = try Checkpoint(parsing: checkpoint.text)
    return InclusionProof(index: index, treeSize: head.size, hashes: hashes).isValid(leafHash: leafHash, root: head.root)
  }
}
