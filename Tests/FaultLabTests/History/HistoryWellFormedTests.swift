import Testing

@testable import FaultLab

@Suite struct HistoryWellFormedTests {
  private func event(
    _ index: Int, _ kind: HistoryEvent.Kind, _ process: Int, _ action: RegisterAction, key: String = "k", at time: Int? = nil
  ) -> HistoryEvent {
    HistoryEvent(index: index, kind: kind, process: process, key: key, action: action, nanoseconds: time ?? index)
  }

  private func problem(_ events: [HistoryEvent]) -> HistoryError? {
    do throws(HistoryError) {
      _ = try History(events)
      return nil
    } catch { return error }
  }

  @Test func `indices are dense, from 0`() {
    #expect(problem([event(1, .invoke, 0, .write(1))]) == HistoryError(line: 1, .indexNotDense(found: 1, expected: 0)))
    let twice = [event(0, .invoke, 0, .write(1)), event(0, .ok, 0, .write(1))]
    #expect(problem(twice) == HistoryError(line: 2, .indexNotDense(found: 0, expected: 1)))
  }

  @Test func `time stands still at most`() {
    let events = [event(0, .invoke, 0, .write(1), at: 5), event(1, .ok, 0, .write(1), at: 5)]
    #expect(problem(events) == nil)
    let back = [event(0, .invoke, 0, .write(1), at: 5), event(1, .ok, 0, .write(1), at: 4)]
    #expect(problem(back) == HistoryError(line: 2, .timeRunsBackwards(from: 5, to: 4)))
    #expect(problem([event(0, .invoke, 0, .write(1), at: -1)])?.problem == .timeRunsBackwards(from: 0, to: -1))
  }

  @Test func `a process has one operation open at most`() {
    let events = [event(0, .invoke, 0, .write(1)), event(1, .invoke, 0, .read(nil))]
    #expect(problem(events) == HistoryError(line: 2, .processIsBusy(process: 0, since: 0)))
  }

  @Test func `a process whose operation has an unknown outcome never acts again`() {
    let events = [event(0, .invoke, 0, .write(1)), event(1, .info, 0, .write(1))]
    for next in [event(2, .invoke, 0, .read(nil)), event(2, .ok, 0, .write(1))] {
      #expect(problem(events + [next]) == HistoryError(line: 3, .processHasEnded(process: 0, at: 1)))
    }
  }

  @Test(arguments: [HistoryEvent.Kind.ok, .fail, .info])
  func `only what is open can be completed`(kind: HistoryEvent.Kind) {
    #expect(problem([event(0, kind, 4, .write(1))]) == HistoryError(line: 1, .completesNothing(process: 4)))
    let twice = [event(0, .invoke, 0, .write(1)), event(1, .ok, 0, .write(1)), event(2, kind, 0, .write(1))]
    #expect(problem(twice) == HistoryError(line: 3, .completesNothing(process: 0)))
  }

  @Test func `a completion is of what was invoked`() {
    let mismatch = HistoryError(line: 2, .differsFromInvocation(process: 0, invoked: 0))
    let write = event(0, .invoke, 0, .write(1))
    let read = event(0, .invoke, 0, .read(nil))
    #expect(problem([write, event(1, .ok, 0, .write(2))]) == mismatch)
    #expect(problem([write, event(1, .ok, 0, .write(1), key: "other")]) == mismatch)
    #expect(problem([write, event(1, .ok, 0, .read(1))]) == mismatch)
    #expect(problem([write, event(1, .ok, 0, .compareAndSet(expected: nil, new: 1))]) == mismatch)
    #expect(problem([read, event(1, .fail, 0, .read(1))]) == mismatch, "only an acknowledged read has a value")
    #expect(problem([read, event(1, .info, 0, .read(1))]) == mismatch)
    #expect(problem([read, event(1, .ok, 0, .read(1))]) == nil)
  }

  @Test func `a read has no value before its answer`() {
    #expect(
      problem([event(0, .invoke, 0, .read(1))]) == HistoryError(line: 1, .differsFromInvocation(process: 0, invoked: 0)))
  }

  @Test func `a refused event leaves the history as it was`() throws {
    var history = try History([event(0, .invoke, 0, .write(1))])
    let before = history
    #expect(throws: HistoryError.self) { try history.append(event(1, .ok, 0, .write(2))) }
    #expect(history == before)
    try history.append(event(1, .ok, 0, .write(1)))
    #expect(history.operations.map(\.outcome) == [.ok])
  }
}
