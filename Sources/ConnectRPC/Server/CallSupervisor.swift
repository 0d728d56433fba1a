import Synchronization

/// Ends the work of one call early: at its deadline, when its caller is gone, or when the server is stopped.
///
/// ```
/// idle -> working | ended        working -> idle (done) | ended
/// ```
final class CallSupervisor: Sendable {
  enum End: Error { case deadline, peerGone, serverStopped }

  private enum State {
    case idle
    case working(stop: @Sendable (End) -> Void)
    case ended(End)
  }
  private let state = Mutex(State.idle)
  private let executor: any TaskExecutor

  /// - Parameter executor: where the work runs.
  init(on executor: any TaskExecutor) { self.executor = executor }

  var end: End? {
    state.withLock { if case .ended(let end) = $0 { end } else { nil } }
  }

  /// Stops the work; only the first end counts.
  func end(_ end: End) {
    let stop = state.withLock { state -> (@Sendable (End) -> Void)? in
      switch state {
      case .ended:
        return nil
      case .idle:
        state = .ended(end)
        return nil
      case .working(let stop):
        state = .ended(end)
        return stop
      }
    }
    stop?(end)
  }

  /// Runs work that ends soon after it is cancelled, and waits for that.
  ///
  /// - Throws: ``End`` where the call ended, even if the work was done.
  func waitingForEnd<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    // At once, on this thread: most messages are here already, and need nobody else's time.
    let task = Task.immediate(executorPreference: executor) { try await work() }
    let result = await supervised(stop: { _ in task.cancel() }) { await task.result }
    if let end { throw end }
    return try result.get()
  }

  /// Runs work that may ignore its cancellation, and does not wait for it once the call ended.
  ///
  /// - Parameter finally: called once, when the work is over, which may be after the return; also where it never began.
  /// - Throws: ``End`` where the call ended first.
  func answeringAtEnd<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value, finally: @escaping @Sendable () -> Void
  ) async throws -> Value {
    if let end {
      finally()
      throw end
    }
    let gate = Gate<Value>()
    let task = Task.immediate(executorPreference: executor) {
      defer { finally() }
      do {
        gate.open(.success(try await work()))
      } catch {
        gate.open(.failure(error))
      }
    }
    let stop: @Sendable (End) -> Void = { end in
      gate.open(.failure(end))
      task.cancel()
    }
    return try await supervised(stop: stop) { await gate.result() }.get()
  }

  private func supervised<Value: Sendable>(
    stop: @escaping @Sendable (End) -> Void, _ wait: () async -> Value
  ) async -> Value {
    let earlier = state.withLock { state -> End? in
      if case .ended(let end) = state { return end }
      state = .working(stop: stop)
      return nil
    }
    if let earlier { stop(earlier) }
    let value = await withTaskCancellationHandler(operation: wait) { self.end(.serverStopped) }
    state.withLock { if case .working = $0 { $0 = .idle } }
    return value
  }
}

/// A result for one waiter; only the first counts.
private final class Gate<Value: Sendable>: Sendable {
  private enum State {
    case empty
    case waiting(CheckedContinuation<Result<Value, any Error>, Never>)
    case open(Result<Value, any Error>)
  }
  private let state = Mutex(State.empty)

  func open(_ result: Result<Value, any Error>) {
    let waiter = state.withLock { state -> CheckedContinuation<Result<Value, any Error>, Never>? in
      switch state {
      case .open: return nil
      case .empty:
        state = .open(result)
        return nil
      case .waiting(let waiter):
        state = .open(result)
        return waiter
      }
    }
    waiter?.resume(returning: result)
  }

  func result() async -> Result<Value, any Error> {
    await withCheckedContinuation { continuation in
      let result = state.withLock { state -> Result<Value, any Error>? in
        if case .open(let result) = state { return result }
        state = .waiting(continuation)
        return nil
      }
      if let result { continuation.resume(returning: result) }
    }
  }
}
