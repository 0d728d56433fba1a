/// The leaves of one tile, each with its length before it as 16 bits, big-endian (C2SP tlog-tiles, "Log entries").
package enum EntryBundle {
  /// The longest leaf that a bundle can hold.
  package static let entryByteCountMax = Int(UInt16.max)

  /// - Throws: ``FormatError`` for more than 256 entries, or one over ``entryByteCountMax`` bytes.
  package static func encode(_ entries: [[UInt8]]) throws(FormatError) -> [UInt8] {
    guard entries.count <= TileCoordinate.fullWidth else {
      throw FormatError(.entries, "\(entries.count) entries are more than \(TileCoordinate.fullWidth)")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(entries.reduce(0) { $0 + $1.count + 2 })
    for entry in entries {
      guard let count = UInt16(exactly: entry.count) else {
        throw FormatError(.entries, "an entry of \(entry.count) bytes is longer than \(entryByteCountMax)")
      }
      bytes += [UInt8(count >> 8), UInt8(count & 255)]
      bytes += entry
    }
    return bytes
  }

  /// The entries, as slices of `bytes`.
  /// - Throws: ``FormatError`` where the last entry is cut off, or there are more than 256.
  package static func decode(_ bytes: [UInt8]) throws(FormatError) -> [ArraySlice<UInt8>] {
    let (entries, problem) = decodeWhole(bytes)
    if let problem { throw FormatError(.entries, problem) }
    return entries
  }

  /// The entries before the first that is cut off, and what is wrong after them.
  static func decodeWhole(_ bytes: [UInt8]) -> (entries: [ArraySlice<UInt8>], problem: String?) {
    var entries: [ArraySlice<UInt8>] = []
    var position = 0
    while position < bytes.count {
      guard entries.count < TileCoordinate.fullWidth else { return (entries, "more than \(TileCoordinate.fullWidth) entries") }
      guard position + 2 <= bytes.count else { return (entries, "cut off after entry \(entries.count)") }
      let start = position + 2
      let end = start + Int(bytes[position]) << 8 + Int(bytes[position + 1])
      guard end <= bytes.count else { return (entries, "cut off in entry \(entries.count)") }
      entries.append(bytes[start..<end])
      position = end
    }
    return (entries, nil)
  }
}
