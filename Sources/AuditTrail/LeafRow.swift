package import Cryptography
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
  }

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// The leaf.
  /// - Throws: ``FormatError`` for bytes that are no row, and where the leaf is longer than a log's entry may be (65,535 bytes). Whether it
  ///   says an event is not looked at; a leaf that stands in its row as it is may be anything.
  package func leaf() throws(FormatError) -> [UInt8] {
    guard !isPlain else { return bytes }
    let count = try leafByteCount()
    var problem: FormatError?
    let leaf = [UInt8](unsafeUninitializedCapacity: count) { leaf, written in
      guard let start = leaf.baseAddress else { return }
      var place = 0
      problem = read { piece in
        piece.write(to: start + place)
        place += piece.characterCount
      }
      written = place
    }
    if let problem { throw problem }
    return leaf
  }

  /// What a leaf has where its row has these members.
  static func text(ofMembers members: [UInt8]) throws(FormatError) -> [UInt8] {
    try members.withUnsafeBufferPointer { (members) throws(FormatError) in
      var reader = LeafRowReader(members: members)
      var text: [UInt8] = []
      while let piece = try reader.next() {
        text += [UInt8](unsafeUninitializedCapacity: piece.characterCount) { buffer, count in
          if let start = buffer.baseAddress { piece.write(to: start) }
          count = piece.characterCount
        }
      }
      return text
    }
  }

  /// The hash of the leaf, without making it.
  /// - Throws: as ``leaf()``.
  package func leafHash() throws(FormatError) -> SHA256Digest {
    guard !isPlain else { return MerkleTree.leafHash(bytes) }
    return try LeafGathering.hash { (leaf) throws(FormatError) in
      try bytes.withUnsafeBufferPointer { (row) throws(FormatError) in try leaf.add(LeafRowReader(row)) }
    }
  }

  private var isPlain: Bool { bytes.first == UInt8(ascii: "{") }

  private func leafByteCount() throws(FormatError) -> Int {
    var count = 0
    if let problem = read({ count += $0.characterCount }) { throw problem }
    try LeafGathering.check(byteCount: count)
    return count
  }

  /// - Returns: why the rest could not be read; `nil` where all was.
  @inline(__always) private func read(_ body: (LeafRowReader.Piece) -> Void) -> FormatError? {
    bytes.withUnsafeBufferPointer { row in
      do throws(FormatError) {
        var reader = try LeafRowReader(row)
        while let piece = try reader.next() { body(piece) }
        return nil
      } catch {
        return error
      }
    }
  }
}

/// Goes through a row piece by piece.
struct LeafRowReader {
  /// A part of a row, and what the leaf has there.
  enum Piece {
    case word(StaticString)
    case run(LeafRow.Run, UnsafeBufferPointer<UInt8>)
    case text(UnsafeBufferPointer<UInt8>)

    @inline(__always) var characterCount: Int {
      switch self {
      case .word(let text): text.utf8CodeUnitCount
      case .run(.hexadecimal, let content): 2 * content.count
      case .run(.base64, let content): Base64.digitCount(ofBytes: content.count)
      case .run(.asItIs, let text), .text(let text): text.count
      }
    }

    /// - Parameter leaf: has room for ``characterCount``.
    @inline(__always) func write(to leaf: UnsafeMutablePointer<UInt8>) {
      switch self {
      case .word(let text): leaf.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
      case .run(.hexadecimal, let content): Hexadecimal.write(content, to: leaf)
      case .run(.base64, let content): Base64.write(content, to: leaf)
      case .run(.asItIs, let text), .text(let text):
        if let start = text.baseAddress { leaf.update(from: start, count: text.count) }
      }
    }
  }

  private let row: UnsafeBufferPointer<UInt8>
  private let words = LeafWord.texts
  private var place = 1

  init(_ row: UnsafeBufferPointer<UInt8>) throws(FormatError) {
    guard row.first == LeafRow.form else { throw FormatError(.leaf, "a row of no form that is known") }
    self.row = row
  }

  /// Through members of a row.
  init(members: UnsafeBufferPointer<UInt8>) {
    row = members
    place = 0
  }

  @inline(__always) mutating func next() throws(FormatError) -> Piece? {
    guard place < row.count else { return nil }
    let start = place
    let byte = row[start]
    place += 1
    if byte >= LeafWord.base {
      let word = Int(byte - LeafWord.base)
      guard word < words.count else { throw wrong(start) }
      return .word(words[word])
    }
    guard byte >= 0x20 else {
      guard let run = LeafRow.Run(rawValue: byte), let count = count(), count <= row.count - place else { throw wrong(start) }
      defer { place += count }
      return .run(run, UnsafeBufferPointer(rebasing: row[place..<place + count]))
    }
    while place < row.count, (0x20..<LeafWord.base).contains(row[place]) { place += 1 }
    return .text(UnsafeBufferPointer(rebasing: row[start..<place]))
  }

  /// LEB128 of at most three bytes: no entry has more than those say.
  private mutating func count() -> Int? {
    var value = 0
    for shift in 0..<3 {
      guard place < row.count else { return nil }
      let byte = row[place]
      place += 1
      value |= Int(byte & 0x7f) << (7 * shift)
      if byte < 0x80 { return value }
    }
    return nil
  }

  private func wrong(_ place: Int) -> FormatError { FormatError(.leaf, "byte \(place) of its row is none that a row has there") }
}
