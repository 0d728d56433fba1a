import Synchronization

/// How a connection was left by its last call, readable from any thread.
final class ConnectionStanding: Sendable {
  enum Transaction: UInt8, Sendable {
    case none, open, failed
    /// Closed or lost.
    case unknown
  }

  private let state = Atomic(Transaction.unknown.rawValue)
  private let socket = Atomic<Int32>(-1)

  func set(_ transaction: Transaction, socket descriptor: Int32) {
    socket.store(descriptor, ordering: .relaxed)
    state.store(transaction.rawValue, ordering: .releasing)
  }

  var transaction: Transaction { Transaction(rawValue: state.load(ordering: .acquiring)) ?? .unknown }

  /// Whether something came while nothing was under way: most often the connection's end. Asked only by whoever has the
  /// connection to itself, so that the socket cannot be closed meanwhile.
  var hasUnreadInput: Bool {
    let descriptor = socket.load(ordering: .relaxed)
    return descriptor < 0 || SocketWait.isReadable(descriptor)
  }
}
