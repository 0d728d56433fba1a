/// A well-formed history: what clients asked of registers and what they were told. Only well-formed histories have this type.
///
/// A process is idle, has one operation open, or has ended; the last where it does not know what became of its operation:
/// ```
/// idle -> open (invoke);  open -> idle (ok, fail);  open -> ended (info)
/// ```
package struct History: Hashable, Sendable {
  package private(set) var events: [HistoryEvent] = []
  /// In the order of their invocations.
  package private(set) var operations: [HistoryOperation] = []
  private var processes: [Int: ProcessState] = [:]

  private enum ProcessState: Hashable {
    /// With the operation's place in `operations`.
    case open(Int)
    case ended(index: Int)
  }

  /// An empty history.
  package init() {}

  package init(_ events: some Sequence<HistoryEvent>) throws(HistoryError) {
    for event in events { try append(event) }
  }

  /// Reads JSON Lines. The last line needs no newline.
  package init(parsing text: some Sequence<UInt8>) throws(HistoryError) {
    var lines = Array(text).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    for (number, line) in lines.enumerated() {
      try append(HistoryEvent(parsing: line, line: number + 1))
    }
  }

  /// The history as JSON Lines, each with its newline.
  package var jsonLines: String { events.map { $0.jsonLine + "\n" }.joined() }

  /// Goes on by one event.
  /// - Throws: ``HistoryError`` where the history would not be well-formed; it is then as it was.
  package mutating func append(_ event: HistoryEvent) throws(HistoryError) {
    do throws(HistoryError.Problem) {
      try admit(event)
    } catch {
      throw HistoryError(line: events.count + 1, error)
    }
    events.append(event)
  }

  private mutating func admit(_ event: HistoryEvent) throws(HistoryError.Problem) {
    guard event.index == events.count else { throw .indexNotDense(found: event.index, expected: events.count) }
    let before = events.last?.nanoseconds ?? 0
    guard event.nanoseconds >= before else { throw .timeRunsBackwards(from: before, to: event.nanoseconds) }
    switch (event.kind, processes[event.process]) {
    case (_, .ended(let index)): throw .processHasEnded(process: event.process, at: index)
    case (.invoke, .open(let position)):
      throw .processIsBusy(process: event.process, since: operations[position].invocation.index)
    case (.invoke, nil):
      if case .read(.some) = event.action { throw .differsFromInvocation(process: event.process, invoked: event.index) }
      processes[event.process] = .open(operations.count)
      operations.append(HistoryOperation(invocation: event, completion: nil))
    case (.ok, nil), (.fail, nil), (.info, nil): throw .completesNothing(process: event.process)
    case (.ok, .open(let position)), (.fail, .open(let position)), (.info, .open(let position)):
      let invocation = operations[position].invocation
      guard event.completes(invocation) else {
        throw .differsFromInvocation(process: event.process, invoked: invocation.index)
      }
      operations[position].completion = event
      processes[event.process] = event.kind == .info ? .ended(index: event.index) : nil
    }
  }

  /// What a process has open.
  func openInvocation(of process: Int) -> HistoryEvent? {
    guard case .open(let position) = processes[process] else { return nil }
    return operations[position].invocation
  }
}

extension HistoryEvent {
  fileprivate func completes(_ invocation: HistoryEvent) -> Bool {
    guard key == invocation.key else { return false }
    if kind == .ok, case .read = action, case .read = invocation.action { return true }
    return action == invocation.action
  }
}
