import AuditTrail
import Synchronization

/// The newest checkpoint of this region's log.
package final class CheckpointHolder: Sendable {
  enum Witnesses: Sendable {
    case enough
    case tooFew
    /// Nobody is asked.
    case none
  }

  struct Held: Sendable {
    var size: UInt64 = 0
    /// The signed note; empty before the first.
    var note: [UInt8] = []
    /// Up to where enough witnesses have cosigned.
    var witnessedSize: UInt64 = 0
    /// Since when there are checkpoints that too few have; `nil` while there are none.
    var unwitnessedSince: ContinuousClock.Instant?
    var witnesses = Witnesses.tooFew
  }

  private struct State {
    var held = Held()
    var publication = PublicationStanding(at: .now)
    var tilesAreMissing = false
    var waiters: [UInt64: (index: UInt64, continuation: CheckedContinuation<Bool, Never>)] = [:]
    var waiterCount: UInt64 = 0
  }

  private let state = Mutex(State())

  package init() {}

  var current: Held { state.withLock { $0.held } }
  package var size: UInt64 { current.size }

  func replace(with note: [UInt8], size: Int, witnesses: Witnesses) {
    let done = state.withLock { state in
      state.held.size = UInt64(size)
      state.held.note = note
      state.held.witnesses = witnesses
      if case .enough = witnesses { state.held.witnessedSize = UInt64(size) }
      state.held.unwitnessedSince = if case .tooFew = witnesses { state.held.unwitnessedSince ?? .now } else { nil }
      let witnessed = state.held.witnessedSize
      let done = state.waiters.filter { $0.value.index < witnessed }
      for number in done.keys { state.waiters[number] = nil }
      return done.values.map(\.continuation)
    }
    for waiter in done { waiter.resume(returning: true) }
  }

  /// The log is not what was cosigned.
  func forgetWitnesses() {
    state.withLock { state in
      state.held.witnessedSize = 0
      state.held.unwitnessedSince = state.held.unwitnessedSince ?? .now
    }
  }

  // MARK: Whether anything can be published

  /// - Returns: whether it is to be told.
  func noteUnpublished(_ why: String) -> Bool { state.withLock { $0.publication.failed(why, at: .now) } }

  /// - Returns: for how long nothing could be; `nil` where it could.
  func notePublished() -> Duration? { state.withLock { $0.publication.succeeded(at: .now) } }

  /// Somebody has asked for a tile that was published, and cannot be read.
  func noteMissingTiles() { state.withLock { $0.tilesAreMissing = true } }
  func noteTilesMade() { state.withLock { $0.tilesAreMissing = false } }
  var tilesAreMissing: Bool { state.withLock { $0.tilesAreMissing } }

  /// As ``PublicationStanding/unpublished(at:)``, now.
  var unpublished: Duration { state.withLock { $0.publication.unpublished(at: .now) } }

  // MARK: Waiting for witnesses

  var waitingCount: Int { state.withLock { $0.waiters.count } }

  /// Nobody waits for witnesses that have been away for longer, or for a log that has not been published for longer, and not more than so many at once: they would take the places of others.
  private static let awayMax = Duration.seconds(3)
  private static let waitersMax = 256

  /// Waits until enough witnesses have cosigned the leaf at an index.
  /// - Returns: whether they have, in time.
  func isWitnessed(_ index: UInt64, by deadline: ContinuousClock.Instant) async -> Bool {
    let number = state.withLock { state in
      state.waiterCount += 1
      return state.waiterCount
    }
    let clock = Task {
      try? await Task.sleep(until: deadline)
      giveUp(number)
    }
    defer { clock.cancel() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isThere = state.withLock { state -> Bool? in
          if state.held.witnessedSize > index { return true }
          if case .none = state.held.witnesses { return false }
          let unwitnessed = state.held.unwitnessedSince?.duration(to: .now) ?? .zero
          let isAway = max(unwitnessed, state.publication.unpublished(at: .now)) > Self.awayMax
          guard !isAway, state.waiters.count < Self.waitersMax, !Task.isCancelled, .now < deadline else { return false }
          state.waiters[number] = (index, continuation)
          return nil
        }
        if let isThere { continuation.resume(returning: isThere) }
      }
    } onCancel: {
      giveUp(number)
    }
  }

  private func giveUp(_ number: UInt64) {
    state.withLock { $0.waiters.removeValue(forKey: number) }?.continuation.resume(returning: false)
  }
}
