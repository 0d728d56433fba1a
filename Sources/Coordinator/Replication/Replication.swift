import Directory
import Logging
import Residency
import ServiceLifecycle

/// All replicators of a region, and what they tell each other.
final class Replication: Service {
  private let replicators: [RegionOrdinal: Replicator]
  private let ringer: Ringer

  init(source: ReplicationSource, peers: Peers, logger: Logger) {
    let others = source.region.catalog.members.filter { $0.id != source.region.descriptor.id }
    let clients = others.compactMap { region in peers[region.id].map { (region, $0) } }
    ringer = Ringer(clients.map(\.1), log: source.store)
    let exchange = ReplicationExchange(ringer: ringer)
    asking = PeerAsking(
      source: source, peers: clients.map { PeerAsking.Peer(region: $0.0, client: $0.1) }, exchange: exchange, logger: logger)
    let replicators = clients.map { region, client in
      (region.ordinal, Replicator(peer: region, client: client, source: source, exchange: exchange, logger: logger))
    }
    self.replicators = Dictionary(uniqueKeysWithValues: replicators)
    self.exchange = exchange
    tending = DirectoryTending(asking)
  }

  private let exchange: ReplicationExchange
  let asking: PeerAsking
  let tending: DirectoryTending

  func run() async throws {
    await exchange.connect(replicators)
    await withGracefulShutdownHandler {
      await withDiscardingTaskGroup { group in
        for replicator in replicators.values { group.addTask { await replicator.run() } }
        group.addTask { await self.tending.run() }
        // A region without peers has nothing to replicate, and serves all the same.
        group.addTask { try? await gracefulShutdown() }
      }
    } onGracefulShutdown: {
      for replicator in self.replicators.values { Task { await replicator.stop() } }
    }
  }

  /// A peer greeted this region.
  func heard(from peer: RegionOrdinal) {
    guard let replicator = replicators[peer] else { return }
    Task { await replicator.post(.heard) }
  }

  /// A peer rang.
  func rung(by peer: RegionOrdinal, head: LogPosition?, news: LogBatch?) {
    guard let replicator = replicators[peer] else { return }
    if let news { replicator.count(news) }
    Task { await replicator.post(.doorbell(head: head, news: news)) }
  }

  /// Somebody waits for what other regions have.
  func hurry() async { await exchange.tell(.hurry, except: nil) }

  /// This region's committer appended to its own log.
  func appended(_ head: LogPosition) {
    Task { await exchange.appended(head) }
  }
}

/// Lets every driver know what another one, or the committer, has done.
actor ReplicationExchange {
  private let ringer: Ringer
  private var replicators: [RegionOrdinal: Replicator] = [:]

  init(ringer: Ringer) { self.ringer = ringer }

  func connect(_ replicators: [RegionOrdinal: Replicator]) { self.replicators = replicators }

  /// This region's own log reaches `head`.
  func appended(_ head: LogPosition) async {
    await ringer.committed(head)
    await advanced(head, except: nil)
  }

  func advanced(_ position: LogPosition, except region: RegionOrdinal?) async {
    await tell(.localAdvanced(position), except: region)
  }

  func tell(_ event: PullDriver.Event, except region: RegionOrdinal?) async {
    for (ordinal, replicator) in replicators where ordinal != region { await replicator.post(event) }
  }
}
