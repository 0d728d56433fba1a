import Testing

@testable import FaultLab

@Suite struct AvailabilityTests {
  /// Each operation: what it is, when it began and ended, and how. Times in seconds.
  private func history(
    _ operations: [(action: RegisterAction, from: Int, to: Int, completion: HistoryRecorder.Completion)]
  ) throws -> History {
    var events: [(time: Int, kind: HistoryEvent.Kind, process: Int, action: RegisterAction)] = []
    for (process, operation) in operations.enumerated() {
      let (kind, action): (HistoryEvent.Kind, RegisterAction) =
        switch operation.completion {
        case .done: (.ok, operation.action)
        case .value(let value): (.ok, .read(value))
        case .failed: (.fail, operation.action)
        case .unknown: (.info, operation.action)
        }
      events.append((operation.from, .invoke, process, operation.action))
      events.append((operation.to, kind, process, action))
    }
    let ordered = events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    return try History(
      ordered.enumerated().map { index, event in
        HistoryEvent(
          index: index, kind: event.kind, process: event.process, key: "k", action: event.action,
          nanoseconds: event.time * 1_000_000_000)
      })
  }

  private func seconds(_ range: ClosedRange<Int>) -> ClosedRange<Int> {
    range.lowerBound * 1_000_000_000...range.upperBound * 1_000_000_000
  }

  @Test func `the longest gap lies between two acknowledgements of the same kind`() throws {
    let history = try history([
      (.write(1), 0, 1, .done), (.read(nil), 1, 2, .value(1)), (.write(2), 2, 3, .failed), (.write(3), 3, 5, .unknown),
      (.compareAndSet(expected: 1, new: 4), 7, 9, .done), (.read(nil), 9, 10, .failed),
    ])
    let availability = Availability(history, in: seconds(0...10))
    #expect(availability.longestWithoutWrite == .seconds(8), "what failed or is unknown acknowledges nothing")
    #expect(availability.longestWithoutRead == .seconds(8), "from the read to the end")
  }

  @Test func `what was never served was away for the whole period`() throws {
    let availability = Availability(try history([(.write(1), 0, 1, .done)]), in: seconds(2...10))
    #expect(availability.longestWithoutWrite == .seconds(8))
    #expect(availability.longestWithoutRead == .seconds(8))
  }

  @Test func `only what began and ended while a fault was in force was acknowledged in it`() throws {
    let history = try history([
      (.write(1), 1, 4, .done), (.read(nil), 4, 5, .value(1)), (.write(2), 5, 9, .done), (.write(3), 6, 7, .unknown),
    ])
    #expect(Availability.acknowledgedCount(history, within: seconds(3...8)) == 1)
    #expect(Availability.acknowledgedCount(history, within: seconds(6...8)) == 0)
  }
}
