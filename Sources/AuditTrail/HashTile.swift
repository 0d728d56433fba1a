package import Cryptography

/// The hashes of one tile.
package struct HashTile: Sendable {
  package let coordinate: TileCoordinate
  package let hashes: [SHA256Digest]

  /// - Throws: ``FormatError`` unless there are exactly as many hashes as the coordinate says.
  package init(_ bytes: [UInt8], _ coordinate: TileCoordinate) throws(FormatError) {
    guard bytes.count == coordinate.width * SHA256.byteCount, let hashes = digests(in: bytes[...]) else {
      throw FormatError(
        .tile, "\(coordinate.path) has \(bytes.count) bytes instead of \(coordinate.width * SHA256.byteCount)")
    }
    self.coordinate = coordinate
    self.hashes = hashes
  }

  /// The root of a perfect subtree that this tile spans.
  func root(of subtree: Subtree) throws(FormatError) -> SHA256Digest {
    let height = subtree.level % 8
    let start = subtree.index << height & 255
    let end = start + 1 << height
    guard end <= hashes.count else { throw FormatError(.tile, "\(coordinate.path) ends before hash \(end)") }
    return MerkleTree.root(of: Array(hashes[start..<end]))
  }

  static func bytes(of hashes: some Sequence<SHA256Digest>) -> [UInt8] {
    var bytes: [UInt8] = []
    for hash in hashes { hash.withUnsafeBytes { bytes.append(contentsOf: $0) } }
    return bytes
  }
}
