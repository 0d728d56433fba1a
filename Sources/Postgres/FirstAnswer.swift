import Synchronization

/// A value that several parties may give: the first one counts, for all who await it.
final class FirstAnswer<Value: Sendable>: Sendable {
  private enum State {
    case open([CheckedContinuation<Value, Never>])
    case given(Value)
  }

  private let state = Mutex(State.open([]))

  func give(_ value: Value) {
    let waiting = state.withLock { state -> [CheckedContinuation<Value, Never>] in
      guard case .open(let waiting) = state else { return [] }
      state = .given(value)
      return waiting
    }
    for continuation in waiting { continuation.resume(returning: value) }
  }

  var value: Value {
    get async {
      await withCheckedContinuation { continuation in
        let given = state.withLock { state -> Value? in
          switch state {
          case .given(let value): return value
          case .open(let waiting):
            state = .open(waiting + [continuation])
            return nil
          }
        }
        if let given { continuation.resume(returning: given) }
      }
    }
  }
}
