import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct TileTests {
  @Test func `tile paths are those of the specification`() throws {
    #expect(TileCoordinate(.hashes(level: 0), index: 1_234_067).path == "tile/0/x001/x234/067")
    #expect(TileCoordinate(.hashes(level: 0), index: 0).path == "tile/0/000")
    #expect(TileCoordinate(.hashes(level: 1), index: 999, width: 17).path == "tile/1/999.p/17")
    #expect(TileCoordinate(.entries, index: 1000).path == "tile/entries/x001/000")
    #expect(TileCoordinate(.entries, index: 273, width: 112).path == "tile/entries/273.p/112")
    for path in ["tile/0/x001/x234/067", "tile/0/000", "tile/1/999.p/17", "tile/entries/273.p/112", "tile/63/000"] {
      #expect(TileCoordinate(path: path)?.path == path)
    }
  }

  @Test(arguments: [
    "", "tile", "tile/0", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000/000",
    "tile/0/001/000",
    "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/../000", "/tile/0/000",
    "tile/0/000/", "tile/entries/x01/000", "tile/data/000", "tile/0/\u{0661}\u{0662}\u{0663}",
    "tile/0/x999/x999/x999/x999/x999/x999/999",
  ])
  func `another text is no tile path`(path: String) {
    #expect(TileCoordinate(path: path) == nil)
  }

  @Test func `a tree of 70,000 leaves has the tiles of the specification's example`() {
    #expect(TileCoordinate.count(level: 0, treeSize: 70_000) == 274)
    #expect(TileCoordinate(.hashes(level: 0), index: 273, treeSize: 70_000)?.width == 112)
    #expect(TileCoordinate(.hashes(level: 1), index: 0, treeSize: 70_000)?.width == 256)
    #expect(TileCoordinate(.hashes(level: 1), index: 1, treeSize: 70_000)?.width == 17)
    #expect(TileCoordinate(.hashes(level: 2), index: 0, treeSize: 70_000)?.width == 1)
    #expect(TileCoordinate(.hashes(level: 3), index: 0, treeSize: 70_000) == nil)
    #expect(TileCoordinate(.hashes(level: 0), index: 274, treeSize: 70_000) == nil)
    #expect(TileCoordinate(.hashes(level: 1), index: 0, treeSize: 256)?.width == 1)
    #expect(TileCoordinate(.hashes(level: 0), index: .max, treeSize: .max) == nil)
  }

  @Test func `the writer makes all tiles of a growing tree, each once, whatever the steps`() throws {
    let leaves = ReferenceTree.leaves(70_000)
    var random = SeededRandom(seed: 7)
    var writer = TileWriter()
    var files: [String: [UInt8]] = [:]
    while writer.size < leaves.count {
      let step = min(leaves.count - writer.size, Int(random.next() % (random.next() % 3 == 0 ? 40 : 9000)) + 1)
      for file in writer.append(leaves[writer.size..<writer.size + step]) {
        #expect(files.updateValue(file.bytes, forKey: file.path) == nil, "\(file.path) is written twice")
      }
      #expect(writer.frontier.size == writer.size)
      let needed = TileWriter.tilesNeeded(size: writer.size)
      let tiles = Dictionary(needed.map { ($0, files[$0.path] ?? []) }, uniquingKeysWith: { $1 })
      #expect(try TileWriter(size: writer.size, tiles: tiles) == writer)
    }
    for level in 0..<3 {
      for index in 0..<TileCoordinate.count(level: level, treeSize: leaves.count) {
        let coordinate = try #require(TileCoordinate(.hashes(level: level), index: index, treeSize: leaves.count))
        let hashes = try HashTile(try #require(files[coordinate.path]), coordinate).hashes
        let span = 1 << (8 * level)
        let first = index * 256 * span
        #expect(hashes.first == MerkleTree.root(of: Array(leaves[first..<first + span])))
      }
    }
    #expect(files["tile/0/273.p/112"] != nil && files["tile/1/001.p/17"] != nil && files["tile/2/000.p/1"] != nil)
    #expect(writer.frontier.root == MerkleTree.root(of: leaves))
  }

  @Test func `a writer that starts again without its tiles says which is missing`() {
    #expect(throws: FormatError(.tile, "tile/0/001.p/44 is missing")) { try TileWriter(size: 300, tiles: [:]) }
  }

  @Test func `proofs built from tiles are those built from leaves`() throws {
    var random = SeededRandom(seed: 11)
    for size in [1, 2, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 66_000] {
      let leaves = ReferenceTree.leaves(size)
      var writer = TileWriter()
      let files = Dictionary(writer.append(leaves).map { ($0.coordinate, $0.bytes) }, uniquingKeysWith: { $1 })
      for _ in 0..<20 {
        let index = Int(random.next() % UInt64(size))
        let needed = InclusionProof.tilesNeeded(index: index, size: size)
        #expect(Set(needed).count == needed.count && needed.count <= 16)
        let tiles = files.filter { needed.contains($0.key) }
        let proof = try InclusionProof(index: index, treeSize: size, tiles: tiles)
        #expect(proof.isValid(leafHash: leaves[index], root: writer.frontier.root))
        let old = Int(random.next() % UInt64(size + 1))
        let growth = try ConsistencyProof(
          oldSize: old, newSize: size,
          tiles: files.filter { ConsistencyProof.tilesNeeded(oldSize: old, newSize: size).contains($0.key) })
        #expect(growth.isValid(oldRoot: MerkleTree.root(of: Array(leaves.prefix(old))), newRoot: writer.frontier.root))
      }
    }
  }

  @Test func `a proof cannot be built from a tile that is missing or cut off`() throws {
    let leaves = ReferenceTree.leaves(600)
    var writer = TileWriter()
    let files = Dictionary(writer.append(leaves).map { ($0.coordinate, $0.bytes) }, uniquingKeysWith: { $1 })
    for needed in InclusionProof.tilesNeeded(index: 77, size: 600) {
      var tiles = files
      tiles[needed] = nil
      #expect(throws: FormatError.self) { try InclusionProof(index: 77, treeSize: 600, tiles: tiles) }
      tiles[needed] = files[needed].map { Array($0.dropLast()) }
      #expect(throws: FormatError.self) { try InclusionProof(index: 77, treeSize: 600, tiles: tiles) }
    }
    #expect(throws: FormatError.self) { try InclusionProof(index: 600, treeSize: 600, tiles: files) }
  }

  @Test func `entry bundles come back as they went, and a cut bundle is refused`() throws {
    let entries: [[UInt8]] = [[], [1], Array(repeating: 7, count: 300), Array(repeating: 9, count: 65_535)]
    let bytes = try EntryBundle.encode(entries)
    #expect(bytes.prefix(5).elementsEqual([0, 0, 0, 1, 1]))
    #expect(try EntryBundle.decode(bytes).map(Array.init) == entries)
    for count in [1, 3, 4, 5, 100, bytes.count - 1] {
      if [2, 5].contains(count) { continue }
      #expect(throws: FormatError.self) { try EntryBundle.decode(Array(bytes.prefix(count))) }
    }
    #expect(throws: FormatError.self) { try EntryBundle.encode([[UInt8](repeating: 0, count: 65_536)]) }
    #expect(throws: FormatError.self) { try EntryBundle.encode(Array(repeating: [], count: 257)) }
    #expect(throws: FormatError.self) { try EntryBundle.decode([UInt8](repeating: 0, count: 514)) }
  }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
