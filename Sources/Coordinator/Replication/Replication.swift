import Directory
import Logging
import Residency
import ServiceLifecycle

/// All replicators of a region, and what they tell each other.
final class Replication: Service {
  private let replicators: [RegionOrdinal: Replicator]
  private let ringer: Ringer

  init(source: ReplicationSource, peers: Peers, logger: Logger) {
    let others = source.region.catalog.regions.filter { $0.id != source.region.descriptor.id }
    let clients = others.compactMap { region in peers[region.id].map { (region, $0) } }
    ringer = Ringer(clients.map { ($0.0.id, $0.1) })
    let exchange = Exchange()
    let replicators = clients.map { region, client in
      let replicator = Replicator(peer: region, client: client, source: source, logger: logger) { position in
        Task { await exchange.advanced(position, except: region.ordinal) }
      }
      return (region.ordinal, replicator)
    }
    self.replicators = Dictionary(uniqueKeysWithValues: replicators)
    self.exchange = exchange
  }

  private let exchange: Exchange

  func run() async throws {
    await exchange.connect(replicators)
    await withGracefulShutdownHandler {
      await withDiscardingTaskGroup { group in
        for replicator in replicators.values { group.addTask { await replicator.run() } }
        // A region without peers has nothing to replicate, and serves all the same.
        group.addTask { try? await gracefulShutdown() }
      }
    } onGracefulShutdown: {
      for replicator in self.replicators.values { Task { await replicator.stop() } }
    }
  }

  /// A peer rang.
  func rung(by peer: RegionOrdinal, head: LogPosition?) {
    guard let replicator = replicators[peer] else { return }
    Task { await replicator.post(.doorbell(head: head)) }
  }

  /// This region's committer appended to its own log.
  func appended(_ head: LogPosition) {
    Task {
      await ringer.committed(head)
      await exchange.advanced(head, except: nil)
    }
  }

  /// Lets every driver know what another one, or the committer, has moved.
  private actor Exchange {
    private var replicators: [RegionOrdinal: Replicator] = [:]

    func connect(_ replicators: [RegionOrdinal: Replicator]) { self.replicators = replicators }

    func advanced(_ position: LogPosition, except region: RegionOrdinal?) async {
      for (ordinal, replicator) in replicators where ordinal != region { await replicator.post(.localAdvanced(position)) }
    }
  }
}
