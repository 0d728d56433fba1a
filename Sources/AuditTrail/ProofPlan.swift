package import Cryptography

/// Which parts of a tree a proof is made of: ranges of leaves, whose roots are the proof's hashes in order.
package struct ProofPlan: Hashable, Sendable {
  package let treeSize: Int
  /// The ranges, in the order of the proof's hashes.
  package let ranges: [Range<Int>]

  /// RFC 6962, 2.1.1: the audit path of one leaf.
  package static func inclusion(index: Int, treeSize: Int) -> ProofPlan? {
    guard index >= 0, index < treeSize else { return nil }
    var ranges: [Range<Int>] = []
    var range = 0..<treeSize
    while range.count > 1 {
      let middle = range.lowerBound + splitPoint(range.count)
      if index < middle {
        ranges.append(middle..<range.upperBound)
        range = range.lowerBound..<middle
      } else {
        ranges.append(range.lowerBound..<middle)
        range = middle..<range.upperBound
      }
    }
    return ProofPlan(treeSize: treeSize, ranges: ranges.reversed())
  }

  /// RFC 6962, 2.1.2: that the first `oldSize` leaves of the tree are the tree of that size. Empty where the sizes are equal or
  /// the old one is 0.
  package static func consistency(oldSize: Int, newSize: Int) -> ProofPlan? {
    guard oldSize >= 0, oldSize <= newSize else { return nil }
    var ranges: [Range<Int>] = []
    guard oldSize > 0, oldSize < newSize else { return ProofPlan(treeSize: newSize, ranges: []) }
    var range = 0..<newSize
    // Whether the range still starts with leaf 0: then its old root is known to the verifier.
    while range.upperBound != oldSize {
      let middle = range.lowerBound + splitPoint(range.count)
      if oldSize <= middle {
        ranges.append(middle..<range.upperBound)
        range = range.lowerBound..<middle
      } else {
        ranges.append(range.lowerBound..<middle)
        range = middle..<range.upperBound
      }
    }
    if range.lowerBound != 0 { ranges.append(range) }
    return ProofPlan(treeSize: newSize, ranges: ranges.reversed())
  }

  /// The perfect subtrees whose roots the proof is folded from.
  package var subtrees: [Subtree] { ranges.flatMap(Subtree.covering) }

  /// The tiles to fetch, each once, in the order of need.
  package var tilesNeeded: [TileCoordinate] {
    var seen: Set<TileCoordinate> = []
    return subtrees.map { TileCoordinate(holding: $0, treeSize: treeSize) }.filter { seen.insert($0).inserted }
  }

  /// The proof's hashes, from the roots of perfect subtrees.
  package func hashes<Failure: Error>(
    _ root: (Subtree) throws(Failure) -> SHA256Digest
  ) throws(Failure) -> [SHA256Digest] {
    var hashes: [SHA256Digest] = []
    for range in ranges {
      var parts: [SHA256Digest] = []
      for subtree in Subtree.covering(range) { parts.append(try root(subtree)) }
      hashes.append(Subtree.fold(parts))
    }
    return hashes
  }

  /// The proof's hashes, from tiles.
  /// - Parameter tiles: the bytes of every tile of ``tilesNeeded``.
  /// - Throws: ``FormatError`` where a tile is missing or too short.
  package func hashes(from tiles: [TileCoordinate: [UInt8]]) throws(FormatError) -> [SHA256Digest] {
    try hashes { (subtree) throws(FormatError) in
      let coordinate = TileCoordinate(holding: subtree, treeSize: treeSize)
      guard let bytes = tiles[coordinate] else { throw FormatError(.tile, "\(coordinate.path) is missing") }
      return try HashTile(bytes, coordinate).root(of: subtree)
    }
  }
}
