package import Residency

/// A log up to a checkpoint at which somebody verified all of it: what has to be kept so that later only its growth is verified.
package struct VerifiedPrefix: Sendable {
  package let note: SignedNote
  package let checkpoint: Checkpoint
  /// Of the full leaf tiles. Leaves of one that is not full are read again.
  let edges: TileEdges

  init(note: SignedNote, checkpoint: Checkpoint, edges: TileEdges) {
    self.note = note
    self.checkpoint = checkpoint
    self.edges = edges
  }

  var fullTileCount: Int { checkpoint.size / TileCoordinate.fullWidth }
  /// Leaves that are not read again.
  package var leafCount: Int { fullTileCount * TileCoordinate.fullWidth }

  /// `{"checkpoint": <note>, "tiles": {"tile/1/000.p/9": <base64>}}`
  package var json: JSONValue {
    [
      "checkpoint": .string(String(decoding: note.bytes, as: UTF8.self)),
      "tiles": .object(
        Dictionary(
          uniqueKeysWithValues: edges.partial.map {
            ($0.coordinate.path, .string(Base64.encode(HashTile.bytes(of: $0.hashes))))
          })),
    ]
  }

  /// - Throws: ``FormatError`` for anything that ``json`` does not give. Who wrote it is not asked: the caller keeps it where nobody else
  ///   writes. It is checked for being whole.
  package init(_ json: JSONValue) throws(FormatError) {
    guard let text = json["checkpoint"]?.stringValue, case .object(let members)? = json["tiles"] else {
      throw FormatError(.frontier, "a checkpoint or the tiles are missing")
    }
    note = try SignedNote(parsing: Array(text.utf8))
    checkpoint = try Checkpoint(parsing: note.text)
    let size = checkpoint.size / TileCoordinate.fullWidth * TileCoordinate.fullWidth
    var tiles: [HashTile] = []
    for coordinate in TileWriter.tilesNeeded(size: size) {
      guard let bytes = members[coordinate.path]?.stringValue.flatMap({ Base64.decode($0) }) else {
        throw FormatError(.frontier, "\(coordinate.path) is missing")
      }
      tiles.append(try HashTile(bytes, coordinate))
    }
    edges = TileEdges(size: size, partial: tiles)
  }
}
