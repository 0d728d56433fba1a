import AuditTrail
import Cryptography
import Foundation
import Logging
import RegionStore

/// Signs the log's head, has it cosigned by witnesses, and publishes it with its tiles: at most once a second, and only when it has grown, or a
/// witness has cosigned it later.
actor Checkpointer {
  private let store: RegionStore
  private let log: PublishedLog
  private let origin: KeyName
  private let keys: LogKeyFile
  private let witnesses: Witnesses
  private let holder: CheckpointHolder
  private let logger: Logger
  /// Of the store's rows; its tiles are in the folder.
  private var tree: TileWriter
  /// What is published; `nil` before the first.
  private var published: (checkpoint: Checkpoint, note: SignedNote)?
  /// Of which the rows gave the root, the last time that tiles were to be made again.
  private var vouched: Checkpoint?
  private var isStopping = false
  private var sleep: Task<Void, Never>?
  /// Failures in a row: what fails is tried again less often.
  private var failures = 0
  private var isQuorumMissed = false

  private static let interval = Duration.seconds(1)
  private static let intervalMax = Duration.seconds(2)
  /// Witnesses that need longer now and then are no cause for a warning.
  private static let quorumGrace = Duration.seconds(5)

  enum Failure: Error, CustomStringConvertible {
    case foreignCheckpoint
    case rowsDiffer(size: Int)
    /// Another checkpoint of this size is published.
    case anotherHistory(size: Int)
    /// The store's log is shorter than what was signed: it was restored from a backup.
    case storeWentBack(signed: UInt64, stored: UInt64)

    var description: String {
      switch self {
      case .foreignCheckpoint:
        "the published checkpoint was not signed with a key of this region's: a key that signed before stands below the present one in audit.key"
      case .rowsDiffer(let size):
        "the store's first \(size) audit leaves are not those that were signed: restore the newest state of the store, or look for who changed them"
      case .anotherHistory(let size):
        "another tree of \(size) leaves is published, signed with this region's key: two stores are served as this region"
      case .storeWentBack(let signed, let stored):
        "the store holds \(stored) audit leaves, and \(signed) were signed: it was restored from a backup. Do not start it: restore the newest state"
      }
    }
  }

  /// Goes on from what is published. Tiles that are missing there, or damaged, are made again from the store's rows.
  /// - Throws: ``Failure`` where that is not this region's log, or ahead of the store.
  init(
    store: RegionStore, folder: LogFolder, origin: KeyName, keys: LogKeyFile, witnesses: Witnesses, holder: CheckpointHolder,
    logger: Logger
  ) async throws {
    self.store = store
    log = PublishedLog(folder)
    self.origin = origin
    self.keys = keys
    self.witnesses = witnesses
    self.holder = holder
    self.logger = logger
    tree = TileWriter()
    guard let bytes = folder.checkpoint() else { return }
    let note = try SignedNote(parsing: bytes)
    let checkpoint = try Checkpoint(parsing: note.text)
    let isOurs = note.signatures.contains { signature in
      keys.verifierKeys.contains { $0.id == signature.keyID && $0.publicKey.isValid(signature: signature.bytes, for: note.text) }
    }
    guard isOurs, checkpoint.origin == origin else { throw Failure.foreignCheckpoint }
    let stored = try await store.auditSize()
    guard stored >= UInt64(checkpoint.size) else { throw Failure.storeWentBack(signed: UInt64(checkpoint.size), stored: stored) }
    let kept = try? TileWriter(size: checkpoint.size, tiles: folder.tiles(TileWriter.tilesNeeded(size: checkpoint.size)))
    if let kept, kept.frontier.root == checkpoint.root {
      tree = kept
    } else {
      logger.warning("published tiles are missing or damaged: they are made again from the store's rows")
      do { tree = try await made(from: tree, for: checkpoint) } catch let failure as Failure {
        throw failure
      } catch {
        // That the folder cannot be written keeps nobody from recording.
        logger.error("the tiles cannot be written yet", metadata: ["error": "\(error)"])
      }
    }
    published = (checkpoint, note)
    holder.replace(with: bytes, size: checkpoint.size, witnesses: witnesses.standing(note))
  }

  /// Until ``stop()``; then once more, so that what was served last is published too.
  func run() async {
    while !isStopping {
      await publish()
      let pause = Task { () -> Void in
        do { try await Task.sleep(for: min(Self.interval * max(1, failures), Self.intervalMax)) } catch { return }
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
      let size = try await storedSize()
      try await keepPublished()
      try await publishNewest(size)
      if let duration = holder.notePublished() {
        logger.notice("the audit log is published again", metadata: ["seconds": "\(duration.components.seconds)"])
      }
      failures = 0
    } catch {
      failures += 1
      tellUnpublished(error)
    }
    tellQuorum()
  }

  private func storedSize() async throws -> Int {
    let size = try await store.auditSize()
    if let signed = published?.checkpoint.size, size < UInt64(signed) {
      holder.forgetWitnesses()
      throw Failure.storeWentBack(signed: UInt64(signed), stored: size)
    }
    return Int(size)
  }

  /// Makes again what is no longer in the folder: somebody has removed some of it, or put an older one in its place.
  private func keepPublished() async throws {
    guard let (checkpoint, note) = published else { return }
    let isWhole = try await log.holds(checkpoint) && !holder.tilesAreMissing
    guard !isWhole || tree.size < checkpoint.size else { return }
    tree = try await made(from: isWhole ? tree : TileWriter(), for: checkpoint)
    guard !isWhole else { return }
    holder.noteTilesMade()
    try await publish(note)
    logger.warning(
      "the published log was missing in its folder, and was made again from the store's rows",
      metadata: ["leaves": "\(checkpoint.size)"])
  }

  /// - Throws: ``Failure`` where the rows do not give what was signed. Then no tile is written.
  private func made(from tree: TileWriter, for checkpoint: Checkpoint) async throws -> TileWriter {
    func extended(writing: Bool) async throws -> TileWriter {
      let made = try await log.extend(tree, to: checkpoint.size, from: store, writing: writing)
      guard made.frontier.root == checkpoint.root else { throw Failure.rowsDiffer(size: checkpoint.size) }
      return made
    }
    // Where it cannot be written, not all rows are read again with each attempt.
    if vouched != checkpoint { _ = try await extended(writing: false) }
    vouched = checkpoint
    return try await extended(writing: true)
  }

  private func publishNewest(_ size: Int) async throws {
    // The first checkpoint may be of nothing yet: a log that says so is not a log that is missing.
    guard let published, size <= published.checkpoint.size else {
      // What is signed is on the standbys: a wait for them may have been cut short.
      try await store.barrier()
      return try await grow(to: size)
    }
    guard await !witnesses.isComplete(published.note) else { return }
    try await cosign(published.note, published.checkpoint)
  }

  private func grow(to size: Int) async throws {
    let grown = try await log.extend(tree, to: size, from: store, writing: true)
    let checkpoint = Checkpoint(origin: origin, size: grown.size, root: grown.frontier.root)
    try await cosign(try checkpoint.signed(by: keys.signer), checkpoint)
    tree = grown
  }

  private func cosign(_ signed: SignedNote, _ checkpoint: Checkpoint) async throws {
    let cosigned = await witnesses.cosign(signed, checkpoint) { try? await self.store.auditSize() }
    if cosigned != published?.note { try await publish(cosigned) }
  }

  private func publish(_ cosigned: SignedNote) async throws {
    let (log, keys) = (log, keys.verifierKeys)
    let note = try await store.publishing { try await log.publish(cosigned, of: keys) }
    let checkpoint = try Checkpoint(parsing: note.text)
    published = (checkpoint, note)
    holder.replace(with: note.bytes, size: checkpoint.size, witnesses: witnesses.standing(note))
  }
}

/// What operators are told.
extension Checkpointer {
  private func tellUnpublished(_ error: any Error) {
    guard holder.noteUnpublished(Self.cause(of: error)) else { return }
    let metadata: Logger.Metadata = ["error": "\(error)", "seconds": "\(holder.unpublished.components.seconds)"]
    let message: Logger.Message = "the audit log cannot be published; calls go on being recorded, and it is tried again"
    if error is Failure { logger.critical(message, metadata: metadata) } else { logger.error(message, metadata: metadata) }
  }

  /// Without what is another with each attempt: names of files, numbers of leaves.
  private static func cause(of error: any Error) -> String {
    switch error {
    case let failure as DurableFile.Failure: failure.reason
    case let failure as CocoaError: "\(failure.code)"
    default: "\(error)".filter { !$0.isNumber }
    }
  }

  private func tellQuorum() {
    let missed = holder.current.unwitnessedSince?.duration(to: .now) ?? .zero
    guard isQuorumMissed ? missed == .zero : missed > Self.quorumGrace else { return }
    isQuorumMissed.toggle()
    if isQuorumMissed {
      logger.warning("too few witnesses cosign this region's checkpoints: collections that ask for them are not released")
    } else {
      logger.notice("enough witnesses cosign this region's checkpoints again")
    }
  }
}
