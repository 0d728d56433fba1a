import Synchronization

/// Counts the calls at work: it bounds them, refuses more once the server stops, and lets a stopping server wait for the last one.
///
/// ```
/// serving -> stopping (each call that was let in before is finished, none is let in)
/// ```
final class CallRegistry: Sendable {
  enum Entry: Equatable { case entered, overloaded, stopping }

  private struct State {
    /// Handlers at work.
    var count = 0
    /// Calls that were let in and whose answer may not have left yet.
    var unanswered = 0
    var isStopping = false
    var waiters: [CheckedContinuation<Void, Never>] = []

    var isDrained: Bool { count == 0 && unanswered == 0 }

    /// - Returns: whom to wake.
    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
      guard isDrained else { return [] }
      defer { waiters = [] }
      return waiters
    }
  }
  private let state = Mutex(State())
  private let callsMax: Int

  init(callsMax: Int) {
    self.callsMax = callsMax
  }

  var count: Int { state.withLock { $0.count } }

  /// If the call is let in, `leave` and `answered` have to follow.
  func enter() -> Entry {
    state.withLock { state in
      if state.isStopping { return .stopping }
      guard state.count < callsMax else { return .overloaded }
      state.count += 1
      state.unanswered += 1
      return .entered
    }
  }

  /// For what has to be answered under load, and while the server stops too, such as a health check. `leave` has to follow.
  func enterUnbounded() {
    state.withLock { $0.count += 1 }
  }

  /// The handler is done.
  func leave() {
    wake { $0.count -= 1 }
  }

  /// The call's answer has left, or nobody is there to take it.
  func answered() {
    wake { $0.unanswered -= 1 }
  }

  /// From now on no call is let in.
  func stop() {
    state.withLock { $0.isStopping = true }
  }

  /// Returns once no handler is at work and no answer is on its way.
  func drained() async {
    await withCheckedContinuation { continuation in
      let isDrained = state.withLock { state in
        if !state.isDrained { state.waiters.append(continuation) }
        return state.isDrained
      }
      if isDrained { continuation.resume() }
    }
  }

  private func wake(after change: (inout State) -> Void) {
    let waiters = state.withLock { state in
      change(&state)
      return state.takeWaiters()
    }
    for waiter in waiters { waiter.resume() }
  }
}
