import ConnectRPC
import Directory
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// Tells every peer when this region's own log has grown, gathering what commits within a few milliseconds, and brings what is new along.
actor Ringer {
  private let clients: [ConnectClient]
  private let log: RegionStore
  private var bells: [Doorbell]
  /// What was read last: most rings are the same for every peer.
  private var news: (head: LogPosition, from: UInt64, Task<Domicile_Peer_V1_PullResponse?, Never>)?

  /// A peer that does not answer is not waited for: it polls.
  private static let timeout = Duration.seconds(1)

  init(_ clients: [ConnectClient], log: RegionStore) {
    self.clients = clients
    self.log = log
    bells = clients.map { _ in Doorbell() }
  }

  func committed(_ head: LogPosition) {
    for peer in clients.indices { perform(bells[peer].committed(head), peer) }
  }

  private func perform(_ actions: [Doorbell.Action], _ peer: Int) {
    for action in actions {
      switch action {
      case .schedule(let delay):
        Task {
          try? await Task.sleep(for: delay, tolerance: .zero)
          perform(bells[peer].fired(), peer)
        }
      case .ring(let head, let first):
        let news = first.map { read(from: $0, upTo: head) }
        Task {
          await Self.ring(clients[peer], head, await news?.value)
          perform(bells[peer].ended(), peer)
        }
      }
    }
  }

  private func read(from first: UInt64, upTo head: LogPosition) -> Task<Domicile_Peer_V1_PullResponse?, Never> {
    if let news, news.head == head, news.from == first { return news.2 }
    let log = log
    let task = Task { () -> Domicile_Peer_V1_PullResponse? in
      let answer = try? await log.logBatch(of: head.log, from: first, entriesMax: Int(head.seq - first) + 1)
      // Without news the peer pulls.
      guard case .batch(let batch) = answer, Doorbell.mayBring(batch) else { return nil }
      return Domicile_Peer_V1_PullResponse(batch)
    }
    news = (head, first, task)
    return task
  }

  private static func ring(_ client: ConnectClient, _ head: LogPosition, _ news: Domicile_Peer_V1_PullResponse?) async {
    var request = Domicile_Peer_V1_RingRequest.with { $0.head = .init(head) }
    if let news { request.news = news }
    do {
      let _: Domicile_Peer_V1_RingResponse = try await client.call(Forwarder.service, "Ring", request, timeout: timeout)
    } catch {
      // Lost rings cost a second at most.
      return
    }
  }
}
