import AuditTrail
package import Coordinator
import Foundation
package import Residency

/// A whole deployment on one machine: for each region a private PostgreSQL cluster, with standbys or without, and a coordinator in
/// a process of its own. What the demo and the tests run.
///
/// The coordinators end with this process, however it ends; the clusters do where a ``Guardian`` watches them.
package actor LocalDeployment {
  package nonisolated let catalog: RegionCatalog
  package nonisolated let state: StateFolder
  private let files: Files
  private let report: @Sendable (String) -> Void
  private let standbyCount: Int
  private let isOverTLS: Bool
  private let databaseSettings: [String: String]
  private let links: LinkRelay?
  private var clusters: [RegionID: PrivateReplicaSet] = [:]
  private var coordinators: [RegionID: CoordinatorProcess] = [:]

  /// What the coordinators are started with.
  package struct Files: Sendable {
    /// The `domicile` program.
    package let program: String
    /// The folder of region files.
    package let regions: String
    /// The folder of policy files.
    package let policies: String

    package init(program: String, regions: String, policies: String) {
      self.program = program
      self.regions = regions
      self.policies = policies
    }
  }

  package enum Failure: Error, CustomStringConvertible {
    case checkpointMissing(RegionID)

    package var description: String {
      switch self {
      case .checkpointMissing(let region): "\(region) has published no checkpoint of its newest events within 10 seconds"
      }
    }
  }

  /// - Parameters:
  ///   - standbys: of each region's cluster. With one or more, a commit is acknowledged when one of them has it.
  ///   - databasesOverTLS: the coordinators reach PostgreSQL as over a network, over TCP with TLS, and not by its Unix socket.
  ///   - databaseSettings: PostgreSQL's, by name.
  ///   - links: what the regions reach each other through; `nil` for the network of this machine.
  ///   - report: told what is being done, for people who wait.
  package init(
    catalog: RegionCatalog, files: Files, state: StateFolder, standbys: Int, databasesOverTLS: Bool = false,
    databaseSettings: [String: String] = [:], links: LinkRelay? = nil, report: @escaping @Sendable (String) -> Void
  ) {
    self.catalog = catalog
    self.files = files
    self.state = state
    standbyCount = standbys
    isOverTLS = databasesOverTLS
    self.databaseSettings = databaseSettings
    self.links = links
    self.report = report
  }

  /// Certificates, clusters, coordinators; returns when all are ready.
  package func start() async throws {
    report("Certificates, keys and tokens in \(state.path)/")
    let authority = DevelopmentAuthority(state: state)
    try authority.prepare(catalog)
    try authority.prepareSecrets(catalog)
    try writeEndpoints()
    report("PostgreSQL of \(catalog.regions.map(\.id.rawValue).joined(separator: ", ")) …")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for region in catalog.regions { group.addTask { try await self.prepareCluster(of: region.id) } }
      try await group.waitForAll()
    }
    for region in catalog.regions { try await coordinator(of: region)?.start() }
    for region in catalog.regions {
      try await coordinators[region.id]?.waitUntilReady()
      report("Coordinator of \(region.id) (\(region.jurisdiction)) serves \(region.coordinator.url)")
    }
  }

  private func prepareCluster(of region: RegionID) async throws {
    // Those who may be called by this region's name: here the databases have its certificate too.
    let identity = state.appIdentity(of: region)
    let cluster = try await PrivateReplicaSet.create(
      at: state.folder(of: region), standbys: standbyCount,
      ports: isOverTLS ? try (0...standbyCount).map { _ in try FreePort.find() } : [],
      settings: databaseSettings,
      tls: isOverTLS
        ? ClusterTLS(certificate: identity.certificate, key: identity.key, authority: state.authority.certificate) : nil)
    clusters[region] = cluster
    try await cluster.start()
    try await cluster.primary.createDatabase("domicile")
    try await cluster.primary.createDatabase("domicile_keys")
  }

  /// The primary and its standbys.
  package func stopPostgres(of region: RegionID) async throws { try await clusters[region]?.stop() }

  /// Returns when the region's coordinator serves from it again.
  package func startPostgres(of region: RegionID) async throws {
    try await clusters[region]?.start()
    try await coordinators[region]?.waitUntilReady()
  }

  /// Returns when `index` is covered by the region's published checkpoint, so that it can be proved.
  /// - Parameter witnessed: whether enough witnesses have to have cosigned it.
  package func waitForCheckpoint(of region: RegionID, covering index: UInt64, witnessed: Bool = true) async throws {
    let file = state.auditTrust(of: region)
    let trust = try TrustPolicy(parsing: [UInt8](Data(contentsOf: URL(filePath: file))), file: file)
    for _ in 0..<200 {
      if let bytes = FileManager.default.contents(atPath: "\(state.folder(of: region))/log/checkpoint") {
        let trusted = try trust.verify(try SignedNote(parsing: [UInt8](bytes)))
        if UInt64(trusted.checkpoint.size) > index, !witnessed || trusted.quorum != .unmet { return }
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw Failure.checkpointMissing(region)
  }

  /// For faults and inspection.
  package func cluster(of region: RegionID) -> PrivatePostgres? { clusters[region]?.primary }
  package func standbys(of region: RegionID) -> [PrivatePostgres] { clusters[region]?.standbys ?? [] }
  package func processID(of region: RegionID) async -> Int32? { await coordinators[region]?.processID }

  /// Ends a coordinator as a failing machine would.
  package func killCoordinator(of region: RegionID) async { await coordinators[region]?.kill() }

  /// A coordinator stands still: it takes connections, and answers nothing.
  package func pauseCoordinator(of region: RegionID) async throws { try await coordinators[region]?.pause() }
  package func resumeCoordinator(of region: RegionID) async { await coordinators[region]?.resume() }

  /// SIGTERM, and returns when it has finished what was in flight.
  package func stopCoordinator(of region: RegionID) async {
    await coordinators[region]?.terminate()
    await coordinators[region]?.waitForEnd()
  }

  /// Starts a coordinator that has ended, and returns when it is ready.
  package func startCoordinator(of region: RegionID) async throws {
    try await coordinators[region]?.start()
    try await coordinators[region]?.waitUntilReady()
  }

  /// The coordinators finish what is in flight, then the clusters are shut down.
  package func stop() async {
    for coordinator in coordinators.values { await coordinator.terminate() }
    for coordinator in coordinators.values { await coordinator.waitForEnd() }
    await withDiscardingTaskGroup { group in
      for (region, cluster) in clusters {
        group.addTask { [report] in
          do { try await cluster.stop() } catch { report("PostgreSQL of \(region) did not stop: \(error)") }
        }
      }
    }
  }

  /// The region's coordinator, over its own databases only: it knows no other region's.
  private func coordinator(of region: RegionDescriptor) -> CoordinatorProcess? {
    guard let cluster = clusters[region.id] else { return nil }
    let coordinator = CoordinatorProcess(
      name: region.id.rawValue,
      .init(
        program: files.program,
        arguments: [
          "--region", region.id.rawValue, "--regions", files.regions, "--policies", files.policies, "--state", state.path,
        ] + peerRoutes(of: region.id),
        // All servers, so that reads may go to the standbys. This process promotes none of them while the primary is there.
        environment: CoordinatorProcess.Launch.databases(
          of: region.id,
          dsn: standbyCount > 0 ? cluster.discoveryDSN(database: "domicile") : cluster.dsn(database: "domicile"),
          keysDSN: cluster.dsn(database: "domicile_keys")),
        url: region.coordinator.url.text, authority: state.authority.certificate, log: logFile(of: region.id)))
    coordinators[region.id] = coordinator
    return coordinator
  }

  private func peerRoutes(of region: RegionID) -> [String] {
    guard let links else { return [] }
    return catalog.regions.compactMap { peer in
      links.port(from: region, to: peer.id).map { ["--peer-at", "\(peer.id)=https://localhost:\($0)"] }
    }.flatMap(\.self)
  }

  package nonisolated func logFile(of region: RegionID) -> String { "\(state.folder(of: region))/coordinator.log" }

  /// For the auditors' tool: where each region is.
  private func writeEndpoints() throws {
    let endpoints = JSONValue.object(
      Dictionary(uniqueKeysWithValues: catalog.regions.map { ($0.id.rawValue, JSONValue.string($0.coordinator.url.text)) }))
    try Data(endpoints.canonicalBytes + [0x0a]).write(to: URL(filePath: "\(state.path)/endpoints.json"), options: .atomic)
  }
}
