import Directory
import Metrics
import Residency

/// What this region knows of its directory and each peer's, as gauges. They are set when they are asked for.
struct DirectoryMetrics: Sendable {
  private struct Instruments: Sendable {
    let ordinal: RegionOrdinal
    let reachable, lagEntries, lagSeconds, lastContact, receivedBytes, receivedEntries, compared, equal, catalogDiffers: Gauge

    init(_ peer: RegionDescriptor) {
      ordinal = peer.ordinal
      func gauge(_ name: String) -> Gauge { Gauge(label: "domicile_directory_\(name)", dimensions: [("peer", peer.id.rawValue)]) }
      reachable = gauge("peer_reachable")
      lagEntries = gauge("lag_entries")
      lagSeconds = gauge("lag_seconds")
      lastContact = gauge("last_contact_seconds")
      receivedBytes = gauge("received_bytes")
      receivedEntries = gauge("received_entries")
      compared = gauge("compared_seconds")
      equal = gauge("equal")
      catalogDiffers = gauge("catalog_differs")
    }
  }

  private let contacts: PeerContacts
  private let peers: [Instruments]

  init(_ contacts: PeerContacts, peers: [RegionDescriptor]) {
    self.contacts = contacts
    self.peers = peers.map(Instruments.init)
  }

  /// Of a peer that was never heard of only that it is out of reach.
  func update() {
    for peer in peers {
      let contact = contacts[peer.ordinal]
      peer.reachable.record(contact?.isReachable == true ? 1 : 0)
      guard let contact else { continue }
      peer.lagEntries.record(Double(contact.health.entriesBehind))
      peer.lagSeconds.record(contact.behind.map { $0 / .seconds(1) } ?? 0)
      peer.catalogDiffers.record(contact.health.catalogDiffers ? 1 : 0)
      peer.receivedBytes.record(Double(contact.receivedBytes))
      peer.receivedEntries.record(Double(contact.receivedEntries))
      if let heard = contact.lastHeard { peer.lastContact.record(heard.duration(to: .now) / .seconds(1)) }
      if let comparison = contact.comparison {
        peer.compared.record(comparison.at.duration(to: .now) / .seconds(1))
        peer.equal.record(comparison.isSound ? 1 : 0)
      }
    }
  }
}
