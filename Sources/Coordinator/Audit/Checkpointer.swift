import AuditTrail
import Cryptography
import Dispatch
import Logging
import RegionStore

/// Signs the log's head, has it cosigned by witnesses, and publishes it with its tiles: at most once a second, and only when it has grown, or a
/// witness has cosigned it later.
actor Checkpointer {
  private let store: RegionStore
  private let folder: LogFolder
  private let origin: KeyName
  private let signer: NoteSigner
  private let witnesses: Witnesses
  private let holder: CheckpointHolder
  private let logger: Logger
  /// Files are written here, and waited for: Swift's cooperative threads are few, and must not be blocked.
  private let disk = DispatchQueue(label: "checkpoints")
  private var tree: TileWriter
  /// What is published; `nil` before the first.
  private var published: (checkpoint: Checkpoint, note: SignedNote)?
  private var isStopping = false
  private var sleep: Task<Void, Never>?
  /// Failures in a row: the first of them is logged, and the recovery.
  private var failures = 0

  private static let interval = Duration.seconds(1)
  private static let hashesAtOnce = 8_192

  enum Failure: Error, CustomStringConvertible {
    case foreignCheckpoint
    case tilesDamaged
    /// Another checkpoint of this size is published.
    case anotherHistory(size: Int)
    /// The store's log is shorter than what was signed: it was restored from a backup.
    case storeWentBack(signed: UInt64, stored: UInt64)

    var description: String {
      switch self {
      case .foreignCheckpoint: "the published checkpoint was not signed with this region's key"
      case .tilesDamaged: "the published tiles do not give the root of the published checkpoint"
      case .anotherHistory(let size):
        "another tree of \(size) leaves is published, signed with this region's key: two stores are served as this region"
      case .storeWentBack(let signed, let stored):
        "the store holds \(stored) audit leaves, and \(signed) were signed: it was restored from a backup. Do not start it: restore the newest state"
      }
    }
  }

  /// Goes on from what is published.
  /// - Throws: ``Failure`` where that is not this region's log, or ahead of the store.
  init(
    store: RegionStore, folder: LogFolder, origin: KeyName, signer: NoteSigner, witnesses: Witnesses, holder: CheckpointHolder,
    logger: Logger
  ) async throws {
    self.store = store
    self.folder = folder
    self.origin = origin
    self.signer = signer
    self.witnesses = witnesses
    self.holder = holder
    self.logger = logger
    tree = TileWriter()
    guard let bytes = folder.checkpoint() else { return }
    let note = try SignedNote(parsing: bytes)
    let checkpoint = try Checkpoint(parsing: note.text)
    let isOurs = note.signatures.contains { signature in
      signature.keyID == signer.verifierKey.id && signer.verifierKey.publicKey.isValid(signature: signature.bytes, for: note.text)
    }
    guard isOurs, checkpoint.origin == origin else { throw Failure.foreignCheckpoint }
    tree = try TileWriter(size: checkpoint.size, tiles: folder.tiles(TileWriter.tilesNeeded(size: checkpoint.size)))
    guard tree.frontier.root == checkpoint.root else { throw Failure.tilesDamaged }
    let stored = try await store.auditSize()
    guard stored >= UInt64(checkpoint.size) else { throw Failure.storeWentBack(signed: UInt64(checkpoint.size), stored: stored) }
    published = (checkpoint, note)
    holder.replace(with: bytes, size: checkpoint.size, witnesses: witnesses.standing(note))
  }

  /// Until ``stop()``; then once more, so that what was served last is published too.
  func run() async {
    while !isStopping {
      await publish()
      let pause = Task { () -> Void in
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
      sleep = pause
      await pause.value
    }
    await publish()
  }

  func stop() {
    isStopping = true
    sleep?.cancel()
  }

  private func publish() async {
    do {
      let size = try await store.auditSize()
      // The first checkpoint may be of nothing yet: a log that says so is not a log that is missing.
      guard let published, size <= UInt64(published.checkpoint.size) else {
        // What is signed is on the standbys: a wait for them may have been cut short.
        try await store.barrier()
        return try await grow(to: size)
      }
      guard size == UInt64(published.checkpoint.size) else {
        holder.forgetWitnesses()
        throw Failure.storeWentBack(signed: UInt64(published.checkpoint.size), stored: size)
      }
      guard await !witnesses.isComplete(published.note) else { return noteSuccess() }
      try await publish(published.note, published.checkpoint)
    } catch {
      failures += 1
      guard failures == 1 else { return }
      logger.error("no checkpoint could be made; calls go on being recorded", metadata: ["error": "\(error)"])
    }
  }

  private func grow(to size: UInt64) async throws {
    var grown = tree
    var files: [TileWriter.File] = []
    while UInt64(grown.size) < size {
      let wanted = min(Self.hashesAtOnce, Int(size) - grown.size)
      let hashes = try await store.leafHashes(from: UInt64(grown.size), count: wanted)
      guard hashes.count == wanted else { throw StoreError.corrupt(what: "the audit log") }
      files += grown.append(hashes.compactMap { SHA256Digest($0) })
    }
    let checkpoint = Checkpoint(origin: origin, size: grown.size, root: grown.frontier.root)
    let signed = try checkpoint.signed(by: signer)
    try await onDisk { [files = Self.lastOfEach(files)] in try $0.write(files) }
    tree = grown
    try await publish(signed, checkpoint)
  }

  private func publish(_ signed: SignedNote, _ checkpoint: Checkpoint) async throws {
    let cosigned = await witnesses.cosign(signed, checkpoint) { try? await self.store.auditSize() }
    if cosigned != published?.note {
      let key = signer.verifierKey
      let note = try await store.publishing { try await self.onDisk { try $0.publish(cosigned, of: key) } }
      let checkpoint = try Checkpoint(parsing: note.text)
      published = (checkpoint, note)
      holder.replace(with: note.bytes, size: checkpoint.size, witnesses: witnesses.standing(note))
    }
    noteSuccess()
  }

  private func onDisk<R: Sendable>(_ work: @escaping @Sendable (LogFolder) throws -> R) async throws -> R {
    let (folder, disk) = (folder, disk)
    return try await withCheckedThrowingContinuation { (done: CheckedContinuation<R, any Error>) in
      disk.async { done.resume(with: Result { try work(folder) }) }
    }
  }

  /// Growing in several steps makes partial tiles on the way that no checkpoint has.
  private static func lastOfEach(_ files: [TileWriter.File]) -> [TileWriter.File] {
    var last: [TileCoordinate: Int] = [:]
    for (index, file) in files.enumerated() { last[file.coordinate.full] = index }
    return files.enumerated().filter { last[$0.element.coordinate.full] == $0.offset }.map(\.element)
  }

  private func noteSuccess() {
    if failures > 0 { logger.info("checkpoints are made again", metadata: ["failures": "\(failures)"]) }
    failures = 0
  }
}
