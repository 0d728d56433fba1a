import AuditTrail
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

  /// Every tile before the checkpoint that speaks of it; a tile once written stays as it is.
  func publish(_ files: [TileWriter.File], checkpoint: [UInt8]) throws {
    for file in files where contents(file.path) != file.bytes {
      try DurableFile.write(file.bytes, to: "\(path)/\(file.path)", access: .everyoneReads)
    }
    try DurableFile.write(checkpoint, to: "\(path)/checkpoint", access: .everyoneReads)
  }

  private func contents(_ name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: "\(path)/\(name)").map { [UInt8]($0) }
  }
}
