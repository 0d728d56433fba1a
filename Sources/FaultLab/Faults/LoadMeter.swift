import Synchronization

/// What the clients of a running load have been told so far: shared by all of them, and by whoever waits for something to happen.
final class LoadMeter: Sendable {
  struct Counts: Sendable {
    var reads = 0
    var writes = 0
    /// Writes whose outcome was unknown until a repeat with the same request id told it.
    var settled = 0
    /// Refusals and unknown outcomes by their reason.
    var reasons: [String: Int] = [:]
  }

  private struct State {
    var counts = Counts()
    var ledger = VersionLedger()
    var nextValue = 1
  }

  private let state = Mutex(State())

  var counts: Counts { state.withLock { $0.counts } }
  var ledger: VersionLedger { state.withLock { $0.ledger } }

  /// A value that no other write of the load has.
  func newValue() -> Int {
    state.withLock { state in
      defer { state.nextValue += 1 }
      return state.nextValue
    }
  }

  func noteRead(_ read: RegisterState, of key: RegisterKey) {
    state.withLock { state in
      state.counts.reads += 1
      state.ledger.note(read, of: key.name, isWrite: false)
    }
  }

  func noteWrite(_ written: RegisterState, of key: RegisterKey, settled: Bool) {
    state.withLock { state in
      state.counts.writes += 1
      if settled { state.counts.settled += 1 }
      state.ledger.note(written, of: key.name, isWrite: true)
    }
  }

  /// A write of unknown outcome is known not to have stood, and never will: the version has moved on.
  func noteSettled() { state.withLock { $0.counts.settled += 1 } }

  func noteFailure(_ reason: String) { state.withLock { $0.counts.reasons[reason, default: 0] += 1 } }
}
