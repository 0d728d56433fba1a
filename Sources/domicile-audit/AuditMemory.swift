import AuditTrail
import Cryptography
import Foundation
import Residency

/// A folder of the auditor's own, with what was verified: checkpoints, from where to go on, and an index. It is what lets an auditor notice
/// that a log was cut off or rewritten, and ask again without reading everything again. Whoever can write to it can fool its owner.
struct AuditMemory {
  private let folder: String
  private let trust: TrustPolicy
  /// Of all logs that the trust file vouches for.
  let checkpoints: [Checkpoint]

  /// - Throws: ``AuditFailure`` where a kept checkpoint cannot be read. One that the trust file does not vouch for is passed over: it is
  ///   of another log.
  init(folder: String, trust: TrustPolicy) throws(AuditFailure) {
    self.folder = folder
    self.trust = trust
    let names: [String]
    do {
      names = FileManager.default.fileExists(atPath: folder) ? try FileManager.default.contentsOfDirectory(atPath: folder) : []
    } catch {
      throw AuditFailure(.usage, "\(folder): cannot be read")
    }
    var checkpoints: [Checkpoint] = []
    for name in names.sorted() where name.hasSuffix(".checkpoint") {
      let bytes = try readFile("\(folder)/\(name)", .usage)
      do {
        checkpoints.append(try trust.verify(try SignedNote(parsing: bytes)).checkpoint)
      } catch TrustError.notSignedByTrustedLog {
        continue
      } catch {
        throw AuditFailure(.usage, "\(folder)/\(name): \(error)")
      }
    }
    self.checkpoints = checkpoints
  }

  func remember(_ note: SignedNote) throws {
    let checkpoint = try Checkpoint(parsing: note.text)
    try writeFile(note.bytes, "\(folder)/\(Self.name(of: checkpoint.origin))-\(checkpoint.size).checkpoint")
  }

  /// What is kept of a log's leaves.
  func index(of origin: KeyName) -> IndexFolder { IndexFolder(folder: "\(folder)/\(Self.name(of: origin)).index", trust: trust) }

  private static func name(of origin: KeyName) -> String {
    String(MerkleTree.leafHash(origin.utf8).description.prefix(16))
  }
}

/// The index of one log, in a folder: a file of state, and blocks of leaves.
struct IndexFolder: Sendable {
  private let folder: String
  private let trust: TrustPolicy

  init(folder: String, trust: TrustPolicy) {
    self.folder = folder
    self.trust = trust
  }

  /// What the state says.
  struct State: Sendable {
    let prefix: VerifiedPrefix
    var names: LeafIndexNames
  }

  /// - Returns: `nil` where there is none yet.
  /// - Throws: ``AuditFailure`` where there is one that cannot be used.
  func read() throws(AuditFailure) -> State? {
    guard FileManager.default.fileExists(atPath: "\(folder)/state.json") else { return nil }
    let bytes = try readFile("\(folder)/state.json", .usage)
    do {
      let json = try JSONValue(parsing: bytes)
      let prefix = try VerifiedPrefix(json["verified"] ?? .null)
      // The trust file may have changed since.
      _ = try trust.verify(prefix.note)
      func names(_ key: String) -> [String] { json[key]?.arrayValue?.compactMap(\.stringValue) ?? [] }
      return State(prefix: prefix, names: LeafIndexNames(principals: names("principals"), regions: names("regions")))
    } catch {
      throw AuditFailure(
        .usage, "\(folder)/state.json cannot be used (\(error)). Remove \(folder): it is made anew, from the whole log.")
    }
  }

  func write(_ state: State) throws {
    let json: JSONValue = [
      "verified": state.prefix.json, "principals": .array(state.names.principals.map(JSONValue.string)),
      "regions": .array(state.names.regions.map(JSONValue.string)),
    ]
    try writeFile(json.canonicalBytes, "\(folder)/state.json")
  }

  private func path(_ number: Int) -> String { "\(folder)/\(number).block" }

  func block(_ number: Int) throws(AuditFailure) -> LeafIndexBlock {
    do throws(FormatError) {
      return try LeafIndexBlock(bytes: try bytes(path(number)))
    } catch {
      throw AuditFailure(
        .usage, "\(path(number)) cannot be used (\(error.problem)). Remove \(folder): it is made anew, from the whole log.")
    }
  }

  private func bytes(_ path: String) throws(FormatError) -> [UInt8] {
    do throws(AuditFailure) { return try readFile(path, .usage) } catch { throw FormatError(.index, "not there") }
  }

  func write(_ block: LeafIndexBlock, _ number: Int) throws { try writeFile(block.bytes, path(number)) }

  /// The indexes of leaves that may match, ascending.
  /// - Parameter size: how many leaves the index has.
  func candidates(_ query: AuditQuery, _ names: LeafIndexNames, size: Int) async throws -> [Int] {
    let count = (size + LeafIndexBlock.leafCountMax - 1) / LeafIndexBlock.leafCountMax
    return try await withThrowingTaskGroup(of: [Int].self) { group in
      for number in 0..<count {
        group.addTask {
          let start = number * LeafIndexBlock.leafCountMax
          return try block(number).candidates(query, names).map { start + $0 }.filter { $0 < size }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }.sorted()
    }
  }
}

/// Extends an index by leaves in their order.
struct IndexWriter {
  private let folder: IndexFolder
  private(set) var names: LeafIndexNames
  private var block: LeafIndexBlock
  private var blockNumber: Int

  /// - Parameter state: where to go on; `nil` for a new index.
  init(_ folder: IndexFolder, from state: IndexFolder.State?) throws {
    self.folder = folder
    names = state?.names ?? LeafIndexNames()
    let leafCount = state?.prefix.leafCount ?? 0
    blockNumber = leafCount / LeafIndexBlock.leafCountMax
    let within = leafCount % LeafIndexBlock.leafCountMax
    block = within > 0 ? try folder.block(blockNumber) : LeafIndexBlock()
    block.truncate(to: within)
    guard block.count == within else {
      throw AuditFailure(
        .usage, "the index is shorter than its state says. Remove the --remember folder's index: it is made anew.")
    }
  }

  mutating func append(_ tile: LeafTileReading) throws {
    var outlines = tile.outlines[...]
    let start = tile.index * TileCoordinate.fullWidth
    for index in start..<start + tile.width {
      if let outline = outlines.first, outline.index == index {
        block.append(outline, &names)
        outlines.removeFirst()
      } else {
        block.appendUnreadable()
      }
      if block.count == LeafIndexBlock.leafCountMax {
        try folder.write(block, blockNumber)
        blockNumber += 1
        block = LeafIndexBlock()
      }
    }
  }

  /// Makes what was appended the index's own.
  func finish(_ prefix: VerifiedPrefix) throws {
    if block.count > 0 { try folder.write(block, blockNumber) }
    try folder.write(IndexFolder.State(prefix: prefix, names: names))
  }
}
