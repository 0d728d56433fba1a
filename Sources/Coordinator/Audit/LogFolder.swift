import AuditTrail
import Dispatch
import Foundation

/// The published part of a region's log, as immutable files: `checkpoint` and `tile/…` (C2SP tlog-tiles). The folder may be an
/// object store's mount, and may be handed to anybody: nothing in it names a person.
struct LogFolder: Sendable {
  let path: String

  /// The newest checkpoint; `nil` before the first.
  func checkpoint() -> [UInt8]? { contents("checkpoint") }

  func tile(_ coordinate: TileCoordinate) -> [UInt8]? {
    // A partial tile may be asked for after a larger one has replaced it for newer checkpoints.
    contents(coordinate.path)
      ?? (coordinate.isFull ? nil : contents(coordinate.full.path).map { Array($0.prefix(32 * coordinate.width)) })
  }

  func tiles(_ coordinates: [TileCoordinate]) -> [TileCoordinate: [UInt8]] {
    Dictionary(
      coordinates.compactMap { coordinate in tile(coordinate).map { (coordinate, $0) } }, uniquingKeysWith: { first, _ in first })
  }

  /// As ``tiles(_:)``, on a thread that may wait for the folder: it may be far away.
  func tilesRead(_ coordinates: [TileCoordinate]) async -> [TileCoordinate: [UInt8]] {
    guard !coordinates.isEmpty else { return [:] }
    return await withCheckedContinuation { done in
      DispatchQueue.global().async { done.resume(returning: tiles(coordinates)) }
    }
  }

  /// Whether what was published is there still, as far as a few looks tell: a checkpoint that is not smaller, and of each level of its tree the
  /// first tile and the last.
  /// - Throws: ``FormatError`` where the checkpoint is none.
  func holds(_ checkpoint: Checkpoint) throws -> Bool {
    guard let bytes = self.checkpoint() else { return false }
    guard try Checkpoint(parsing: SignedNote(parsing: bytes).text).size >= checkpoint.size else { return false }
    return (0..<8).allSatisfy { level in
      let last = TileCoordinate.count(level: level, treeSize: checkpoint.size) - 1
      return [0, last].compactMap { TileCoordinate(.hashes(level: level), index: $0, treeSize: checkpoint.size) }.allSatisfy(
        isThere)
    }
  }

  private func isThere(_ coordinate: TileCoordinate) -> Bool {
    [coordinate, coordinate.full].contains { FileManager.default.fileExists(atPath: "\(path)/\($0.path)") }
  }

  /// A tile once written stays as it is.
  func write(_ files: [TileWriter.File]) throws {
    for file in files where contents(file.path) != file.bytes {
      try DurableFile.write(file.bytes, to: "\(path)/\(file.path)", access: .everyoneReads)
    }
  }

  /// Publishes a checkpoint whose tiles are there, unless another coordinator has published a larger one: whoever saw that would take a
  /// smaller one for a log that was cut off. Cosignatures of one and the same checkpoint are put together.
  ///
  /// Coordinators of one region do this one at a time.
  /// - Parameter keys: the region's, also those that signed before: what is there has to be signed with one of them.
  /// - Returns: what is published now.
  func publish(_ note: SignedNote, of keys: [VerifierKey]) throws -> SignedNote {
    let size = try Checkpoint(parsing: note.text).size
    var note = note
    if let bytes = checkpoint() {
      let current = try SignedNote(parsing: bytes)
      let published = try Checkpoint(parsing: current.text)
      guard keys.contains(where: { $0.name == published.origin }), (try? current.verify(with: keys)) != nil else {
        throw Checkpointer.Failure.foreignCheckpoint
      }
      guard published.size <= size else { return current }
      guard published.size < size || current.text == note.text else { throw Checkpointer.Failure.anotherHistory(size: size) }
      if current.text == note.text {
        var both = current
        for signature in note.signatures where !current.signatures.contains(where: { $0.keyID == signature.keyID }) {
          both.add(signature)
        }
        note = both
      }
      guard note != current else { return note }
    }
    try DurableFile.write(note.bytes, to: "\(path)/checkpoint", access: .everyoneReads)
    return note
  }

  private func contents(_ name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: "\(path)/\(name)").map { [UInt8]($0) }
  }
}
