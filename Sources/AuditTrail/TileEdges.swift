import Cryptography

/// The unfinished tile of every level, as a tree grows.
struct TileEdges: Hashable, Sendable {
  private struct Level: Hashable {
    var hashes: [SHA256Digest] = []
    var fullTileCount = 0
  }

  private var levels: [Level] = []

  init() {}

  /// With the tiles that are not full of a tree of `size`.
  init(size: Int, partial tiles: [HashTile]) {
    levels = (0..<8).filter { size >> (8 * $0) > 0 }.map { level in
      let hashes = tiles.first { $0.coordinate.level == level }?.hashes ?? []
      return Level(hashes: hashes, fullTileCount: size >> (8 * level + 8))
    }
  }

  /// Adds the next hash of a level, and the roots of the tiles that it fills to the levels above.
  /// - Returns: the tiles that became full, lowest first.
  mutating func push(_ hash: SHA256Digest, level: Int) -> [(coordinate: TileCoordinate, hashes: [SHA256Digest])] {
    var full: [(coordinate: TileCoordinate, hashes: [SHA256Digest])] = []
    var (hash, level) = (hash, level)
    while true {
      while levels.count <= level { levels.append(Level()) }
      levels[level].hashes.append(hash)
      guard levels[level].hashes.count == TileCoordinate.fullWidth else { return full }
      let hashes = levels[level].hashes
      full.append((TileCoordinate(.hashes(level: level), index: levels[level].fullTileCount), hashes))
      levels[level].hashes.removeAll(keepingCapacity: true)
      levels[level].fullTileCount += 1
      hash = MerkleTree.root(of: hashes)
      level += 1
    }
  }

  /// The right edge of the tree that these tiles are of.
  var frontier: MerkleFrontier {
    var frontier = MerkleFrontier()
    for tile in partial.reversed() {
      for hash in tile.hashes { frontier.append(hash, level: 8 * tile.coordinate.level) }
    }
    return frontier
  }

  /// The tiles that are not full, lowest first.
  var partial: [(coordinate: TileCoordinate, hashes: [SHA256Digest])] {
    levels.enumerated().filter { !$0.element.hashes.isEmpty }.map { number, level in
      let coordinate = TileCoordinate(.hashes(level: number), index: level.fullTileCount, width: level.hashes.count)
      return (coordinate, level.hashes)
    }
  }
}
