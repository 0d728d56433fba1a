import Synchronization

/// Counts the handlers at work: it bounds them, and lets a stopping server wait for the last one.
final class CallRegistry: Sendable {
  private struct State {
    var count = 0
    var waiters: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())
  private let callsMax: Int

  init(callsMax: Int) {
    self.callsMax = callsMax
  }

  var count: Int { state.withLock { $0.count } }

  /// - Returns: whether there was room. If so, `leave` has to follow.
  func enter() -> Bool {
    state.withLock { state in
      guard state.count < callsMax else { return false }
      state.count += 1
      return true
    }
  }

  /// For what has to be answered under load too, such as a health check.
  func enterUnbounded() {
    state.withLock { $0.count += 1 }
  }

  func leave() {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.count -= 1
      guard state.count == 0 else { return [] }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns once no handler is at work.
  func drained() async {
    await withCheckedContinuation { continuation in
      let isIdle = state.withLock { state in
        if state.count > 0 { state.waiters.append(continuation) }
        return state.count == 0
      }
      if isIdle { continuation.resume() }
    }
  }
}
