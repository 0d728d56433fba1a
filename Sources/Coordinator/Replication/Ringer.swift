import ConnectRPC
import Directory
import DomicileAPI
import Residency
import SwiftProtobuf

/// Tells every peer when this region's own log has grown, gathering what commits within a few milliseconds.
actor Ringer {
  private let peers: [(region: RegionID, client: ConnectClient)]
  private var bell = Doorbell()

  /// A peer that does not answer is not waited for: it polls.
  private static let timeout = Duration.seconds(1)

  init(_ peers: [(region: RegionID, client: ConnectClient)]) { self.peers = peers }

  func committed(_ head: LogPosition) { perform(bell.committed(head)) }

  private func perform(_ actions: [Doorbell.Action]) {
    for action in actions {
      switch action {
      case .schedule(let delay):
        Task {
          do { try await Task.sleep(for: delay) } catch { return }
          fire()
        }
      case .ring(let head):
        for peer in peers { Task { await ring(peer.client, head) } }
      }
    }
  }

  private func fire() { perform(bell.fired()) }

  private nonisolated func ring(_ client: ConnectClient, _ head: LogPosition) async {
    let request = Domicile_Peer_V1_RingRequest.with { $0.head = .init(head) }
    do {
      let _: Domicile_Peer_V1_RingResponse = try await client.call(Forwarder.service, "Ring", request, timeout: Self.timeout)
    } catch {
      // Lost rings cost a second at most.
      return
    }
  }
}
