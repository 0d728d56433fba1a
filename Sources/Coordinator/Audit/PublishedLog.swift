import AuditTrail
import Cryptography
import Dispatch
import RegionStore

/// The log's folder, written on a thread of its own: Swift's cooperative threads are few, and must not be blocked.
struct PublishedLog: Sendable {
  let folder: LogFolder
  private let disk = DispatchQueue(label: "checkpoints")

  /// So many leaves are read from the store, and their tiles written, at once.
  private static let hashesAtOnce = 8_192

  init(_ folder: LogFolder) { self.folder = folder }

  /// As ``LogFolder/holds(_:)``.
  func holds(_ checkpoint: Checkpoint) async throws -> Bool { try await onDisk { try $0.holds(checkpoint) } }

  /// As ``LogFolder/publish(_:of:)``.
  func publish(_ note: SignedNote, of keys: [VerifierKey]) async throws -> SignedNote {
    try await onDisk { try $0.publish(note, of: keys) }
  }

  /// Lets a tree grow by the store's rows.
  /// - Parameter writing: whether its tiles are written too.
  func extend(_ tree: TileWriter, to size: Int, from store: RegionStore, writing: Bool) async throws -> TileWriter {
    var grown = tree
    // Growing in several steps makes partial tiles on the way that no checkpoint has.
    var partial: [TileCoordinate: TileWriter.File] = [:]
    while grown.size < size {
      let wanted = min(Self.hashesAtOnce, size - grown.size)
      let hashes = try await store.leafHashes(from: UInt64(grown.size), count: wanted).compactMap { SHA256Digest($0) }
      guard hashes.count == wanted else { throw StoreError.corrupt(what: "the audit log") }
      let files = grown.append(hashes)
      guard writing else { continue }
      let full = files.filter(\.coordinate.isFull)
      for file in full { partial[file.coordinate] = nil }
      for file in files where !file.coordinate.isFull { partial[file.coordinate.full] = file }
      try await onDisk { try $0.write(full) }
    }
    try await onDisk { [edges = Array(partial.values)] in try $0.write(edges) }
    return grown
  }

  private func onDisk<R: Sendable>(_ work: @escaping @Sendable (LogFolder) throws -> R) async throws -> R {
    let folder = folder
    return try await withCheckedThrowingContinuation { (done: CheckedContinuation<R, any Error>) in
      disk.async { done.resume(with: Result { try work(folder) }) }
    }
  }
}
