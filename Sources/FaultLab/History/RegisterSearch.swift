/// Searches for an order of one register's operations that explains what its clients saw: the algorithm of Wing and Gong ("Testing
/// and verifying concurrent objects", 1993) as Lowe made it fast ("Testing for linearizability", 2017): a configuration, which is
/// the set of operations placed and the register's value, is searched only once.
///
/// Acknowledged operations must be placed, between their invocation and completion. Writes of unknown outcome may be, anywhere
/// after their invocation. What failed, and reads without an answer, say nothing and are left out.
struct RegisterSearch {
  enum Outcome {
    case found
    case none(DeadEnd)
    case statesExceeded
  }

  /// Where the search got farthest.
  struct DeadEnd {
    /// The operations placed, in order.
    let order: [HistoryOperation]
    let value: Int?
    /// What could have been next in real time, and does not fit the value.
    let blocked: [HistoryOperation]
  }

  private enum Choice {
    case acknowledged(Int)
    case unknown(Int)
  }

  private struct Configuration: Hashable {
    var placed = OperationSet()
    var value: Int?
  }

  /// A configuration on the path that is being searched.
  private struct Step {
    /// What led here; `nil` at the start.
    let choice: Choice?
    let configuration: Configuration
    let unknownPlaced: OperationSet
    let acknowledgedCount: Int
    var choices: ArraySlice<Choice>
  }

  private let acknowledged: [HistoryOperation]
  private let unknown: [HistoryOperation]
  private let reductions: SearchReductions
  private let statesMax: Int

  private var pending: PendingList
  private var path: [Step] = []
  /// The configurations seen, each with the sets of unknown operations that had been placed.
  private var seen: [Configuration: [OperationSet]] = [:]
  private var farthest: (acknowledgedCount: Int, end: DeadEnd)?
  /// How many configurations were searched.
  private(set) var stateCount = 0

  /// - Parameter operations: One key's, in the order of their invocations.
  init(_ operations: [HistoryOperation], reductions: SearchReductions, statesMax: Int) {
    acknowledged = operations.filter { $0.outcome == .ok }
    unknown = operations.filter { $0.outcome == .unknown && $0.action.sets != nil }
    pending = PendingList(acknowledged)
    self.reductions = reductions
    self.statesMax = statesMax
  }

  mutating func run() -> Outcome {
    enter(Configuration(), unknownPlaced: OperationSet(), by: nil)
    while var step = path.popLast() {
      if stateCount > statesMax { return .statesExceeded }
      if pending.isEmpty { return .found }
      if let choice = step.choices.popFirst() {
        path.append(step)
        place(choice, after: step)
      } else {
        noteDeadEnd(at: step)
        if case .acknowledged(let operation) = step.choice { pending.putBack(operation) }
      }
    }
    return .none(farthest?.end ?? DeadEnd(order: [], value: nil, blocked: []))
  }

  private mutating func place(_ choice: Choice, after step: Step) {
    var configuration = step.configuration
    var unknownPlaced = step.unknownPlaced
    guard let value = action(of: choice).applied(to: configuration.value) else { return }
    configuration.value = value
    switch choice {
    case .acknowledged(let operation): configuration.placed.insert(operation)
    case .unknown(let operation): unknownPlaced.insert(operation)
    }
    enter(configuration, unknownPlaced: unknownPlaced, by: choice)
  }

  /// Goes on to a configuration, unless it, or one that can do all that it can, was seen before.
  private mutating func enter(_ configuration: Configuration, unknownPlaced: OperationSet, by choice: Choice?) {
    var sets = seen[configuration] ?? []
    let dominates = reductions.contains(.fewerUnknownsSuffice)
    if sets.contains(where: { dominates ? $0.isSubset(of: unknownPlaced) : $0 == unknownPlaced }) { return }
    if dominates { sets.removeAll { unknownPlaced.isSubset(of: $0) } }
    sets.append(unknownPlaced)
    seen[configuration] = sets
    stateCount += 1

    var acknowledgedCount = path.last?.acknowledgedCount ?? 0
    if case .acknowledged(let operation) = choice {
      pending.lift(operation)
      acknowledgedCount += 1
    }
    path.append(
      Step(
        choice: choice, configuration: configuration, unknownPlaced: unknownPlaced, acknowledgedCount: acknowledgedCount,
        choices: choices(configuration.value, unknownPlaced)[...]))
  }

  /// What may be next and fits the register's value: acknowledged operations first.
  private func choices(_ value: Int?, _ unknownPlaced: OperationSet) -> [Choice] {
    var choices: [Choice] = []
    var observation: Choice?
    var needed: Set<Int?> = []
    let deadline = pending.forEachCandidate { number in
      let action = acknowledged[number].action
      if let value = action.needs { needed.insert(value) }
      guard action.applied(to: value) != nil else { return }
      choices.append(.acknowledged(number))
      if action.isObservation { observation = observation ?? .acknowledged(number) }
    }
    if reductions.contains(.observationsFirst), let observation { return [observation] }

    let available = unknown.indices.prefix { unknown[$0].invocation.index < deadline }.filter { !unknownPlaced.contains($0) }
    var tried: Set<RegisterAction> = []
    for number in available {
      let action = unknown[number].action
      guard let sets = action.sets, action.applied(to: value) != nil else { continue }
      if reductions.contains(.equalUnknownsInOrder), !tried.insert(action).inserted { continue }
      if reductions.contains(.unknownOnlyIfObserved) {
        let isNeeded = needed.contains(sets) || available.contains { $0 != number && unknown[$0].action.needs == .some(sets) }
        guard sets != value, isNeeded else { continue }
      }
      choices.append(.unknown(number))
    }
    return choices
  }

  /// A dead end with the most acknowledged operations placed. Every acknowledged operation that may be next there is blocked by
  /// the value: one that fits would have led to a configuration with more.
  private mutating func noteDeadEnd(at step: Step) {
    guard step.acknowledgedCount > farthest?.acknowledgedCount ?? -1 else { return }
    let order = (path + [step]).compactMap(\.choice).map(operation)
    var blocked: [HistoryOperation] = []
    _ = pending.forEachCandidate { blocked.append(acknowledged[$0]) }
    farthest = (step.acknowledgedCount, DeadEnd(order: order, value: step.configuration.value, blocked: blocked))
  }

  private func operation(_ choice: Choice) -> HistoryOperation {
    switch choice {
    case .acknowledged(let number): acknowledged[number]
    case .unknown(let number): unknown[number]
    }
  }

  private func action(of choice: Choice) -> RegisterAction { operation(choice).action }
}
