@testable import FaultLab

/// Linearizability by its definition, for small histories: tries every choice of the operations of unknown outcome, and every
/// order of the chosen that respects real time, and replays each from its start. It shares no rule with the checker, and knows
/// nothing of keys being separate.
struct ReferenceChecker {
  private let acknowledged: [HistoryOperation]
  private let unknown: [HistoryOperation]

  init(_ history: History) {
    acknowledged = history.operations.filter { $0.completion?.kind == .ok }
    unknown = history.operations.filter { $0.completion == nil || $0.completion?.kind == .info }
  }

  var isLinearizable: Bool {
    (0..<(1 << unknown.count)).contains { choice in
      let chosen = unknown.indices.filter { choice & (1 << $0) != 0 }.map { unknown[$0] }
      return extend([], by: acknowledged + chosen)
    }
  }

  private func extend(_ order: [HistoryOperation], by rest: [HistoryOperation]) -> Bool {
    if rest.isEmpty { return Self.replays(order) }
    return rest.indices.contains { next in
      guard !rest.contains(where: { Self.precedes($0, rest[next]) }) else { return false }
      var others = rest
      others.remove(at: next)
      return extend(order + [rest[next]], by: others)
    }
  }

  private static func precedes(_ a: HistoryOperation, _ b: HistoryOperation) -> Bool {
    guard let end = a.completion, end.kind == .ok else { return false }
    return end.index < b.invocation.index
  }

  private static func replays(_ order: [HistoryOperation]) -> Bool {
    var values: [String: Int] = [:]
    for operation in order {
      switch operation.completion?.kind == .ok ? operation.completion?.action : operation.invocation.action {
      case .read(let value):
        // One of unknown outcome returned something, and nobody knows what.
        if operation.completion?.kind == .ok, values[operation.key] != value { return false }
      case .write(let new): values[operation.key] = new
      case .compareAndSet(let expected, let new):
        if values[operation.key] != expected { return false }
        values[operation.key] = new
      case nil: return false
      }
    }
    return true
  }
}
