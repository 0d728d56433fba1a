import Cryptography
import Residency
import Testing

@testable import RegionStore

/// Rows that hold several leaves.
@Suite struct LeafPackTests {
  private static func leaf(_ number: Int, byteCount: Int) -> LeafDraft.Leaf {
    let row = (0..<byteCount).map { UInt8(truncatingIfNeeded: number &+ $0) }
    return LeafDraft.Leaf(row: row, hash: SHA256.hash([0] + row))
  }

  @Test(arguments: [0, 1, 2, 7, 20, 300])
  func `leaves of any length are the same again, in order`(count: Int) throws {
    for round in 0..<20 {
      let leaves = (0..<count).map { number in
        let length = number * 7_919 + round * 104_729
        return Self.leaf(number, byteCount: (number + round) % 10 == 0 ? length % 70_000 : length % 900)
      }
      let packs = LeafPack.packs(of: leaves)
      #expect(packs.flatMap(\.rows) == leaves.map(\.row))
      #expect(packs.flatMap(\.leafHashes) == leaves.map(\.hash))
      #expect(packs.map(\.count).reduce(0, +) == count)
      for pack in packs where pack.count > 1 { #expect(pack.leaves.count + pack.hashes.count <= LeafPack.byteCountMax) }
    }
  }

  @Test func `leaves of a usual length go together, two rows to a page`() {
    let packs = LeafPack.packs(of: (0..<20).map { Self.leaf($0, byteCount: 480) })
    #expect(packs.map(\.count) == [7, 7, 6])
  }

  /// As every row of an earlier version is.
  @Test func `a leaf alone is its row, whatever it begins with`() throws {
    let leaf = Self.leaf(0, byteCount: 40)
    #expect(LeafPack.packs(of: [leaf]) == [LeafPack(leaves: leaf.row, hashes: leaf.hash)])
    #expect(LeafPack(leaves: leaf.row, hashes: leaf.hash).rows == [leaf.row])
  }

  @Test func `of a row that was changed the leaves are as many, and none is another's`() throws {
    let leaves = (0..<5).map { Self.leaf($0 * 40, byteCount: 30) }
    let pack = try #require(LeafPack.packs(of: leaves).first)
    for place in pack.leaves.indices {
      for bit in 0..<8 {
        var changed = pack.leaves
        changed[place] ^= 1 << bit
        let rows = LeafPack(leaves: changed, hashes: pack.hashes).rows
        try #require(rows.count == leaves.count && rows != pack.rows)
        // Those before it are whole.
        let before = place / 34
        try #require(rows.prefix(before) == pack.rows.prefix(before))
      }
      let short = LeafPack(leaves: Array(pack.leaves[..<place]), hashes: pack.hashes).rows
      try #require(short.count == leaves.count)
    }
  }

  @Test(arguments: [0, 1, 31, 33, 63, 159, 3_600, 1_000_000])
  func `a column that has something else than hashes is not taken for some`(byteCount: Int) {
    let pack = LeafPack(leaves: [1, 2, 3], hashes: [UInt8](repeating: 0, count: byteCount))
    #expect(pack.leafHashes == [[UInt8]](repeating: [], count: min(112, max(1, byteCount / 32))))
    #expect(pack.rows.count == min(112, max(1, byteCount / 32)))
  }
}
