package import Cryptography
package import Residency

/// The names that an index holds by number.
package struct LeafIndexNames: Sendable {
  package private(set) var principals: [String]
  package private(set) var regions: [String]
  private var principalNumbers: [String: Int]
  private var regionNumbers: [String: Int]

  package init(principals: [String] = [], regions: [String] = []) {
    self.principals = principals
    self.regions = regions
    principalNumbers = Dictionary(principals.enumerated().map { ($1, $0 + 1) }, uniquingKeysWith: { first, _ in first })
    regionNumbers = Dictionary(regions.enumerated().map { ($1, $0 + 1) }, uniquingKeysWith: { first, _ in first })
  }

  /// 0 stands for none.
  mutating func number(ofPrincipal name: String?) -> UInt32 {
    guard let name else { return 0 }
    if let number = principalNumbers[name] { return UInt32(clamping: number) }
    principals.append(name)
    principalNumbers[name] = principals.count
    return UInt32(clamping: principals.count)
  }

  mutating func number(ofRegion region: RegionID?) -> UInt16 {
    guard let name = region?.rawValue else { return 0 }
    if let number = regionNumbers[name] { return UInt16(clamping: number) }
    regions.append(name)
    regionNumbers[name] = regions.count
    return UInt16(clamping: regions.count)
  }

  func known(principal: String) -> UInt32? { principalNumbers[principal].map { UInt32(clamping: $0) } }
  func known(region: RegionID) -> UInt16? { regionNumbers[region.rawValue].map { UInt16(clamping: $0) } }
}

/// What an auditor keeps of verified leaves, so that those that match a query are found without reading the log again: a part of an
/// index, in columns.
package struct LeafIndexBlock: Sendable {
  /// How many leaves a block has, but for the last.
  package static let leafCountMax = 65_536

  private var times: [Int64] = []
  /// The first 8 bytes of the pseudonym's code; 0 for nobody.
  private var subjects: [UInt64] = []
  private var principals: [UInt32] = []
  private var homes: [UInt16] = []
  private var requesters: [UInt16] = []
  private var kinds: [UInt16] = []

  private enum Kind {
    static let denied: UInt16 = 0x100
    static let monitored: UInt16 = 0x200
    static let disclosure: UInt16 = 0x400
    /// Of which nothing is known: it matches everything.
    static let unreadable: UInt16 = 0xffff
  }

  package init() {}

  package var count: Int { times.count }

  package mutating func append(_ leaf: LeafOutline, _ names: inout LeafIndexNames) {
    times.append(leaf.time.milliseconds)
    subjects.append(leaf.subject.map(Self.key) ?? 0)
    principals.append(names.number(ofPrincipal: leaf.principal))
    homes.append(names.number(ofRegion: leaf.home))
    requesters.append(names.number(ofRegion: leaf.requester))
    kinds.append(
      (leaf.effect == .denied ? Kind.denied : 0) | (leaf.isMonitored ? Kind.monitored : 0)
        | (leaf.activity.isDisclosure ? Kind.disclosure : 0))
  }

  /// A leaf that cannot be read.
  package mutating func appendUnreadable() {
    times.append(0)
    subjects.append(0)
    principals.append(0)
    homes.append(0)
    requesters.append(0)
    kinds.append(Kind.unreadable)
  }

  package mutating func truncate(to count: Int) {
    guard count < self.count else { return }
    times.removeSubrange(count...)
    subjects.removeSubrange(count...)
    principals.removeSubrange(count...)
    homes.removeSubrange(count...)
    requesters.removeSubrange(count...)
    kinds.removeSubrange(count...)
  }

  private static func key(_ code: SHA256Digest) -> UInt64 {
    code.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
  }
}

extension LeafIndexBlock {
  /// One condition of a query, on one column.
  private enum Condition {
    case subjects(Set<UInt64>)
    case principal(UInt32)
    case home(UInt16)
    case requester(UInt16)
    case kind(mask: UInt16, value: UInt16)
    case disclosureOrRefusal
    case since(Int64)
    case until(Int64)
  }

