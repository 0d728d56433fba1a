import Residency

/// A leaf as a row of the region's store holds it: less than half as long, since most of a leaf never changes. What a store writes, sends to
/// its standby and keeps grows with every read that it records; the log itself has the leaf, of which alone the hash is.
///
/// The first byte is the ``form``. Of the others, those from 0x80 on are a ``LeafWord`` each; a ``Run`` is one below 0x20, which JSON never
/// has as it is, a count (LEB128) and that many bytes of content; all others are themselves. A row that begins with `{` is a leaf as it is.
package struct LeafRow: Hashable, Sendable {
  package let bytes: [UInt8]

  /// What a row of this form begins with.
  static let form: UInt8 = 1

  /// What stands in a leaf for bytes that a row has as they are.
  enum Run: UInt8 {
    /// Two digits for each byte, in lower case.
    case hexadecimal = 1
    /// RFC 4648, section 4.
    case base64
    /// Text outside ASCII.
    case asItIs

    func begin(byteCount: Int, in row: inout [UInt8]) {
      row.append(rawValue)
      var rest = byteCount
      while rest >= 0x80 {
        row.append(UInt8(rest & 0x7f | 0x80))
        rest >>= 7
      }
      row.append(UInt8(rest))
    }

    fileprivate func characterCount(_ byteCount: Int) -> Int {
      switch self {
      case .hexadecimal: 2 * byteCount
      case .base64: Base64.digitCount(ofBytes: byteCount)
      case .asItIs: byteCount
      }
    }

    fileprivate func write(_ content: UnsafeRawBufferPointer, to text: UnsafeMutableBufferPointer<UInt8>) {
      switch self {
      case .hexadecimal:
        for (place, byte) in content.enumerated() {
          text[2 * place] = Hexadecimal.digit(byte >> 4)
          text[2 * place + 1] = Hexadecimal.digit(byte & 15)
        }
      case .base64: Base64.write(content, to: text)
      case .asItIs: UnsafeMutableRawBufferPointer(text).copyMemory(from: content)
      }
    }
  }

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// The leaf.
  /// - Throws: ``FormatError`` for what no event gives, and where the leaf is longer than a log's entry may be (65,535 bytes).
  package func leaf() throws(FormatError) -> [UInt8] {
    guard bytes.first != UInt8(ascii: "{") else { return bytes }
    let leaf: Result<[UInt8], FormatError> = bytes.withUnsafeBytes { row in
      Result { () throws(FormatError) in try Self.leaf(row) }
    }
    return try leaf.get()
  }

  private static func leaf(_ row: UnsafeRawBufferPointer) throws(FormatError) -> [UInt8] {
    var reader = try Reader(row)
    var count = 0
    while let piece = try reader.next() { count += piece.characterCount }
    guard count <= EntryBundle.entryByteCountMax else {
      throw FormatError(.leaf, "\(count) bytes are more than \(EntryBundle.entryByteCountMax)")
    }
    reader = try Reader(row)
    return [UInt8](unsafeUninitializedCapacity: count) { leaf, written in
      // All of it was read before.
      while let piece = try? reader.next() {
        piece.write(to: UnsafeMutableBufferPointer(rebasing: leaf[written..<written + piece.characterCount]))
        written += piece.characterCount
      }
    }
  }
}

/// A part of a row, and what the leaf has there.
private enum Piece {
  case word(StaticString)
  case run(LeafRow.Run, UnsafeRawBufferPointer)
  case text(UnsafeRawBufferPointer)

  var characterCount: Int {
    switch self {
    case .word(let text): text.utf8CodeUnitCount
    case .run(let run, let content): run.characterCount(content.count)
    case .text(let text): text.count
    }
  }

  func write(to characters: UnsafeMutableBufferPointer<UInt8>) {
    let raw = UnsafeMutableRawBufferPointer(characters)
    switch self {
    case .word(let text): raw.copyMemory(from: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    case .run(let run, let content): run.write(content, to: characters)
    case .text(let text): raw.copyMemory(from: text)
    }
  }
}

private struct Reader {
  private let row: UnsafeRawBufferPointer
  private let words = LeafWord.texts
  private var place = 1

  init(_ row: UnsafeRawBufferPointer) throws(FormatError) {
    guard row.first == LeafRow.form else { throw FormatError(.leaf, "a row of no form that is known") }
    self.row = row
  }

  mutating func next() throws(FormatError) -> Piece? {
    guard place < row.count else { return nil }
    let start = place
    let byte = row[start]
    place += 1
    switch byte {
    case LeafWord.base...:
      let word = Int(byte - LeafWord.base)
      guard word < words.count else { throw wrong(start) }
      return .word(words[word])
    case ..<0x20:
      guard let run = LeafRow.Run(rawValue: byte), let count = count(), count <= row.count - place else { throw wrong(start) }
      defer { place += count }
      return .run(run, UnsafeRawBufferPointer(rebasing: row[place..<place + count]))
    default:
      while place < row.count, (0x20..<LeafWord.base).contains(row[place]) { place += 1 }
      return .text(UnsafeRawBufferPointer(rebasing: row[start..<place]))
    }
  }

  /// LEB128 of at most three bytes: no entry has more than those say.
  private mutating func count() -> Int? {
    var value = 0
    for shift in [0, 7, 14] {
      guard place < row.count else { return nil }
      let byte = row[place]
      place += 1
      value |= Int(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  private func wrong(_ place: Int) -> FormatError { FormatError(.leaf, "byte \(place) of its row is none that a row has there") }
}
