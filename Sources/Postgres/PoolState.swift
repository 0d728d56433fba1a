/// A caller's turn.
enum PoolGrant<Connection: Sendable>: Sendable {
  case connection(Connection)
  /// A free slot: open a connection in it.
  case slot
}

/// The pool's bookkeeping: who has a connection, who waits. No I/O: each transition returns what is to be done.
///
/// A slot is free, connecting, idle or leased. It can transition
/// - free → connecting (a caller came and none was idle),
/// - connecting → leased (it connected) or → free (it failed; the next waiter may try),
/// - leased → idle (returned, nobody waits), → leased (handed to the next waiter) or → free (returned broken),
/// - idle → leased, or → free at shutdown.
/// Shutdown is final: idle connections close at once, leased ones when they return.
struct PoolState<Connection: Sendable, Waiter: Sendable>: Sendable {
  typealias Grant = PoolGrant<Connection>

  enum Refusal: Sendable { case shutDown, tooManyWaiters, canceled }

  enum Request {
    case granted(Grant)
    case parked
    case refused(Refusal)
  }

  enum Return {
    case none
    case grant(Grant, to: Waiter)
    case close(Connection)
  }

  private let size: Int
  private let waitersMax: Int
  /// The last one used is used first, so that few stay warm.
  private var idle: [Connection] = []
  /// Connecting or leased.
  private(set) var busy = 0
  /// In the order of their arrival.
  private var waiting: [(ticket: UInt64, waiter: Waiter)] = []
  /// Handed out and not parked yet; `true` once canceled.
  private var tickets: [UInt64: Bool] = [:]
  private var nextTicket: UInt64 = 0
  private(set) var isShutDown = false

  init(size: Int, waitersMax: Int) {
    self.size = size
    self.waitersMax = waitersMax
  }

  var isDrained: Bool { isShutDown && busy == 0 }
  var waiterCount: Int { waiting.count }

  /// What a caller parks with and cancels by.
  mutating func ticket() -> UInt64 {
    defer { nextTicket += 1 }
    tickets[nextTicket] = false
    return nextTicket
  }

  /// - Returns: A grant, where there is one without waiting; `nil` means wait in line.
  mutating func tryAcquire() -> Grant? {
    guard !isShutDown, waiting.isEmpty else { return nil }
    if let connection = idle.popLast() {
      busy += 1
      return .connection(connection)
    }
    guard busy < size else { return nil }
    busy += 1
    return .slot
  }

  mutating func park(_ waiter: Waiter, ticket: UInt64) -> Request {
    if tickets.removeValue(forKey: ticket) == true { return .refused(.canceled) }
    guard !isShutDown else { return .refused(.shutDown) }
    if let grant = tryAcquire() { return .granted(grant) }
    guard waiting.count < waitersMax else { return .refused(.tooManyWaiters) }
    waiting.append((ticket, waiter))
    return .parked
  }

  /// - Returns: The waiter to send away, unless its turn came first.
  mutating func cancel(ticket: UInt64) -> Waiter? {
    if let place = waiting.firstIndex(where: { $0.ticket == ticket }) { return waiting.remove(at: place).waiter }
    if tickets[ticket] != nil { tickets[ticket] = true }
    return nil
  }

  mutating func giveBack(_ connection: Connection) -> Return {
    if isShutDown {
      busy -= 1
      return .close(connection)
    }
    if let waiter = nextWaiter() { return .grant(.connection(connection), to: waiter) }
    busy -= 1
    idle.append(connection)
    return .none
  }

  /// The connection broke, or could not be opened.
  mutating func freeSlot() -> Return {
    if !isShutDown, let waiter = nextWaiter() { return .grant(.slot, to: waiter) }
    busy -= 1
    return .none
  }

  mutating func shutDown() -> (idle: [Connection], waiters: [Waiter]) {
    isShutDown = true
    defer {
      idle = []
      waiting = []
    }
    return (idle, waiting.map(\.waiter))
  }

  private mutating func nextWaiter() -> Waiter? {
    waiting.isEmpty ? nil : waiting.removeFirst().waiter
  }
}
