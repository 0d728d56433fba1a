/// The invocations and completions of the acknowledged operations that have not been placed, in real-time order: the doubly linked
/// list of Wing and Gong's algorithm, from which an operation is lifted when it is placed and put back when that was wrong.
struct PendingList {
  /// Twice the operation's number for its invocation, one more for its completion.
  private typealias Node = Int
  private var nextNode: [Node]
  private var previousNode: [Node]
  /// The node's index in the history.
  private let indices: [Int]
  private let anchor: Node

  init(_ operations: [HistoryOperation]) {
    indices = operations.flatMap { [$0.invocation.index, $0.completion?.index ?? .max] }
    anchor = indices.count
    nextNode = Array(repeating: anchor, count: indices.count + 1)
    previousNode = nextNode
    var last = anchor
    let indices = indices
    for node in indices.indices.sorted(by: { indices[$0] < indices[$1] }) {
      nextNode[last] = node
      previousNode[node] = last
      last = node
    }
    nextNode[last] = anchor
    previousNode[anchor] = last
  }

  var isEmpty: Bool { nextNode[anchor] == anchor }

  /// Calls `body` for each operation that may be next: it was invoked before any that has not been placed was complete.
  /// - Returns: the history's index before which an operation that may be next was invoked.
  func forEachCandidate(_ body: (Int) -> Void) -> Int {
    var node = nextNode[anchor]
    while node != anchor, node.isMultiple(of: 2) {
      body(node / 2)
      node = nextNode[node]
    }
    return node == anchor ? .max : indices[node]
  }

  mutating func lift(_ operation: Int) {
    for node in [2 * operation, 2 * operation + 1] {
      nextNode[previousNode[node]] = nextNode[node]
      previousNode[nextNode[node]] = previousNode[node]
    }
  }

  /// Undoes the last `lift` that has not been undone.
  mutating func putBack(_ operation: Int) {
    for node in [2 * operation + 1, 2 * operation] {
      nextNode[previousNode[node]] = node
      previousNode[nextNode[node]] = node
    }
  }
}
