@testable import FaultLab

/// Small histories of a register that sometimes lies: many of them are linearizable, many are not.
struct RandomHistory {
  var operationsMax = 7
  var processCount = 3
  var keys = ["k"]
  var valueCount = 3
  var unknownPercent = 20
  /// How often an answer is made up.
  var liePercent = 35

  func make(_ random: inout SeededRandom) throws -> History {
    var history = History()
    var values: [String: Int] = [:]
    // Whether the effect of a process's open operation has happened, and what it read.
    var open: [Int: (invocation: HistoryEvent, effect: RegisterAction?)] = [:]
    var processes = Array(0..<processCount)
    let target = 1 + random.below(operationsMax)

    func append(_ kind: HistoryEvent.Kind, _ process: Int, _ key: String, _ action: RegisterAction) throws -> HistoryEvent {
      let index = history.events.count
      let event = HistoryEvent(index: index, kind: kind, process: process, key: key, action: action, nanoseconds: index)
      try history.append(event)
      return event
    }

    while history.operations.count < target || (!open.isEmpty && random.chance(90)) {
      let slot = random.below(processes.count)
      let process = processes[slot]
      guard let (invocation, effect) = open[process] else {
        guard history.operations.count < target else { continue }
        let event = try append(.invoke, process, random.pick(keys), action(&random))
        open[process] = (event, nil)
        continue
      }
      let key = invocation.key
      guard let effect else {
        open[process]?.effect = happens(invocation.action, &values[key], &random)
        continue
      }
      open[process] = nil
      let lies = random.chance(liePercent)
      if random.chance(unknownPercent) {
        _ = try append(.info, process, key, invocation.action)
        processes[slot] = (processes.max() ?? 0) + 1
      } else if case .read = effect {
        _ = try append(.ok, process, key, lies ? .read(value(&random)) : effect)
      } else {
        let isDone = effect == invocation.action
        _ = try append(isDone != lies ? .ok : .fail, process, key, invocation.action)
      }
    }
    return history
  }

  /// - Returns: the action with what it read; another action where it was a compare-and-set that did not fit.
  private func happens(_ action: RegisterAction, _ value: inout Int?, _ random: inout SeededRandom) -> RegisterAction {
    switch action {
    case .read: return .read(value)
    case .write(let new): value = new
    case .compareAndSet(let expected, let new):
      guard value == expected else { return .write(value) }
      value = new
    }
    return action
  }

  private func value(_ random: inout SeededRandom) -> Int? {
    let value = random.below(valueCount + 1)
    return value == 0 ? nil : value
  }

  private func action(_ random: inout SeededRandom) -> RegisterAction {
    switch random.below(5) {
    case 0, 1: .read(nil)
    case 2, 3: .write(value(&random))
    default: .compareAndSet(expected: value(&random), new: value(&random))
    }
  }
}
