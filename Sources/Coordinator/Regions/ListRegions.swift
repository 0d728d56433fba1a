import ConnectRPC
import Directory
import DomicileAPI
import PolicyEngine
import Residency
import SwiftProtobuf

/// The catalog as this region sees it. No personal data; any authenticated caller may ask.
struct ListRegions: Sendable {
  let gateway: Gateway
  let contacts: PeerContacts
  let policies: PolicyHolder
  let checkpoints: CheckpointHolder

  var method: UnaryMethod {
    UnaryMethod("domicile.v1.RegionService", "ListRegions", noSideEffects: true) {
      (_: Domicile_V1_ListRegionsRequest, context: CallContext) in
      let (call, _) = try await gateway.authenticate(context)
      return Domicile_V1_ListRegionsResponse.with { response in
        response.regions = call.region.catalog.regions.map { describe($0, from: call.region.descriptor) }
      }
    }
  }

  private func describe(_ region: RegionDescriptor, from local: RegionDescriptor) -> Domicile_V1_Region {
    .with {
      $0.id = region.id.rawValue
      $0.ordinal = UInt32(region.ordinal.rawValue)
      $0.jurisdiction = region.jurisdiction.rawValue
      $0.name = region.name
      $0.url = region.coordinator.url.text
      $0.status = region.status.rawValue
      if region.id == local.id {
        $0.health = .reachable
        $0.policyRevision = policies.current.revision
        $0.checkpointSize = checkpoints.size
      } else {
        $0.health = .unreachable
        guard let contact = contacts[region.ordinal] else { return }
        if contact.isReachable { $0.health = .reachable }
        if let behind = contact.behind { $0.directoryBehind = .init(milliseconds: UInt64(max(0, behind / .milliseconds(1)))) }
        $0.directoryReceivedBytes = UInt64(contact.receivedBytes)
        $0.directoryLag = contact.health.entriesBehind
        $0.policyRevision = contact.policyRevision
        $0.checkpointSize = contact.checkpointSize
        if let comparison = contact.comparison {
          $0.directoryCompared = .init(milliseconds: UInt64(max(0, comparison.at.duration(to: .now) / .milliseconds(1))))
          $0.directoryEqual = comparison.isSound
        }
        if let age = contacts.age(of: region.ordinal) { $0.lastContact = .init(milliseconds: age) }
      }
    }
  }
}
