@testable import FaultLab

/// Registers that many clients use at once over a slow network, and that are linearizable by construction: each operation happens
/// at one moment between its invocation and its answer. One of unknown outcome happens at any later time, or never.
struct SimulatedRegisters {
  var operationCount = 1_000
  var keyCount = 1
  var clientCount = 8
  var unknownCount = 0
  /// `nil`: every write has a value of its own.
  var valueCount: Int?
  var failPercent = 3

  private enum Moment { case invoke, effect, answer }

  private struct Plan {
    let operation: Int
    let client: Int
    let moment: Moment
    let time: Int
  }

  private struct Progress {
    var process = 0
    var key = ""
    var invoked = RegisterAction.read(nil)
    /// With what was read; `nil` until it happens, and for a compare-and-set that did not fit.
    var done: RegisterAction?
  }

  func history(seed: UInt64) throws -> History {
    var random = SeededRandom(seed: seed)
    var history = History()
    let unknown = Set((0..<operationCount).shuffled(using: &random).prefix(unknownCount))
    var processes = Array(0..<clientCount)
    var nextProcess = clientCount
    var values: [String: Int] = [:]
    var progress = Array(repeating: Progress(), count: operationCount)

    for plan in plans(unknown, &random) {
      var state = progress[plan.operation]
      var kind: HistoryEvent.Kind?
      switch plan.moment {
      case .invoke:
        let key = "k\(random.below(keyCount))"
        let action = action(number: plan.operation, current: values[key], &random)
        state = Progress(process: processes[plan.client], key: key, invoked: action)
        kind = .invoke
      case .effect:
        let failed = !unknown.contains(plan.operation) && random.chance(failPercent)
        if !failed, let after = after(state.invoked, values[state.key]) {
          state.done = if case .read = state.invoked { .read(values[state.key]) } else { state.invoked }
          values[state.key] = after
        }
      case .answer where unknown.contains(plan.operation):
        kind = .info
        processes[plan.client] = nextProcess
        nextProcess += 1
      case .answer: kind = state.done == nil ? .fail : .ok
      }
      progress[plan.operation] = state
      guard let kind else { continue }
      try history.append(
        HistoryEvent(
          index: history.events.count, kind: kind, process: state.process, key: state.key,
          action: kind == .ok ? state.done ?? state.invoked : state.invoked, nanoseconds: plan.time))
    }
    return history
  }

  /// When things happen, in order of time: it does not depend on what the registers hold.
  private func plans(_ unknown: Set<Int>, _ random: inout SeededRandom) -> [Plan] {
    var plans: [Plan] = []
    var times = Array(repeating: 0, count: clientCount)
    for operation in 0..<operationCount {
      let client = times.indices.min { times[$0] < times[$1] } ?? 0
      let invoked = times[client] + 1 + random.below(500)
      var effect = invoked + 1 + random.below(1_000)
      let answered = effect + 1 + random.below(random.chance(2) ? 20_000 : 1_000)
      plans.append(Plan(operation: operation, client: client, moment: .invoke, time: invoked))
      if unknown.contains(operation) { effect = invoked + 1 + random.below(random.chance(50) ? 1_000 : 1_000_000) }
      if !unknown.contains(operation) || random.chance(70) {
        plans.append(Plan(operation: operation, client: client, moment: .effect, time: effect))
      }
      plans.append(Plan(operation: operation, client: client, moment: .answer, time: answered))
      times[client] = answered
    }
    return plans.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
  }

  private func action(number: Int, current: Int?, _ random: inout SeededRandom) -> RegisterAction {
    let new = valueCount.map { random.below($0) } ?? number
    switch random.below(10) {
    case 0..<5: return .read(nil)
    case 5..<8: return .write(random.chance(5) ? nil : new)
    default: return .compareAndSet(expected: random.chance(80) ? current : new, new: new + (valueCount == nil ? 1_000_000 : 0))
    }
  }

  private func after(_ action: RegisterAction, _ value: Int?) -> Int?? {
    switch action {
    case .read: .some(value)
    case .write(let new): .some(new)
    case .compareAndSet(let expected, let new): value == expected ? .some(new) : nil
    }
  }
}

extension History {
  /// The same history, in which one acknowledged read returned another value that its key has had.
  /// - Returns: `nil` where there is no such read or value.
  func withOneReadChanged(_ random: inout SeededRandom) throws -> History? {
    let reads = operations.filter { if case .read = $0.action { $0.outcome == .ok } else { false } }
    guard !reads.isEmpty else { return nil }
    let read = random.pick(reads)
    let others = operations.filter { $0.key == read.key && $0.outcome == .ok }.compactMap(\.action.sets)
      .filter { RegisterAction.read($0) != read.action }
    guard !others.isEmpty, let completion = read.completion else { return nil }
    var events = events
    events[completion.index] = HistoryEvent(
      index: completion.index, kind: .ok, process: read.process, key: read.key, action: .read(random.pick(others)),
      nanoseconds: completion.nanoseconds)
    return try History(events)
  }
}
