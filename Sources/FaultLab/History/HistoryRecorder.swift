import Synchronization

/// Records what concurrent clients ask of registers and are told.
///
/// A client calls ``invoke(process:key:_:)`` before it sends and ``complete(process:_:)`` after it has the answer. Each call has
/// its index under one lock, so that the order of indices is an order in real time: an operation that was complete before another
/// began has the lower ones.
package final class HistoryRecorder: Sendable {
  /// What became of an operation.
  package enum Completion: Hashable, Sendable {
    /// A write or compare-and-set took effect.
    case done
    /// A read returned this; `nil` where the key was absent.
    case value(Int?)
    /// It surely took no effect.
    case failed
    /// It may take effect, now or later. The process has ended: go on with ``newProcess()``.
    case unknown
  }

  private struct State: ~Copyable {
    var history = History()
    var file: HistoryFile?
    var failure: HistoryFile.Failure?
    var nextProcess = 0
    var isClosed = false
  }

  private let state: Mutex<State>
  private let elapsed: @Sendable () -> Duration

  /// - Parameters:
  ///   - file: Gets each event as it happens.
  ///   - elapsed: The time since the start of the run. Should it run backwards, the last time is recorded again.
  package init(file: consuming HistoryFile? = nil, elapsed: @escaping @Sendable () -> Duration) {
    state = Mutex(State(file: file))
    self.elapsed = elapsed
  }

  /// A number that no process has had.
  package func newProcess() -> Int {
    state.withLock { state in
      defer { state.nextProcess += 1 }
      return state.nextProcess
    }
  }

  /// An operation begins.
  /// - Parameter action: ``RegisterAction/read(_:)`` with `nil`: nothing has been read.
  /// - Throws: ``HistoryError`` where the process has an operation open or has ended.
  package func invoke(process: Int, key: String, _ action: RegisterAction) throws(HistoryError) {
    try state.withLock { (state) throws(HistoryError) in
      try record(.invoke, process, key, action, in: &state)
      state.nextProcess = max(state.nextProcess, process + 1)
    }
  }

  /// The process's open operation has ended, as far as the process is concerned.
  /// - Throws: ``HistoryError`` where there is none, or it cannot end so: a write that returns a value.
  package func complete(process: Int, _ completion: Completion) throws(HistoryError) {
    try state.withLock { (state) throws(HistoryError) in
      guard let invocation = state.history.openInvocation(of: process) else {
        throw HistoryError(line: state.history.events.count + 1, .completesNothing(process: process))
      }
      let (kind, action): (HistoryEvent.Kind, RegisterAction) =
        switch (completion, invocation.action) {
        case (.value(let value), .read): (.ok, .read(value))
        case (.done, .write), (.done, .compareAndSet): (.ok, invocation.action)
        case (.failed, _): (.fail, invocation.action)
        case (.unknown, _): (.info, invocation.action)
        case (.value, _), (.done, .read):
          throw HistoryError(
            line: state.history.events.count + 1, .differsFromInvocation(process: process, invoked: invocation.index))
        }
      try record(kind, process, invocation.key, action, in: &state)
    }
  }

  /// What has been recorded so far. An operation that is open counts as one whose outcome is unknown.
  package var history: History { state.withLock { $0.history } }

  /// Closes the file. Nothing can be recorded any more.
  /// - Throws: ``HistoryFile/Failure`` where the file lacks an event; ``history`` has it.
  package func finish() throws(HistoryFile.Failure) -> History {
    try state.withLock { (state) throws(HistoryFile.Failure) in
      state.isClosed = true
      state.file = nil
      if let failure = state.failure { throw failure }
      return state.history
    }
  }

  private func record(
    _ kind: HistoryEvent.Kind, _ process: Int, _ key: String, _ action: RegisterAction, in state: inout State
  ) throws(HistoryError) {
    let count = state.history.events.count
    guard !state.isClosed else { throw HistoryError(line: count + 1, .recordingHasEnded) }
    let time = max(state.history.events.last?.nanoseconds ?? 0, elapsed().wholeNanoseconds)
    let event = HistoryEvent(index: count, kind: kind, process: process, key: key, action: action, nanoseconds: time)
    try state.history.append(event)
    guard state.failure == nil else { return }
    do throws(HistoryFile.Failure) {
      try state.file?.append(event.jsonLine)
    } catch {
      state.failure = error
    }
  }
}

extension Duration {
  fileprivate var wholeNanoseconds: Int {
    Int(components.seconds) * 1_000_000_000 + Int(components.attoseconds / 1_000_000_000)
  }
}