  /// The positions in the block of all leaves that may match: no other leaf does.
  package func candidates(_ query: AuditQuery, _ names: LeafIndexNames) -> [Int] {
    var conditions: [Condition] = []
    if let pseudonyms = query.pseudonyms { conditions.append(.subjects(Set(pseudonyms.map(Self.key)))) }
    if let principal = query.principal { conditions.append(.principal(names.known(principal: principal) ?? .max)) }
    if let region = query.fromRegion { conditions.append(.home(names.known(region: region) ?? .max)) }
    if let region = query.toRegion { conditions.append(.requester(names.known(region: region) ?? .max)) }
    if let effect = query.effect { conditions.append(.kind(mask: Kind.denied, value: effect == .denied ? Kind.denied : 0)) }
    if let isMonitored = query.isMonitored {
      conditions.append(.kind(mask: Kind.monitored, value: isMonitored ? Kind.monitored : 0))
    }
    if query.isDisclosureOrRefusal { conditions.append(.disclosureOrRefusal) }
    if let since = query.since { conditions.append(.since(since.milliseconds)) }
    if let until = query.until { conditions.append(.until(until.milliseconds)) }
    guard let first = conditions.first else { return Array(0..<count) }
    return conditions.dropFirst().reduce(positions(first, among: nil)) { positions($1, among: $0) }
  }

  private func positions(_ condition: Condition, among candidates: [Int]?) -> [Int] {
    func matching<Value>(_ column: [Value], _ isMatch: (Value) -> Bool) -> [Int] {
      func isWanted(_ position: Int) -> Bool { isMatch(column[position]) || kinds[position] == Kind.unreadable }
      return candidates?.filter(isWanted) ?? column.indices.filter(isWanted)
    }
    switch condition {
    case .subjects(let keys):
      // Most leaves are somebody else's: a look at 16 bits says so.
      var isPossible = [Bool](repeating: false, count: 1 << 16)
      for key in keys { isPossible[Int(key & 0xffff)] = true }
      return matching(subjects) { isPossible[Int($0 & 0xffff)] && keys.contains($0) }
    case .principal(let number): return matching(principals) { $0 == number }
    case .home(let number): return matching(homes) { $0 == number }
    case .requester(let number): return matching(requesters) { $0 == number }
    case .kind(let mask, let value): return matching(kinds) { $0 & mask == value }
    case .disclosureOrRefusal: return matching(kinds) { $0 & (Kind.disclosure | Kind.denied) != 0 }
    case .since(let time): return matching(times) { $0 >= time }
    case .until(let time): return matching(times) { $0 < time }
    }
  }
}

extension LeafIndexBlock {
  private static let magic = Array("domicile-audit index 1\n".utf8)

  /// `magic ‖ u32le count ‖ columns, little-endian ‖ SHA-256 of all that`
  package var bytes: [UInt8] {
    var bytes = Self.magic
    bytes.reserveCapacity(Self.byteCount(count))
    withUnsafeBytes(of: UInt32(clamping: count).littleEndian) { bytes += $0 }
    func add<Number: FixedWidthInteger>(_ column: [Number]) {
      column.map(\.littleEndian).withUnsafeBytes { bytes += $0 }
    }
    add(times)
    add(subjects)
    add(principals)
    add(homes)
    add(requesters)
    add(kinds)
    return bytes + SHA256.hash(bytes)
  }

  private static func byteCount(_ count: Int) -> Int { magic.count + 4 + count * 26 + SHA256.byteCount }

  /// - Throws: ``FormatError`` where the bytes are not those that were written.
  package init(bytes: [UInt8]) throws(FormatError) {
    guard bytes.count >= Self.byteCount(0), bytes.starts(with: Self.magic) else { throw FormatError(.index, "not an index") }
    let content = bytes.dropLast(SHA256.byteCount)
    guard SHA256.hash(Array(content)) == Array(bytes.suffix(SHA256.byteCount)) else {
      throw FormatError(.index, "not as it was written")
    }
    var position = Self.magic.count
    func column<Number: FixedWidthInteger>(_ count: Int) -> [Number] {
      let width = MemoryLayout<Number>.stride
      defer { position += count * width }
      return bytes.withUnsafeBytes { buffer in
        (0..<count).map { Number(littleEndian: buffer.loadUnaligned(fromByteOffset: position + $0 * width, as: Number.self)) }
      }
    }
    let count = (column(1) as [UInt32]).first.map { Int($0) } ?? 0
    guard count <= Self.leafCountMax, bytes.count == Self.byteCount(count) else { throw FormatError(.index, "cut off") }
    times = column(count)
    subjects = column(count)
    principals = column(count)
    homes = column(count)
    requesters = column(count)
    kinds = column(count)
  }
}
