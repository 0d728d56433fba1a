package import Cryptography

/// A log's head: whose, how long, and the root over all of it (C2SP tlog-checkpoint). The text of a signed note.
package struct Checkpoint: Hashable, Sendable {
  package let origin: KeyName
  package let size: Int
  package let root: SHA256Digest
  /// Lines after the root; kept because signatures cover them. Without meaning here.
  package let extensions: [String]

  package init(origin: KeyName, size: Int, root: SHA256Digest) {
    self.origin = origin
    self.size = size
    self.root = root
    extensions = []
  }

  /// `origin\nsize\nbase64(root)\n`, and extension lines.
  package var text: [UInt8] {
    Array(([origin.description, String(size), Base64.encode(root.bytes)] + extensions).map { $0 + "\n" }.joined().utf8)
  }

  /// - Throws: ``FormatError`` for anything but the form above: no leading zeros, no empty line, a root of 32 bytes.
  package init(parsing text: [UInt8]) throws(FormatError) {
    var lines = LineReader(text)
    guard let origin = lines.next().flatMap({ KeyName($0) }) else { throw FormatError(.checkpoint, line: 1, "no origin") }
    guard let size = lines.next().flatMap({ Int(decimal: $0) }) else {
      throw FormatError(.checkpoint, line: 2, "no size in decimal")
    }
    guard let root = lines.next().flatMap({ Base64.decode($0) }).flatMap({ SHA256Digest($0) }) else {
      throw FormatError(.checkpoint, line: 3, "no root hash of 32 bytes in base64")
    }
    guard size > 0 || root == MerkleTree.emptyRoot else {
      throw FormatError(.checkpoint, line: 3, "the root of size 0 is not that of the empty tree")
    }
    var extensions: [String] = []
    while let line = lines.next() {
      guard !line.isEmpty, let text = String(validating: line, as: UTF8.self) else {
        throw FormatError(.checkpoint, line: lines.lineNumber, "an empty line")
      }
      extensions.append(text)
    }
    guard lines.remaining.isEmpty else { throw FormatError(.checkpoint, "cut off: the last line has no newline") }
    self.origin = origin
    self.size = size
    self.root = root
    self.extensions = extensions
  }

  /// A signed note over this checkpoint, with the log's signature.
  package func signed(by log: NoteSigner) throws -> SignedNote {
    try SignedNote(text: text, signatures: [log.sign(text, time: 0)])
  }
}
