import Directory
import Residency

/// One region: tables that survive a crash, and drivers that do not.
struct SimulatedRegion {
  struct Peer {
    var driver: PullDriver
    var bell = Doorbell()
    /// The call whose answer is awaited.
    var call: Int?
    /// Counts timers: only the last one set fires.
    var timer = 0
  }

  var store: SimulatedStore
  var peers: [Int: Peer] = [:]
  var isUp = true
  /// It takes nobody in any more, and moves whoever is at home here.
  var isDraining = false
  /// What everybody held when they heard that it leaves: after that nobody moves anyone here.
  var drainsAfter = VersionVector()
  /// It left, or burned down.
  var isGone = false
  var retired: Set<RegionOrdinal> = []
  /// Counts starts: what was under way before a crash does not come back.
  var session = 0
  var backup: SimulatedStore?
  /// Hours off, in milliseconds: time stamps must not matter.
  let clockSkew: UInt64
  var clock = HybridTimestamp(milliseconds: 0)

  static let catalog = CatalogRevision(number: 1, hash: "5eed")

  init(store: SimulatedStore, clockSkew: UInt64) {
    self.store = store
    self.clockSkew = clockSkew
  }

  var hello: PeerHello {
    PeerHello(
      region: store.region, incarnation: store.incarnation, catalogRevision: Self.catalog, vector: store.vector,
      misled: store.misled)
  }

  mutating func timestamp(now: Int) -> HybridTimestamp {
    clock = clock.advanced(wallClock: clockSkew + UInt64(now))
    return clock
  }
}
