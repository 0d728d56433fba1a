import Directory
import Residency

// MARK: Starting and stopping

extension SimulatedWorld {
  mutating func start(_ index: Int) {
    regions[index].session += 1
    regions[index].isUp = true
    regions[index].peers = [:]
    for peer in regions.indices where peer != index && !regions[peer].isGone { meet(index, peer) }
  }

  private mutating func meet(_ index: Int, _ peer: Int) {
    var configuration = PullDriver.Configuration()
    configuration.tagsMax = 7
    configuration.snapshotAfter = .seconds(3)
    let driver = PullDriver(
      own: regions[index].store.own, peer: regions[peer].store.region, catalogRevision: SimulatedRegion.catalog,
      configuration: configuration)
    regions[index].peers[peer] = SimulatedRegion.Peer(driver: driver)
    tell(index, peer, .started(local: regions[index].store.vector))
  }

  mutating func restart(_ index: Int, fromBackup: Bool) {
    guard !regions[index].isGone else { return }
    if fromBackup, let backup = regions[index].backup {
      tell { world in
        "region \(index + 1) is set back from \(world.regions[index].store.vector.json.canonicalText) to \(backup.vector.json.canonicalText)"
      }
      checker.historyIsLost(of: regions[index].store, backTo: backup, others: regions.map(\.store))
      regions[index].store = backup
      if !scenario.restoresUnnoticed { _ = regions[index].store.restartHistory(after: backup.incarnation) }
    } else if regions[index].isUp {
      return
    }
    start(index)
  }
}

// MARK: Members

extension SimulatedWorld {
  /// A region that was not there comes in, empty.
  mutating func join() throws {
    let index = regions.count
    try addRegion(index + 1)
    network.regionCount = regions.count
    scheduleClients(index, from: now)
    start(index)
    for other in regions.indices where other != index && regions[other].isUp { meet(other, index) }
  }

  mutating func drain(_ index: Int) {
    regions[index].isDraining = true
    for region in regions { regions[index].drainsAfter.join(region.store.vector) }
  }

  /// Once nobody is at home there any more, and all others have everything that it wrote, it goes.
  mutating func leaveWhenDrained(_ index: Int) {
    let store = regions[index].store
    let isHome = store.sets.values.contains { set in
      set.placements.contains { $0.home == store.region && $0.state != .erased }
    }
    let others = regions.indices.filter { $0 != index && !regions[$0].isGone }
    guard !isHome, store.vector.dominates(regions[index].drainsAfter),
      others.allSatisfy({ regions[$0].store.vector.dominates(store.vector) })
    else { return }
    checker.drained(store.region)
    remove(index)
  }

  mutating func lose(_ index: Int) {
    checker.isGone(regions[index].store, others: regions.filter { !$0.isGone }.map(\.store))
    remove(index)
  }

  private mutating func remove(_ index: Int) {
    regions[index].isUp = false
    regions[index].isGone = true
    regions[index].isDraining = false
    let region = regions[index].store.region
    for other in regions.indices where other != index {
      regions[other].peers[index] = nil
      regions[other].store.forget(region)
      regions[other].retired.insert(region)
    }
  }

  /// What a region does beside replicating: it forgets what everybody has.
  mutating func maintain(_ index: Int) {
    guard !regions[index].isGone else { return }
    schedule(.maintenance(region: index), after: 150 + random.below(200))
    guard regions[index].isUp else { return }
    regions[index].store.trim(retention)
    let members = regions.filter { !$0.isGone }.map(\.store.region)
    for member in members where member != regions[index].store.region {
      regions[index].store.expect(member)
    }
    let others = regions.indices.filter { $0 != index && !regions[$0].isGone }
    if random.chance(30), let other = others.randomElement(using: &random) {
      send(.compare(regions[index].store.digest), from: index, to: other)
    }
    let stamp = regions[index].timestamp(now: now)
    if let record = regions[index].store.tendTombstones(floorRule, now: stamp.milliseconds) {
      checker.committed(record, in: regions[index].store)
      announce(record, region: index)
    }
    if regions[index].isDraining { leaveWhenDrained(index) }
  }
}
