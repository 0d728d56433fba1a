package import ConnectRPC
package import PolicyEngine
package import Residency

/// Everything that a coordinator is started with.
package struct CoordinatorConfiguration: Sendable {
  package var region: RegionDescriptor
  package var catalog: RegionCatalog
  package var policies: PolicySet
  /// Where changed policies come from while it serves; `nil` for those at the start for good.
  package var policySource: PolicySource?
  package var state: StateFolder
  /// Where apps connect, where it is not what the region's file says: a container listens on all of its own addresses.
  package var listen: ListenAddress
  /// Where other regions connect.
  package var peerListen: ListenAddress
  /// Where other regions are reached from here, if not at the addresses in their files: through a tunnel or a proxy.
  package var peerRoutes: [RegionID: HTTPSOrigin] = [:]
  /// Where the region's checkpoint and tiles are published: a folder that may be an object store's mount.
  package var auditLog: String
  package var tokenIssuer: String
  package var limits: ServerLimits
  /// Renders the process's metrics.
  package var renderMetrics: @Sendable () -> String

  package init(
    region: RegionDescriptor, catalog: RegionCatalog, policies: PolicySet, state: StateFolder,
    renderMetrics: @escaping @Sendable () -> String = { "" }
  ) {
    self.region = region
    self.catalog = catalog
    self.policies = policies
    self.state = state
    listen = region.coordinator.listen
    peerListen = region.peer.listen
    auditLog = "\(state.folder(of: region.id))/log"
    tokenIssuer = TokenIssuer.developmentIssuer
    limits = ServerLimits()
    self.renderMetrics = renderMetrics
  }

  var logFolder: LogFolder { LogFolder(path: auditLog) }
}
