import AuditTrail
import Coordinator
import Cryptography
import DomicileAPI
import DomicileTestKit
import Foundation
import Postgres
import Residency
import Testing

extension World {
  func trust(_ region: RegionID) throws -> TrustPolicy {
    let file = deployment.state.auditTrust(of: region)
    return try TrustPolicy(parsing: [UInt8](Data(contentsOf: URL(filePath: file))), file: file)
  }

  func logFolder(_ region: RegionID) -> String { "\(deployment.state.folder(of: region))/log" }

  /// A metric without labels, as the region's endpoint has it now.
  func gauge(_ name: String, _ region: RegionID) async throws -> Double? {
    let line = try await get(region, "/metrics").text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
    return line?.split(separator: " ").last.flatMap { Double($0) }
  }

  /// Asserts that all that a region has recorded until now is published and vouched for, that rows, tiles and signed root agree, and that the
  /// leaves of which callers have receipts are among them.
  func expectWholeLog(
    _ region: RegionID, holding receipts: [Receipt] = [], sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) async throws {
    try await expectDenseLog(region, sourceLocation: sourceLocation)
    let checkpoint = try await cosignedCheckpoint(region, size: try await logSize(region))
    let rows = try await storedLeaves(region).map { try $0.row.leaf() }
    var verifier = LogVerifier(checkpoint: .bytes(checkpoint), trust: try trust(region))
    try #require(rows.count >= verifier.size, sourceLocation: sourceLocation)
    while !verifier.needed.isEmpty {
      let fetched = try fetched(verifier.needed, region, rows)
      let tiles = verifier.needed.compactMap { tile in
        guard case .entries = tile.kind else { return nil as LeafTileReading? }
        let hashes = TileCoordinate(.hashes(level: 0), index: tile.index, width: tile.width)
        return LeafTileReading(
          tile.index, treeSize: verifier.size, entries: fetched[tile] ?? .absent, hashes: fetched[hashes] ?? .absent)
      }
      verifier.receive(tiles, upper: fetched)
    }
    let size = verifier.size
    let report = verifier.finish()
    #expect(report.findings.isEmpty, "\(region): \(report.findings)", sourceLocation: sourceLocation)
    #expect(report.leavesVerified == size, sourceLocation: sourceLocation)
    let hashes = rows.prefix(size).map { MerkleTree.leafHash($0) }
    for receipt in receipts where receipt.region == region {
      #expect(
        hashes.indices.contains(receipt.index) && hashes[receipt.index] == receipt.leafHash,
        "\(region) has lost leaf \(receipt.index)", sourceLocation: sourceLocation)
    }
  }

  /// Hash tiles as they are published, and leaves as they are in the store.
  private func fetched(
    _ tiles: [TileCoordinate], _ region: RegionID, _ rows: [[UInt8]]
  ) throws -> [TileCoordinate: FetchedTile] {
    var fetched: [TileCoordinate: FetchedTile] = [:]
    for tile in tiles {
      guard case .entries = tile.kind else {
        fetched[tile] = published(tile.path, tile.full.path, in: region)
        continue
      }
      let first = tile.index * TileCoordinate.fullWidth
      fetched[tile] = .bytes(try EntryBundle.encode(Array(rows[first..<first + tile.width])))
    }
    return fetched
  }

  private func published(_ names: String..., in region: RegionID) -> FetchedTile {
    for name in names {
      if let bytes = FileManager.default.contents(atPath: "\(logFolder(region))/\(name)") { return .bytes([UInt8](bytes)) }
    }
    return .absent
  }

  private func cosignedCheckpoint(_ region: RegionID, size: UInt64) async throws -> [UInt8] {
    let trust = try trust(region)
    var found: [UInt8]?
    try await eventually(within: .seconds(20), "\(region) has published all, and witnesses have cosigned it") {
      guard case .bytes(let bytes) = published("checkpoint", in: region) else { return false }
      let trusted = try trust.verify(try SignedNote(parsing: bytes))
      guard UInt64(trusted.checkpoint.size) >= size, trusted.quorum != .unmet else { return false }
      found = bytes
      return true
    }
    return try #require(found)
  }
}

/// What a caller keeps of a call that was recorded.
struct Receipt: Hashable, Sendable {
  let region: RegionID
  let index: Int
  let leafHash: SHA256Digest

  /// As an answer in JSON has it.
  init(_ json: JSONValue) throws {
    region = try #require(json["region"]?.stringValue.flatMap { RegionID($0) })
    // A number of 64 bits is a text, and left out where it is 0.
    index = Int(json["index"]?.stringValue ?? "0") ?? -1
    let hash = try #require(json["leafHash"]?.stringValue.flatMap { Data(base64Encoded: $0) })
    leafHash = try #require(SHA256Digest([UInt8](hash)))
  }
}
