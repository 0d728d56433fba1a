import Residency
import SwiftASN1
import X509

/// What a region's certificate says.
struct LeafProfile: Sendable {
  let kind: DevelopmentAuthority.Item.Kind
  let region: RegionID
  let names: [GeneralName]
  let usages: [ExtendedKeyUsage.Usage]

  /// For apps: a server under the names by which it is called.
  static func app(_ region: RegionDescriptor) -> LeafProfile {
    LeafProfile(kind: .app, region: region.id, names: hostNames(of: region.id, region.coordinator), usages: [.serverAuth])
  }

  /// For other regions: server and client, with the region's name as the one URI.
  static func peer(_ region: RegionDescriptor) -> LeafProfile {
    let uri = PeerIdentity(region: region.id).uri
    return LeafProfile(
      kind: .peer, region: region.id, names: [.uniformResourceIdentifier(uri)] + hostNames(of: region.id, region.peer),
      usages: [.serverAuth, .clientAuth])
  }

  private static func hostNames(of region: RegionID, _ service: RegionDescriptor.Service) -> [GeneralName] {
    var names: [GeneralName] = []
    for host in ["localhost", "\(region).localhost", "127.0.0.1", "::1", service.url.host] {
      let name = ipAddress(host).map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...])) } ?? .dnsName(host)
      if !names.contains(name) { names.append(name) }
    }
    return names
  }
}
