import ConnectRPC
import Coordinator
import FoundationEssentials
import Residency

/// What the faults are done to: a highly available region with two coordinators, one of which reaches PostgreSQL through a relay.
package actor FaultCluster {
  /// Where the parts come from.
  package struct Files: Sendable {
    /// The `domicile` program.
    package let program: String
    /// The folder of policy files.
    package let policies: String
    /// `deploy/patroni/region`.
    package let regionScript: String
    /// Where everything is kept.
    package let folder: String

    package init(program: String, policies: String, regionScript: String, folder: String) {
      self.program = program
      self.policies = policies
      self.regionScript = regionScript
      self.folder = folder
    }
  }

  package enum Failure: Error, CustomStringConvertible {
    case regionFileUnreadable

    package var description: String {
      switch self {
      case .regionFileUnreadable: "the region's file names no region"
      }
    }
  }

  private static let regionName = "faults"

  nonisolated let region: PatroniRegion
  private let files: Files
  private let state: StateFolder
  private let report: @Sendable (String) -> Void
  private(set) var relay: CommitRelay?
  /// The first reaches PostgreSQL directly, the second through the relay.
  private(set) var coordinators: [CoordinatorProcess] = []
  private var token = ""

  package init(_ files: Files, report: @escaping @Sendable (String) -> Void) throws {
    self.files = files
    self.report = report
    state = StateFolder("\(files.folder)/state")
    region = try PatroniRegion(
      name: Self.regionName, script: files.regionScript, folder: "\(files.folder)/region", log: "\(files.folder)/region.log")
  }

  /// Returns when both coordinators serve, and `subjects` are registered.
  func start(disks: Bool, subjects: [String]) async throws {
    report("A region with Patroni, three nodes …")
    try await region.up(disks: disks)
    // In the other order than in the region's own string: where two nodes take writes, the coordinators find different ones first.
    let nodes = try await region.nodes().reversed()
    let relay = try await CommitRelay.start(to: nodes.map { .init(host: $0.host, port: $0.port) })
    self.relay = relay
    let regions = "\(files.folder)/regions"
    let ports = (try FreePort.find(), try FreePort.find(), try FreePort.find(), try FreePort.find())
    let catalog = try Self.writeCatalog(in: regions, apps: ports.0, peers: ports.1)
    guard let descriptor = catalog.regions.first else { throw Failure.regionFileUnreadable }
    let authority = DevelopmentAuthority(state: state)
    try authority.prepare(catalog)
    try authority.prepareSecrets(catalog)

    let dsn = try await region.dsn(database: "domicile")
    let keysDSN = try await region.dsn(database: "domicile_keys")
    // No TLS to the relay: it reads what passes.
    let relayed = Self.dsn(dsn, through: relay) + " sslmode=disable gssencmode=disable"
    coordinators = [
      coordinator("direct", of: descriptor, (dsn, keysDSN), ports: (ports.0, ports.1), regions: regions),
      coordinator("relayed", of: descriptor, (relayed, keysDSN), ports: (ports.2, ports.3), regions: regions),
    ]
    // One after the other: the first makes the tables.
    for coordinator in coordinators {
      try await coordinator.start()
      try await coordinator.waitUntilReady()
      report("Coordinator '\(coordinator.name)' serves \(coordinator.launch.url)")
    }
    token = try await TokenIssuer(state: state).token(
      for: Principal(name: "app:faults", purposes: [Purpose("service")]), lifetime: .seconds(24 * 3_600))
    try await callers.with(timeout: .seconds(10)) { clients in
      for subject in subjects { try await clients[0].register(subject: subject) }
    }
  }

  var callers: RegisterCallers {
    RegisterCallers(urls: coordinators.map(\.launch.url), authority: state.authority.certificate, token: token)
  }

  /// Ends and removes everything but what the coordinators and the region's script have logged.
  package func stop() async {
    for coordinator in coordinators {
      await coordinator.terminate()
      await coordinator.resume()
    }
    for coordinator in coordinators {
      // It has a store to wait for that may be away: a moment, then its end.
      let impatience = Task {
        try await Task.sleep(for: .seconds(10))
        await coordinator.kill()
      }
      await coordinator.waitForEnd()
      impatience.cancel()
    }
    await relay?.stop()
    await region.remove()
    // What was signed for this database is wrong for the next one in the same folder.
    for part in ["state", "regions"] + coordinators.map({ Self.auditLog($0.name) }) {
      let path = "\(files.folder)/\(part)"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      do { try FileManager.default.removeItem(atPath: path) } catch {
        report("\(path) could not be removed: a run in the same folder will be refused as another database's. \(error)")
      }
    }
  }

  private static func auditLog(_ coordinator: String) -> String { "log-\(coordinator)" }

  private func coordinator(
    _ name: String, of region: RegionDescriptor, _ dsn: (data: String, keys: String), ports: (apps: Int, peers: Int),
    regions: String
  ) -> CoordinatorProcess {
    CoordinatorProcess(
      name: name,
      .init(
        program: files.program,
        arguments: [
          "--region", region.id.rawValue, "--regions", regions, "--policies", files.policies, "--state", state.path,
          "--listen", "127.0.0.1:\(ports.apps)", "--peer-listen", "127.0.0.1:\(ports.peers)",
          // Each publishes the log in a folder of its own, as it would on a machine of its own.
          "--audit-log", "\(files.folder)/\(Self.auditLog(name))",
        ],
        environment: CoordinatorProcess.Launch.databases(of: region.id, dsn: dsn.data, keysDSN: dsn.keys),
        url: "https://localhost:\(ports.apps)", authority: state.authority.certificate,
        log: "\(files.folder)/coordinator-\(name).log"))
  }

  /// The connection string with the relay's ports in place of the nodes' addresses. Its values have no spaces.
  static func dsn(_ dsn: String, through relay: CommitRelay) -> String {
    let hosts = relay.ports.map { _ in "127.0.0.1" }.joined(separator: ",")
    let ports = relay.ports.map(String.init).joined(separator: ",")
    return dsn.split(separator: " ").map { word in
      if word.hasPrefix("host=") { "host=\(hosts)" } else if word.hasPrefix("port=") { "port=\(ports)" } else { String(word) }
    }.joined(separator: " ")
  }

  private static func writeCatalog(in folder: String, apps: Int, peers: Int) throws -> RegionCatalog {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/\(regionName).yaml"
    let text = """
      region: \(regionName)
      ordinal: 1
      jurisdiction: IE
      name: Faults
      location: { latitude: 53.35, longitude: -6.26 }
      coordinator: { listen: 127.0.0.1:\(apps), public: "https://localhost:\(apps)" }
      peer: { listen: 127.0.0.1:\(peers), url: "https://localhost:\(peers)" }
      store: { dsn: "${DOMICILE_FAULTS_DSN}", keys_dsn: "${DOMICILE_FAULTS_KEYS_DSN}" }
      audit: { origin: \(regionName).domicile.example/audit, witnesses: [] }

      """
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return try RegionCatalog.load([(path, text)], environment: [:], stores: .none)
  }
}
