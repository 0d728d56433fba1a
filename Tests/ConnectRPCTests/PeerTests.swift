import Synchronization
import Testing

@testable import ConnectRPC

@Suite struct PeerTests {
  private final class Count: Sendable {
    private let number = Atomic(0)
    func add() { number.add(1, ordering: .relaxed) }
    var value: Int { number.load(ordering: .relaxed) }
  }

  @Test(arguments: [0, 1, 2]) func `a peer's going is told once, however often and whenever it shows`(goesBefore: Int) {
    let peer = Peer(certificates: [], isHTTP2: true)
    let told = Count()
    for _ in 0..<goesBefore { peer.markGone() }
    peer.onGone { told.add() }
    #expect(told.value == (goesBefore > 0 ? 1 : 0))
    // An error on a connection, then its end.
    peer.markGone()
    peer.markGone()
    #expect(told.value == 1)
  }

  @Test func `only the last action is called`() {
    let peer = Peer(certificates: [], isHTTP2: false)
    let first = Count()
    peer.onGone { first.add() }
    peer.onGone(nil)
    peer.markGone()
    #expect(first.value == 0)
  }
}
