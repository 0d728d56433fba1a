import Synchronization

/// The work that a connection asked for, on its thread.
final class ConnectionTasks: Sendable {
  private struct State {
    var tasks: [UInt64: Task<Void, Never>] = [:]
    var begun: UInt64 = 0
    var isCancelled = false
    var isQuiescing = false
    var whenEnded: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())
  private let executor: any TaskExecutor

  init(on executor: any TaskExecutor) { self.executor = executor }

  func start(_ work: @escaping @Sendable () async -> Void) {
    state.withLock { state in
      let number = state.begun
      state.begun += 1
      let task = Task(executorPreference: executor) {
        await work()
        self.end(number)
      }
      state.tasks[number] = task
      if state.isCancelled { task.cancel() }
    }
  }

  /// The server stops: nothing more begins on the connection but what the peer sent before it heard.
  func quiesce() { state.withLock { $0.isQuiescing = true } }
  var isQuiescing: Bool { state.withLock { $0.isQuiescing } }

  /// Cancels what is at work, and what is started later.
  /// - Parameter action: called once nothing is at work.
  func cancel(then action: @escaping @Sendable () -> Void) {
    let tasks = state.withLock { state in
      state.isCancelled = true
      return Array(state.tasks.values)
    }
    for task in tasks { task.cancel() }
    whenEnded(action)
  }

  /// Returns when nothing is at work.
  func ended() async {
    await withCheckedContinuation { waiter in whenEnded { waiter.resume() } }
  }

  /// - Parameter action: called once nothing is at work.
  func whenEnded(_ action: @escaping @Sendable () -> Void) {
    let isIdle = state.withLock { state in
      if !state.tasks.isEmpty { state.whenEnded.append(action) }
      return state.tasks.isEmpty
    }
    if isIdle { action() }
  }

  private func end(_ number: UInt64) {
    let actions = state.withLock { state in
      state.tasks[number] = nil
      guard state.tasks.isEmpty else { return [@Sendable () -> Void]() }
      defer { state.whenEnded = [] }
      return state.whenEnded
    }
    for action in actions { action() }
  }
}
