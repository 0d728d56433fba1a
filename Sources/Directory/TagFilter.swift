package import Residency

/// Says of a tag that it is certainly not among those that were added, or that it may be: a Bloom filter in blocks of 512 bits (Putze,
/// Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007). Tags are hashes, so their own bits serve.
package struct TagFilter: Sendable {
  private var words: [UInt64]
  private let blockMask: UInt64
  package private(set) var count = 0

  private static let wordsInBlock = 8

  /// - Parameter bytes: rounded up to a power of two, at least 64. Ten bits a tag let about one unknown tag in a hundred through.
  package init(bytes: Int) {
    var blocks = 1
    while blocks * Self.wordsInBlock * 8 < bytes { blocks *= 2 }
    words = Array(repeating: 0, count: blocks * Self.wordsInBlock)
    blockMask = UInt64(blocks - 1)
  }

  package mutating func add(_ tag: SubjectTag) {
    let (base, bits) = place(of: tag)
    for shift in 0..<Self.wordsInBlock { words[base + shift] |= 1 << (bits >> UInt64(shift * 6) & 63) }
    count += 1
  }

  package func mayContain(_ tag: SubjectTag) -> Bool {
    let (base, bits) = place(of: tag)
    for shift in 0..<Self.wordsInBlock where words[base + shift] & 1 << (bits >> UInt64(shift * 6) & 63) == 0 { return false }
    return true
  }

  /// A block, and six bits for each of its words.
  private func place(of tag: SubjectTag) -> (base: Int, bits: UInt64) {
    let (high, low) = tag.words
    return (Int(high & blockMask) * Self.wordsInBlock, low)
  }
}
