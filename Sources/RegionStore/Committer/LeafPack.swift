/// Leaves that follow each other, as one row of `audit_leaf`. A row costs its heap, its index, its log and the standby's replay much the same
/// whatever it holds, and a batch at full load has twenty leaves.
///
/// A leaf alone is kept as it is. Of several, each comes after its count of bytes (4, network order). Their hashes stand one after the other.
struct LeafPack: Equatable {
  private(set) var leaves: [UInt8]
  private(set) var hashes: [UInt8]

  static let hashByteCount = 32
  /// Two rows of so many bytes fill a page of PostgreSQL's (8,192 less its own and theirs): greater ones would leave more of it empty.
  static let byteCountMax = 4_032
  private static let lengthByteCount = 4
  /// No row has more, of leaves without a byte.
  static let countMax = byteCountMax / (lengthByteCount + hashByteCount)

  /// - Returns: in order. Only a leaf alone is greater than ``byteCountMax``.
  static func packs(of leaves: [LeafDraft.Leaf]) -> [LeafPack] {
    var packs: [LeafPack] = []
    var gathered: [LeafDraft.Leaf] = []
    var byteCount = 0
    for leaf in leaves {
      let more = lengthByteCount + leaf.row.count + leaf.hash.count
      if !gathered.isEmpty, byteCount + more > byteCountMax {
        packs.append(LeafPack(gathered))
        gathered.removeAll(keepingCapacity: true)
        byteCount = 0
      }
      gathered.append(leaf)
      byteCount += more
    }
    if !gathered.isEmpty { packs.append(LeafPack(gathered)) }
    return packs
  }

  private init(_ gathered: [LeafDraft.Leaf]) {
    hashes = []
    hashes.reserveCapacity(gathered.count * Self.hashByteCount)
    for leaf in gathered { hashes += leaf.hash }
    guard gathered.count > 1 else {
      leaves = gathered.first?.row ?? []
      return
    }
    leaves = []
    leaves.reserveCapacity(Self.byteCountMax)
    for leaf in gathered {
      withUnsafeBytes(of: UInt32(leaf.row.count).bigEndian) { leaves.append(contentsOf: $0) }
      leaves += leaf.row
    }
  }

  init(leaves: [UInt8], hashes: [UInt8]) {
    self.leaves = leaves
    self.hashes = hashes
  }

  /// One at least.
  var count: Int { min(Self.countMax, max(1, hashes.count / Self.hashByteCount)) }

  /// The rows of the leaves. What of a row that somebody changed cannot be told apart is empty: so those leaves are found to be changed,
  /// and no others of the row.
  var rows: [[UInt8]] {
    guard count > 1 else { return [leaves] }
    var rest = leaves[...]
    return (0..<count).map { _ in
      let length = rest.prefix(Self.lengthByteCount)
      let byteCount = length.reduce(0) { $0 << 8 | Int($1) }
      guard length.count == Self.lengthByteCount, byteCount <= rest.count - Self.lengthByteCount else {
        rest = []
        return []
      }
      rest = rest.dropFirst(Self.lengthByteCount)
      defer { rest = rest.dropFirst(byteCount) }
      return Array(rest.prefix(byteCount))
    }
  }

  /// The hashes of the leaves. Where the column holds something else, none has 32 bytes.
  var leafHashes: [[UInt8]] {
    guard hashes.count == count * Self.hashByteCount else { return [[UInt8]](repeating: [], count: count) }
    return (0..<count).map { Array(hashes[($0 * Self.hashByteCount)..<(($0 + 1) * Self.hashByteCount)]) }
  }
}
