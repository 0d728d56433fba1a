import Coordinator
import FaultLab
import Foundation
import Residency

/// Three regions on one machine: each a private PostgreSQL cluster and a coordinator in a process of its own.
actor DemoDeployment {
  nonisolated let catalog: RegionCatalog
  nonisolated let state: StateFolder
  private let regionsFolder: String
  private let policiesFolder: String
  private var clusters: [RegionID: PrivatePostgres] = [:]
  private var coordinators: [RegionID: Process] = [:]

  enum Failure: Error, CustomStringConvertible {
    case coordinatorEnded(RegionID, log: String)
    case coordinatorSilent(RegionID, log: String)

    var description: String {
      switch self {
      case .coordinatorEnded(let region, let log): "the coordinator of \(region) ended while it started: see \(log)"
      case .coordinatorSilent(let region, let log): "the coordinator of \(region) is not ready after 60 seconds: see \(log)"
      }
    }
  }

  init(catalog: RegionCatalog, regions: String, policies: String, state: String) {
    self.catalog = catalog
    self.state = StateFolder(state)
    regionsFolder = regions
    policiesFolder = policies
  }

  /// Certificates, clusters, coordinators; returns when all are ready.
  func start() async throws {
    say("Certificates, keys and tokens in \(state.path)/")
    let authority = DevelopmentAuthority(state: state)
    try authority.prepare(catalog)
    try authority.prepareSecrets(catalog)
    try await DemoTokens(state: state).write()
    try writeEndpoints()
    for region in catalog.regions {
      say("PostgreSQL of \(region.id) …")
      let cluster = try await PrivatePostgres.create(at: "\(state.folder(of: region.id))/postgres", port: nil)
      clusters[region.id] = cluster
      try await cluster.start()
      try await cluster.createDatabase("domicile")
      try await cluster.createDatabase("domicile_keys")
    }
    for region in catalog.regions { try startCoordinator(of: region.id) }
    for region in catalog.regions {
      try await waitUntilReady(region)
      say("Coordinator of \(region.id) (\(region.jurisdiction)) serves \(region.coordinator.url)")
    }
  }

  func stopPostgres(of region: RegionID) async throws { try await clusters[region]?.stop() }

  /// Returns when the region's coordinator serves from it again.
  func startPostgres(of region: RegionID) async throws {
    try await clusters[region]?.start()
    if let descriptor = catalog[region] { try await waitUntilReady(descriptor) }
  }

  /// Returns when every receipt is covered by its region's published checkpoint, so that it can be proved.
  func waitForCheckpoints(covering receipts: DemoReceipts) async throws {
    for (name, index) in receipts.newest {
      guard let region = RegionID(name) else { continue }
      let checkpoint = "\(state.folder(of: region))/log/checkpoint"
      for _ in 0..<100 {
        let lines = (try? String(contentsOfFile: checkpoint, encoding: .utf8))?.split(separator: "\n") ?? []
        if lines.count > 1, let size = UInt64(lines[1]), size > index { break }
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }

  /// The coordinators finish what is in flight, then the clusters are shut down.
  func stop() async {
    for process in coordinators.values where process.isRunning { process.terminate() }
    for process in coordinators.values { await Self.end(of: process) }
    for (region, cluster) in clusters {
      do { try await cluster.stop() } catch { printError("PostgreSQL of \(region) did not stop: \(error)") }
    }
  }

  private func startCoordinator(of region: RegionID) throws {
    guard let cluster = clusters[region] else { return }
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [
      "serve", "--region", region.rawValue, "--regions", regionsFolder, "--policies", policiesFolder, "--state", state.path,
    ]
    // Only its own databases: a coordinator knows no other region's.
    let variable = "DOMICILE_\(region.rawValue.uppercased().replacing("-", with: "_"))"
    var environment = ProcessInfo.processInfo.environment
    environment["\(variable)_DSN"] = cluster.dsn(database: "domicile")
    environment["\(variable)_KEYS_DSN"] = cluster.dsn(database: "domicile_keys")
    process.environment = environment
    let log = logFile(of: region)
    try Data().write(to: URL(filePath: log))
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
    coordinators[region] = process
  }

  private nonisolated func logFile(of region: RegionID) -> String { "\(state.folder(of: region))/coordinator.log" }

  private func waitUntilReady(_ region: RegionDescriptor) async throws {
    let url = "\(region.coordinator.url)/readyz"
    for _ in 0..<600 {
      guard coordinators[region.id]?.isRunning ?? false else {
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

  private func say(_ text: String) { printError("· \(text)") }
}
