/// Which tile: its level, its index in the level, and how many entries it holds (C2SP tlog-tiles).
package struct TileCoordinate: Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// Hashes of subtrees of `256^level` leaves; level 0 holds leaf hashes. 0 to 63.
    case hashes(level: Int)
    /// The leaves themselves.
    case entries
  }

  package static let fullWidth = 256

  package let kind: Kind
  package let index: Int
  /// 1 to 256; 256 is a full tile.
  package let width: Int

  package init(_ kind: Kind, index: Int, width: Int = fullWidth) {
    self.kind = kind
    self.index = index
    self.width = width
  }

  package var level: Int {
    switch kind {
    case .hashes(let level): level
    case .entries: 0
    }
  }

  package var isFull: Bool { width == Self.fullWidth }
  /// The tile that replaces this one once the tree has filled it.
  package var full: TileCoordinate { TileCoordinate(kind, index: index) }

  /// The tile at `index` of a level as a tree of `treeSize` has it; `nil` where it has none.
  package init?(_ kind: Kind, index: Int, treeSize: Int) {
    let level = if case .hashes(let level) = kind { level } else { 0 }
    guard (0..<8).contains(level), index >= 0, index < Self.count(level: level, treeSize: treeSize) else { return nil }
    self.init(kind, index: index, width: min((treeSize >> (8 * level)) - (index << 8), Self.fullWidth))
  }

  /// The tile that holds, or spans, the root of a perfect subtree of a tree of `treeSize`.
  package init(holding subtree: Subtree, treeSize: Int) {
    let level = subtree.level / 8
    let index = (subtree.index << (subtree.level % 8)) >> 8
    let width = min((treeSize >> (8 * level)) - (index << 8), Self.fullWidth)
    self.init(.hashes(level: level), index: index, width: width)
  }

  /// How many tiles a level of a tree has, the partial one counted.
  package static func count(level: Int, treeSize: Int) -> Int {
    let hashes = treeSize >> (8 * level)
    return hashes >> 8 + (hashes & 255 > 0 ? 1 : 0)
  }

  /// Below the log's prefix, without a leading slash: `tile/0/x001/x234/067.p/112`.
  package var path: String {
    let level =
      switch kind {
      case .hashes(let level): String(level)
      case .entries: "entries"
      }
    var groups: [String] = []
    var rest = index
    repeat {
      let digits = String(rest % 1000)
      let padded = String(repeating: "0", count: 3 - digits.count) + digits
      groups.append(groups.isEmpty ? padded : "x" + padded)
      rest /= 1000
    } while rest > 0
    return "tile/\(level)/\(groups.reversed().joined(separator: "/"))" + (isFull ? "" : ".p/\(width)")
  }

  package var description: String { path }

  /// - Returns: `nil` for any other text than a ``path``: each tile has one.
  package init?(path: String) {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 3, parts.removeFirst() == "tile" else { return nil }
    let levelText = parts.removeFirst()
    let kind: Kind
    if levelText == "entries" {
      kind = .entries
    } else {
      guard let level = Int(decimal: levelText.utf8), level < 64 else { return nil }
      kind = .hashes(level: level)
    }
    var width = Self.fullWidth
    if parts.count >= 2, parts[parts.count - 2].hasSuffix(".p") {
      guard let partial = Int(decimal: parts.removeLast().utf8), (1..<256).contains(partial) else { return nil }
      width = partial
      parts.append(parts.removeLast().dropLast(2))
    }
    guard parts.count <= 6 else { return nil }
    var index = 0
    for (position, part) in parts.enumerated() {
      let isLast = position == parts.count - 1
      let digits = isLast ? part : part.dropFirst()
      guard isLast || part.hasPrefix("x"), digits.utf8.count == 3,
        digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let group = Int(digits)
      else { return nil }
      index = index * 1000 + group
    }
    self.init(kind, index: index, width: width)
    guard self.path == path else { return nil }
  }
}
