import Testing

@testable import Postgres

/// The pool's transitions, with numbers for connections and names for waiters.
struct PoolStateTests {
  private typealias State = PoolState<Int, String>

  private static func says(_ grant: PoolGrant<Int>?) -> String {
    switch grant {
    case nil: "wait"
    case .connection(let connection): "connection \(connection)"
    case .slot: "slot"
    }
  }

  private static func says(_ action: State.Return) -> String {
    switch action {
    case .none: "none"
    case .grant(let grant, let waiter): "\(says(grant)) to \(waiter)"
    case .close(let connection): "close \(connection)"
    }
  }

  private static func says(_ request: State.Request) -> String {
    switch request {
    case .granted(let grant): says(grant)
    case .parked: "parked"
    case .refused(let refusal): "\(refusal)"
    }
  }

  private static func full(_ size: Int = 1, waitersMax: Int = 10) -> State {
    var state = State(size: size, waitersMax: waitersMax)
    for _ in 0..<size { _ = state.tryAcquire() }
    return state
  }

  private static func park(_ waiter: String, _ state: inout State) -> String {
    let ticket = state.ticket()
    return says(state.park(waiter, ticket: ticket))
  }

  @Test func `connections open up to the size, then callers wait`() {
    var state = State(size: 2, waitersMax: 10)
    #expect(Self.says(state.tryAcquire()) == "slot")
    #expect(Self.says(state.tryAcquire()) == "slot")
    #expect(Self.says(state.tryAcquire()) == "wait")
  }

  @Test func `waiters are served in the order of their arrival, before newcomers`() {
    var state = Self.full()
    #expect(Self.park("ada", &state) == "parked")
    #expect(Self.park("ben", &state) == "parked")
    #expect(Self.says(state.giveBack(7)) == "connection 7 to ada")
    #expect(Self.says(state.tryAcquire()) == "wait")
    #expect(Self.says(state.giveBack(7)) == "connection 7 to ben")
    #expect(Self.says(state.giveBack(7)) == "none")
    #expect(Self.says(state.tryAcquire()) == "connection 7")
  }

  @Test func `a broken connection's slot goes to the next waiter`() {
    var state = Self.full()
    _ = Self.park("ada", &state)
    #expect(Self.says(state.freeSlot()) == "slot to ada")
    #expect(Self.says(state.freeSlot()) == "none")
    #expect(Self.says(state.tryAcquire()) == "slot")
  }

  @Test func `a waiter may leave at any moment`() {
    var state = Self.full()
    let early = state.ticket()
    #expect(state.cancel(ticket: early) == nil)
    #expect(Self.says(state.park("early", ticket: early)) == "canceled")

    let ada = state.ticket()
    _ = state.park("ada", ticket: ada)
    _ = Self.park("ben", &state)
    #expect(state.cancel(ticket: ada) == "ada")
    #expect(Self.says(state.giveBack(7)) == "connection 7 to ben")
    #expect(state.cancel(ticket: ada) == nil)
  }

  @Test func `a caller whose turn comes between asking and parking need not wait`() {
    var state = Self.full()
    #expect(Self.says(state.tryAcquire()) == "wait")
    let ticket = state.ticket()
    _ = state.giveBack(7)
    #expect(Self.says(state.park("ada", ticket: ticket)) == "connection 7")
  }

  @Test func `the line has an end`() {
    var state = Self.full(waitersMax: 1)
    #expect(Self.park("ada", &state) == "parked")
    #expect(Self.park("ben", &state) == "tooManyWaiters")
  }

  @Test func `shutdown refuses, sends waiters away and waits for what is lent`() {
    var state = Self.full(2)
    _ = state.giveBack(1)
    let (idle, none) = state.shutDown()
    #expect(idle == [1] && none.isEmpty)
    #expect(!state.isDrained)
    #expect(Self.park("ada", &state) == "shutDown")
    #expect(Self.says(state.giveBack(2)) == "close 2")
    #expect(state.isDrained)

    var waiting = Self.full()
    _ = Self.park("ada", &waiting)
    #expect(waiting.shutDown().waiters == ["ada"])
  }
}
