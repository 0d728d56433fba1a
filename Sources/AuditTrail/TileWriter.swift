package import Cryptography

/// Which tile files a growing tree needs, as a plan: the caller writes them, each atomically, before it publishes a checkpoint
/// of the new size. A file once written never changes.
package struct TileWriter: Hashable, Sendable {
  package struct File: Hashable, Sendable {
    package let coordinate: TileCoordinate
    package let bytes: [UInt8]
    package var path: String { coordinate.path }
  }

  package private(set) var size: Int
  private var edges: TileEdges

  /// For an empty tree.
  package init() {
    size = 0
    edges = TileEdges()
  }

  /// The tiles that ``init(size:tiles:)`` reads: the one at each level that is not full.
  package static func tilesNeeded(size: Int) -> [TileCoordinate] {
    (0..<8).compactMap { level in
      let count = size >> (8 * level)
      guard count & 255 > 0 else { return nil }
      return TileCoordinate(.hashes(level: level), index: count >> 8, width: count & 255)
    }
  }

  /// Goes on from the partial tiles of a tree of `size`.
  /// - Throws: ``FormatError`` where a tile of ``tilesNeeded(size:)`` is missing or has the wrong length.
  package init(size: Int, tiles: [TileCoordinate: [UInt8]]) throws(FormatError) {
    var partial: [HashTile] = []
    for coordinate in Self.tilesNeeded(size: size) {
      guard let bytes = tiles[coordinate] else { throw FormatError(.tile, "\(coordinate.path) is missing") }
      partial.append(try HashTile(bytes, coordinate))
    }
    self.size = size
    edges = TileEdges(size: size, partial: partial)
  }

  /// The tree's right edge, whose root must be that of the checkpoint of this size.
  package var frontier: MerkleFrontier { edges.frontier }

  /// Appends leaves.
  /// - Returns: the new files: every tile that became full, and the partial tile of each level that grew. Partial tiles of
  ///   sizes in between are not made, since no checkpoint has them.
  package mutating func append(_ leafHashes: some Sequence<SHA256Digest>) -> [File] {
    let before = Set(edges.partial.map(\.coordinate))
    var files: [File] = []
    for hash in leafHashes {
      size += 1
      files += edges.push(hash, level: 0).map { File(coordinate: $0.coordinate, bytes: HashTile.bytes(of: $0.hashes)) }
    }
    files += edges.partial.filter { !before.contains($0.coordinate) }
      .map { File(coordinate: $0.coordinate, bytes: HashTile.bytes(of: $0.hashes)) }
    return files
  }
}
