import NIOCore
import Residency
import Synchronization

/// How all links are now, and what has gone over them.
final class LinkTable: Sendable {
  private struct State {
    var conditions: [LinkDirection: LinkCondition] = [:]
    var sentBytes: [LinkDirection: Int] = [:]
    var random: SeededGenerator
  }

  private let state: Mutex<State>

  /// - Parameter seed: of which pieces are lost.
  init(seed: UInt64) { state = Mutex(State(random: SeededGenerator(seed: seed))) }

  subscript(direction: LinkDirection) -> LinkCondition {
    get { state.withLock { $0.conditions[direction] ?? LinkCondition() } }
    set { state.withLock { $0.conditions[direction] = newValue } }
  }

  /// - Returns: how the link is, and whether it loses this piece once.
  func send(_ piece: LinkQueue.Piece, over direction: LinkDirection) -> (condition: LinkCondition, isLost: Bool) {
    state.withLock { state in
      let condition = state.conditions[direction] ?? LinkCondition()
      if case .bytes(let bytes) = piece { state.sentBytes[direction, default: 0] += bytes.readableBytes }
      guard condition.lossPerMille > 0 else { return (condition, false) }
      return (condition, Int.random(in: 0..<1_000, using: &state.random) < condition.lossPerMille)
    }
  }

  func sentBytes(over direction: LinkDirection) -> Int { state.withLock { $0.sentBytes[direction] ?? 0 } }
}
