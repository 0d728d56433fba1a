import AuditTrail
import Synchronization

/// The newest checkpoint of this region's log.
package final class CheckpointHolder: Sendable {
  struct Held: Sendable {
    var size: UInt64 = 0
    /// The signed note; empty before the first.
    var note: [UInt8] = []
    /// Up to where enough witnesses have cosigned.
    var witnessedSize: UInt64 = 0
    /// Since when there are checkpoints that too few have; `nil` while there are none.
    var unwitnessedSince: ContinuousClock.Instant?
  }

  private struct State {
    var held = Held()
    var waiters: [UInt64: (index: UInt64, continuation: CheckedContinuation<Bool, Never>)] = [:]
    var waiterCount: UInt64 = 0
  }

  private let state = Mutex(State())

  package init() {}

  var current: Held { state.withLock { $0.held } }
  package var size: UInt64 { current.size }

  /// - Parameter isWitnessed: whether enough have cosigned it.
  func replace(with note: [UInt8], size: Int, isWitnessed: Bool) {
    let done = state.withLock { state in
      state.held.size = UInt64(size)
      state.held.note = note
      if isWitnessed { state.held.witnessedSize = UInt64(size) }
      state.held.unwitnessedSince = isWitnessed ? nil : state.held.unwitnessedSince ?? .now
      let witnessed = state.held.witnessedSize
      let done = state.waiters.filter { $0.value.index < witnessed }
      for number in done.keys { state.waiters[number] = nil }
      return done.values.map(\.continuation)
    }
    for waiter in done { waiter.resume(returning: true) }
  }

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
          if Task.isCancelled || ContinuousClock.now >= deadline { return false }
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
