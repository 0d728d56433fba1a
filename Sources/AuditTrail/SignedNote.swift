/// A text and signatures over it (C2SP signed-note). Nothing in the text may be believed before ``verify(with:)``.
package struct SignedNote: Hashable, Sendable {
  /// One signature line: `— name base64(key id ‖ signature)`.
  package struct Signature: Hashable, Sendable {
    package let name: KeyName
    package let keyID: VerifierKey.ID
    /// 64 bytes of Ed25519; for a cosignature, 8 bytes of time before them.
    package let bytes: [UInt8]

    package init(name: KeyName, keyID: VerifierKey.ID, bytes: [UInt8]) {
      self.name = name
      self.keyID = keyID
      self.bytes = bytes
    }

    /// With its newline.
    package var line: String { "\u{2014} \(name) \(Base64.encode(keyID.bytes + bytes))\n" }
  }

  /// With its final newline, without the blank line that follows.
  package let text: [UInt8]
  package private(set) var signatures: [Signature]

  /// The specification asks for 16 at least.
  package static let signatureCountMax = 64
  package static let byteCountMax = 512 * 1024

  /// - Throws: ``FormatError`` for a text without a final newline, or with a control character other than newline.
  package init(text: [UInt8], signatures: [Signature] = []) throws(FormatError) {
    try Self.checkCharacters(text)
    guard text.last == 0x0a else { throw FormatError(.note, "the text does not end in a newline") }
    self.text = text
    self.signatures = signatures
  }

  /// - Throws: ``FormatError`` for anything but a text, an empty line and 1 to 64 signature lines.
  package init(parsing bytes: [UInt8]) throws(FormatError) {
    guard bytes.count <= Self.byteCountMax else { throw FormatError(.note, "longer than \(Self.byteCountMax) bytes") }
    try Self.checkCharacters(bytes)
    // The last empty line separates: the text may have empty lines of its own.
    var split = bytes.count - 2
    while split > 0, bytes[split] != 0x0a || bytes[split + 1] != 0x0a { split -= 1 }
    guard split > 0 else { throw FormatError(.note, "no empty line between text and signatures") }
    text = Array(bytes[...split])
    let textLineCount = text.count { $0 == 0x0a }
    var lines = LineReader(Array(bytes[(split + 2)...]))
    signatures = []
    while let line = lines.next() {
      let number = textLineCount + 1 + lines.lineNumber
      guard signatures.count < Self.signatureCountMax else {
        throw FormatError(.note, line: number, "more than \(Self.signatureCountMax) signatures")
      }
      guard let signature = Signature(line: line) else { throw FormatError(.note, line: number, "not a signature line") }
      signatures.append(signature)
    }
    guard lines.remaining.isEmpty else { throw FormatError(.note, "cut off: the last line has no newline") }
    guard !signatures.isEmpty else { throw FormatError(.note, "no signature") }
  }

  private static func checkCharacters(_ bytes: [UInt8]) throws(FormatError) {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw FormatError(.note, "not UTF-8") }
    guard bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0a }) else { throw FormatError(.note, "a control character") }
  }

  /// Text, empty line, signature lines.
  package var bytes: [UInt8] {
    text + [0x0a] + Array(signatures.map(\.line).joined().utf8)
  }

  /// Adds a signature, unless the same key's is there already.
  package mutating func add(_ signature: Signature) {
    signatures.removeAll { $0.name == signature.name && $0.keyID == signature.keyID }
    signatures.append(signature)
  }
}

extension SignedNote.Signature {
  /// A line without its newline; `nil` where it is no signature line.
  init?(line: ArraySlice<UInt8>) {
    let dash = Array("\u{2014} ".utf8)
    guard line.starts(with: dash) else { return nil }
    let fields = line.dropFirst(dash.count).split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard fields.count == 2, let name = KeyName(fields[0]), let decoded = Base64.decode(fields[1]), decoded.count > 4 else {
      return nil
    }
    let id = decoded.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    self.init(name: name, keyID: VerifierKey.ID(rawValue: id), bytes: Array(decoded.dropFirst(4)))
  }
}
