package import Cryptography
import Residency

/// A leaf of a log that is being verified.
package struct LogLeaf: Sendable {
  package let index: Int
  package let hash: SHA256Digest
  package let event: AuditEvent

  package init(index: Int, hash: SHA256Digest, event: AuditEvent) {
    self.index = index
    self.hash = hash
    self.event = event
  }
}

/// What is wanted of a log's leaves, beside that they are verified.
package struct LeafInterest: Sendable {
  /// Whether a leaf is to be returned whole; `nil`: none.
  package var keeps: (@Sendable (LeafOutline) -> Bool)?
  /// Whether the outlines of all leaves are to be returned.
  package var outlines: Bool
  /// Whether the requests' numbers are wanted, and both sides of transfers.
  package var completeness: Bool
  /// Whether it is wanted what the leaves say of stored records.
  package var rows: Bool

  package init(
    outlines: Bool = false, completeness: Bool = false, rows: Bool = false,
    keeping keeps: (@Sendable (LeafOutline) -> Bool)? = nil
  ) {
    self.keeps = keeps
    self.outlines = outlines
    self.completeness = completeness
    self.rows = rows
  }

  package static let nothing = LeafInterest()
  package static let everything = LeafInterest { _ in true }
}

/// A tile of leaf hashes and the leaves that stand in it, as they were fetched: all that can be found out of them without any other tile.
/// Tiles can therefore be read at the same time; ``LogVerifier`` takes them in order.
package struct LeafTileReading: Sendable {
  package let index: Int
  package let width: Int
  /// Of the leaves that are there.
  let leafHashes: [SHA256Digest]
  /// As the tile has them; `nil` where the tile cannot be read.
  let tileHashes: [SHA256Digest]?
  /// Over all leaves of a full tile.
  let leafRoot: SHA256Digest?
  let tileRoot: SHA256Digest?
  private(set) var findings: [Finding] = []
  private(set) var firstTime: UTCTime?
  private(set) var lastTime: UTCTime?
  /// Those that were asked for. They are believed only once the verification's end says so.
  package private(set) var leaves: [LogLeaf] = []
  package private(set) var outlines: [LeafOutline] = []
  /// The numbers of requests that have leaves here, by their coordinators' names.
  private(set) var requests: [String: NumberRanges] = [:]
  private(set) var accounts: [(coordinator: String, account: AuditEvent.Account)] = []
  private(set) var stopped: [String] = []
  /// Whose log it is, where a coordinator's start stands in this tile.
  private(set) var region: RegionID?
  /// Leaves that another region's log has the other side of.
  private(set) var transfers: [TransferLeaf] = []
  /// Leaves that speak of stored records.
  package private(set) var rows: [RowLeaf] = []

  /// - Parameters:
  ///   - entries: the bundle of leaves, as ``entries(_:treeSize:)`` names it.
  ///   - hashes: the tile of their hashes. A partial one that is gone may be given as the full one that replaced it, as may the bundle.
  /// - Returns: `nil` where a tree of `treeSize` has no such tile.
  package init?(_ index: Int, treeSize: Int, entries: FetchedTile, hashes: FetchedTile, for interest: LeafInterest = .nothing) {
    guard let entriesAt = TileCoordinate(.entries, index: index, treeSize: treeSize),
      let hashesAt = TileCoordinate(.hashes(level: 0), index: index, treeSize: treeSize)
    else { return nil }
    self.index = index
    width = entriesAt.width
    let start = index * TileCoordinate.fullWidth
    let (leaves, missing) = Self.leaves(entries, entriesAt)
    leafHashes = leaves.map(MerkleTree.leafHash)
    let (tileHashes, unreadable) = Self.hashes(hashes, hashesAt)
    self.tileHashes = tileHashes
    findings = [missing, unreadable].compactMap { $0 }
    if leaves.count < width { findings.append(.leavesMissing(start + leaves.count..<start + width)) }
    leafRoot = leafHashes.count == TileCoordinate.fullWidth ? MerkleTree.root(of: leafHashes) : nil
    tileRoot = tileHashes == leafHashes ? leafRoot : tileHashes.flatMap { $0.count == 256 ? MerkleTree.root(of: $0) : nil }
    var run = NumberRun()
    var regions = RegionCache()
    for (offset, leaf) in leaves.enumerated() {
      let isDone =
        interest.keeps == nil && !interest.outlines
        && leaf.withUnsafeBytes { isTallied($0, start + offset, interest, &run, &regions) }
      if !isDone { read(leaf, start + offset, leafHashes[offset], interest) }
    }
    run.end(&requests)
  }

  private static func leaves(_ fetched: FetchedTile, _ coordinate: TileCoordinate) -> ([ArraySlice<UInt8>], Finding?) {
    guard case .bytes(let bytes) = fetched else { return ([], .missing(coordinate, problem: fetched.problem)) }
    var (entries, problem) = EntryBundle.decodeWhole(bytes)
    // A full tile may stand for a partial one; anything between was never published.
    if problem == nil, entries.count > coordinate.width, entries.count < TileCoordinate.fullWidth {
      problem = "\(entries.count) entries instead of \(coordinate.width)"
    }
    return (Array(entries.prefix(coordinate.width)), problem.map { .missing(coordinate, problem: $0) })
  }

  static func hashes(_ fetched: FetchedTile, _ coordinate: TileCoordinate) -> ([SHA256Digest]?, Finding?) {
    guard case .bytes(var bytes) = fetched else { return (nil, .missing(coordinate, problem: fetched.problem)) }
    let full = TileCoordinate.fullWidth * SHA256.byteCount
    if bytes.count == full, !coordinate.isFull { bytes = Array(bytes.prefix(coordinate.width * SHA256.byteCount)) }
    do throws(FormatError) {
      return (try HashTile(bytes, coordinate).hashes, nil)
    } catch {
      return (nil, .missing(coordinate, problem: error.problem))
    }
  }

  private mutating func read(_ leaf: ArraySlice<UInt8>, _ index: Int, _ hash: SHA256Digest, _ interest: LeafInterest) {
    do throws(FormatError) {
      let scanned = leaf.withUnsafeBytes { bytes in LeafScan(bytes)?.outline(bytes, index: index) }
      if let scanned, !keep(scanned, interest) { return }
      let event = try AuditEvent(leaf: Array(leaf))
      if scanned == nil, !keep(LeafOutline(event, index: index), interest) { return }
      leaves.append(LogLeaf(index: index, hash: hash, event: event))
    } catch {
      findings.append(.leafUnreadable(index: index, problem: error.problem))
    }
  }

  /// The quick way for most leaves, of which nothing is wanted but that they are what they should be, and their number.
  /// - Returns: whether nothing more is to be done.
  private mutating func isTallied(
    _ bytes: UnsafeRawBufferPointer, _ index: Int, _ interest: LeafInterest, _ run: inout NumberRun, _ regions: inout RegionCache
  ) -> Bool {
    guard let scan = LeafScan(bytes) else { return false }
    if interest.completeness {
      guard !scan.isOfCoordinator else { return false }
      if let (coordinator, number) = scan.request, number > 0 { run.add(number, of: bytes, coordinator, to: &requests) }
      if let transfer = scan.transfer(bytes, index: index, &regions) { transfers.append(transfer) }
    }
    if interest.rows, RowLeaf.isOne(scan.activity), let leaf = scan.outline(bytes, index: index).flatMap(RowLeaf.init) {
      rows.append(leaf)
    }
    note(UTCTime(milliseconds: scan.time))
    return true
  }

  /// - Returns: whether the leaf is to be kept whole.
  private mutating func keep(_ outline: LeafOutline, _ interest: LeafInterest) -> Bool {
    note(outline.time)
    if interest.outlines { outlines.append(outline) }
    if interest.completeness { tally(outline) }
    if interest.rows, let leaf = RowLeaf(outline) { rows.append(leaf) }
    return interest.keeps?(outline) ?? false
  }

  private mutating func tally(_ outline: LeafOutline) {
    if let request = outline.request {
      // 0 is what a coordinator does of itself.
      if request.number > 0 { requests[request.coordinator, default: NumberRanges()].insert(request.number) }
      if let account = outline.account { accounts.append((request.coordinator, account)) }
      if outline.activity == .stop { stopped.append(request.coordinator) }
    }
    if outline.activity == .start { region = region ?? outline.requester }
    if let transfer = TransferLeaf(outline) { transfers.append(transfer) }
  }

  /// Of a leaf in this tile.
  func hash(of index: Int) -> SHA256Digest? {
    let position = index - self.index * TileCoordinate.fullWidth
    return leafHashes.indices.contains(position) ? leafHashes[position] : nil
  }

  private mutating func note(_ time: UTCTime) {
    firstTime = firstTime ?? time
    lastTime = time
  }
}

/// Numbers of one coordinator that follow each other, as they mostly do: put among the ranges all at once.
private struct NumberRun: Sendable {
  private var coordinator: [UInt8] = []
  private var numbers: ClosedRange<UInt64>?

  mutating func add(
    _ number: UInt64, of bytes: UnsafeRawBufferPointer, _ name: Range<Int>, to requests: inout [String: NumberRanges]
  ) {
    if let numbers, number == numbers.upperBound &+ 1, name.count == coordinator.count,
      zip(name, coordinator).allSatisfy({ bytes[$0] == $1 })
    {
      self.numbers = numbers.lowerBound...number
      return
    }
    end(&requests)
    coordinator = [UInt8](bytes[name])
    numbers = number...number
  }

  mutating func end(_ requests: inout [String: NumberRanges]) {
    guard let numbers else { return }
    requests[String(decoding: coordinator, as: UTF8.self), default: NumberRanges()].insert(numbers)
    self.numbers = nil
  }
}
