import AuditTrail
import Cryptography

/// A whole log whose files were changed: the verifier ends, and calls verified only what is as it was.
extension Fuzzing {
  /// Every six bytes are one change to the log's files.
  func check(_ log: OriginalLog, _ bytes: [UInt8]) throws(BrokenClaim) {
    var files = log.files
    var changes = bytes[...]
    for _ in 0..<8 where changes.count >= 6 {
      change(&files, of: log, Array(changes.prefix(6)))
      changes = changes.dropFirst(6)
    }
    let report = try verify(files, of: log)
    if files == log.files, report.exit != .verified {
      throw BrokenClaim("an honest log is \(report.exit.word): \(report.findings)")
    }
    guard report.exit == .verified else { return }
    guard report.findings.isEmpty, report.leavesVerified == log.checkpoint.size else { throw BrokenClaim("verified in part") }
    guard report.checkpoint?.checkpoint == log.checkpoint else { throw BrokenClaim("another checkpoint is verified") }
    for path in log.paths where path != "checkpoint" {
      guard let coordinate = TileCoordinate(path: path) else { continue }
      guard let served = files[path] else {
        // The full tile may stand for it; then its beginning was compared.
        guard let full = files[coordinate.full.path] else { throw BrokenClaim("\(path) is gone, and the log verified") }
        if !full.starts(with: log.files[path] ?? []) { throw BrokenClaim("\(coordinate.full.path) has another beginning") }
        continue
      }
      if served != log.files[path], served.count < 256 * 32 { throw BrokenClaim("\(path) was changed, and the log verified") }
    }
  }

  /// - Parameter prefix: where an earlier verification says that it ended.
  func verify(
    _ files: [String: [UInt8]], of log: OriginalLog, resuming prefix: VerifiedPrefix? = nil
  ) throws(BrokenClaim) -> VerificationReport {
    let note = files["checkpoint"].map(FetchedTile.bytes) ?? .absent
    let half = log.checkpoint.size / 2
    let earlier = Checkpoint(origin: log.checkpoint.origin, size: half, root: log.frontier(half).root)
    var verifier = LogVerifier(
      checkpoint: note, trust: log.trust, earlier: prefix == nil ? [earlier] : [], resuming: prefix, batchTileCount: 3)
    var rounds = 0
    while !verifier.needed.isEmpty {
      rounds += 1
      guard rounds < 100 else { throw BrokenClaim("still not done after \(rounds) rounds") }
      let needed = verifier.needed
      guard needed.count < 100 else { throw BrokenClaim("\(needed.count) tiles at once") }
      let fetched = Dictionary(
        needed.map { ($0, (files[$0.path] ?? files[$0.full.path]).map(FetchedTile.bytes) ?? .absent) }, uniquingKeysWith: { $1 })
      let tiles = needed.filter { $0.kind == .entries }.compactMap { entries -> LeafTileReading? in
        let hashes = TileCoordinate(.hashes(level: 0), index: entries.index, width: entries.width)
        return LeafTileReading(
          entries.index, treeSize: verifier.size, entries: fetched[entries] ?? .absent, hashes: fetched[hashes] ?? .absent)
      }
      verifier.receive(tiles, upper: fetched)
    }
    return verifier.finish()
  }

  /// `file, what, position (16 bits), length, value`.
  private func change(_ files: inout [String: [UInt8]], of log: OriginalLog, _ code: [UInt8]) {
    let path = log.paths[Int(code[0]) % log.paths.count]
    guard var bytes = files[path] else { return }
    let position = bytes.isEmpty ? 0 : (Int(code[2]) << 8 | Int(code[3])) % bytes.count
    let end = min(position + Int(code[4]), bytes.count)
    switch code[1] % 9 {
    case 0 where !bytes.isEmpty: bytes[position] ^= code[5]
    case 1: bytes.removeSubrange(position..<end)
    case 2: bytes.append(contentsOf: repeatElement(code[5], count: Int(code[4])))
    case 3: bytes.insert(contentsOf: bytes[position..<end], at: position)
    case 4:
      files[path] = nil
      return
    case 5: bytes = files[log.paths[Int(code[5]) % log.paths.count]] ?? []
    case 6 where bytes.count >= 64:
      // Two hashes change places.
      let (a, b) = (position / 32 * 32, Int(code[5]) * 32)
      guard a != b, max(a, b) + 32 <= bytes.count else { return }
      for offset in 0..<32 { bytes.swapAt(a + offset, b + offset) }
    case 7:
      // The full tile's name in place of the partial one's.
      guard let full = TileCoordinate(path: path)?.full.path, full != path else { return }
      files[path] = nil
      files[full] = bytes + [UInt8](repeating: code[5], count: max(0, 8192 - bytes.count))
      return
    default: bytes = Array(bytes.prefix(position))
    }
    files[path] = bytes
  }

  /// Nothing, and each kind of change to each file.
  func changes(of log: OriginalLog) -> [[UInt8]] {
    [[]] + log.paths.indices.flatMap { file in (UInt8(0)..<9).map { [UInt8(file), $0, 0, 40, 1, 1] } }
  }
}
