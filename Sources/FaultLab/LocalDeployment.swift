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
  private var clusters: [RegionID: PrivateReplicaSet] = [:]
  private var coordinators: [RegionID: Running] = [:]

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

  private struct Running {
    let process: Process
    /// The coordinator's standard input: it ends when this closes, and so with this process.
    let leash: Pipe
  }

  package enum Failure: Error, CustomStringConvertible {
    case coordinatorEnded(RegionID, log: String)
    case coordinatorSilent(RegionID, log: String)
    case checkpointMissing(RegionID)

    package var description: String {
      switch self {
      case .coordinatorEnded(let region, let log): "the coordinator of \(region) ended while it started: see \(log)"
      case .coordinatorSilent(let region, let log): "the coordinator of \(region) is not ready after 60 seconds: see \(log)"
      case .checkpointMissing(let region): "\(region) has published no checkpoint of its newest events within 10 seconds"
      }
    }
  }

  /// - Parameters:
  ///   - standbys: of each region's cluster. With one or more, a commit is acknowledged when one of them has it.
  ///   - report: told what is being done, for people who wait.
  package init(
    catalog: RegionCatalog, files: Files, state: StateFolder, standbys: Int, report: @escaping @Sendable (String) -> Void
  ) {
    self.catalog = catalog
    self.files = files
    self.state = state
    standbyCount = standbys
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
    for region in catalog.regions { try launchCoordinator(of: region.id) }
    for region in catalog.regions {
      try await waitUntilReady(region)
      report("Coordinator of \(region.id) (\(region.jurisdiction)) serves \(region.coordinator.url)")
    }
  }

  private func prepareCluster(of region: RegionID) async throws {
    let cluster = try await PrivateReplicaSet.create(at: state.folder(of: region), standbys: standbyCount)
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
    if let descriptor = catalog[region] { try await waitUntilReady(descriptor) }
  }

  /// Returns when `index` is covered by the region's published checkpoint, so that it can be proved.
  package func waitForCheckpoint(of region: RegionID, covering index: UInt64) async throws {
    let checkpoint = "\(state.folder(of: region))/log/checkpoint"
    for _ in 0..<100 {
      let text = FileManager.default.contents(atPath: checkpoint).map { String(decoding: $0, as: UTF8.self) } ?? ""
      let lines = text.split(separator: "\n")
      if lines.count > 1, let size = UInt64(lines[1]), size > index { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw Failure.checkpointMissing(region)
  }

  /// For faults and inspection.
  package func cluster(of region: RegionID) -> PrivatePostgres? { clusters[region]?.primary }
  package func standbys(of region: RegionID) -> [PrivatePostgres] { clusters[region]?.standbys ?? [] }
  package func processID(of region: RegionID) -> Int32? { coordinators[region]?.process.processIdentifier }

  /// Ends a coordinator as a failing machine would.
  package func killCoordinator(of region: RegionID) async {
    guard let running = coordinators[region] else { return }
    kill(running.process.processIdentifier, SIGKILL)
    await Self.end(of: running.process)
  }

  /// SIGTERM, and returns when it has finished what was in flight.
  package func stopCoordinator(of region: RegionID) async {
    guard let running = coordinators[region] else { return }
    if running.process.isRunning { running.process.terminate() }
    await Self.end(of: running.process)
  }

  /// Starts a coordinator that has ended, and returns when it is ready.
  package func startCoordinator(of region: RegionID) async throws {
    try launchCoordinator(of: region)
    if let descriptor = catalog[region] { try await waitUntilReady(descriptor) }
  }

  /// The coordinators finish what is in flight, then the clusters are shut down.
  package func stop() async {
    for running in coordinators.values where running.process.isRunning { running.process.terminate() }
    for running in coordinators.values { await Self.end(of: running.process) }
    await withDiscardingTaskGroup { group in
      for (region, cluster) in clusters {
        group.addTask { [report] in
          do { try await cluster.stop() } catch { report("PostgreSQL of \(region) did not stop: \(error)") }
        }
      }
    }
  }

  private func launchCoordinator(of region: RegionID) throws {
    guard let cluster = clusters[region] else { return }
    let process = Process()
    process.executableURL = URL(filePath: files.program)
    process.arguments = [
      "serve", "--region", region.rawValue, "--regions", files.regions, "--policies", files.policies, "--state", state.path,
      "--while-stdin-open",
    ]
    // Only its own databases: a coordinator knows no other region's.
    let variable = "DOMICILE_\(region.rawValue.uppercased().replacing("-", with: "_"))"
    var environment = ProcessInfo.processInfo.environment
    // All servers, so that reads may go to the standbys. This process promotes none of them while the primary is there.
    environment["\(variable)_DSN"] =
      standbyCount > 0 ? cluster.discoveryDSN(database: "domicile") : cluster.dsn(database: "domicile")
    environment["\(variable)_KEYS_DSN"] = cluster.dsn(database: "domicile_keys")
    process.environment = environment
    let leash = Pipe()
    process.standardInput = leash
    let log = logFile(of: region)
    if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(filePath: log)) }
    let handle = FileHandle(forWritingAtPath: log)
    handle?.seekToEndOfFile()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = handle
    try process.run()
    coordinators[region] = Running(process: process, leash: leash)
  }

  package nonisolated func logFile(of region: RegionID) -> String { "\(state.folder(of: region))/coordinator.log" }

  private func waitUntilReady(_ region: RegionDescriptor) async throws {
    let url = "\(region.coordinator.url)/readyz"
    for _ in 0..<600 {
      guard coordinators[region.id]?.process.isRunning ?? false else {
        throw Failure.coordinatorEnded(region.id, log: logFile(of: region.id))
      }
      let probe = try await Shell.run("curl -sf -o /dev/null --max-time 2 --cacert \(state.authority.certificate) \(url)")
      if probe.status == 0 { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw Failure.coordinatorSilent(region.id, log: logFile(of: region.id))
  }

  private static func end(of process: Process) async {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        process.waitUntilExit()
        continuation.resume()
      }
    }
  }

  /// For the auditors' tool: where each region is.
  private func writeEndpoints() throws {
    let endpoints = JSONValue.object(
      Dictionary(uniqueKeysWithValues: catalog.regions.map { ($0.id.rawValue, JSONValue.string($0.coordinator.url.text)) }))
    try Data(endpoints.canonicalBytes + [0x0a]).write(to: URL(filePath: "\(state.path)/endpoints.json"), options: .atomic)
  }

}
