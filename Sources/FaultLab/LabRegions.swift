package import Coordinator
import FoundationEssentials
package import Residency

/// Regions that a laboratory or a benchmark starts for itself, with their real parts, on one machine: for each a coordinator and a PostgreSQL,
/// and the links between them.
package struct LabRegions: Sendable {
  package let catalog: RegionCatalog
  package let state: StateFolder
  package let deployment: LocalDeployment
  /// `nil` where the regions reach each other without.
  package let links: LinkRelay?

  /// - Parameters:
  ///   - folder: the laboratory's own.
  ///   - program: the `domicile` program.
  ///   - policies: the folder of policy files.
  ///   - link: how every link is to begin with; `nil` for no relay.
  ///   - seed: of what the links lose.
  package init(
    count: Int, folder: String, program: String, policies: String, link: LinkCondition? = nil, seed: UInt64 = 1,
    report: @escaping @Sendable (String) -> Void
  ) async throws {
    let regions = "\(folder)/regions"
    try FileManager.default.createDirectory(atPath: regions, withIntermediateDirectories: true)
    let files = try (1...count).map { number in
      let path = "\(regions)/lab-\(number).yaml"
      let text = Self.file(number, ports: (try FreePort.find(), try FreePort.find()))
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      return (path, text)
    }
    catalog = try RegionCatalog.load(files, environment: [:], stores: .none)
    state = StateFolder("\(folder)/state")
    links = try await Self.links(of: catalog, link, seed: seed)
    deployment = LocalDeployment(
      catalog: catalog, files: .init(program: program, regions: regions, policies: policies), state: state, standbys: 0,
      databaseSettings: SettledServer.settings,
      links: links, report: report)
  }

  private static func links(of catalog: RegionCatalog, _ link: LinkCondition?, seed: UInt64) async throws -> LinkRelay? {
    guard let link else { return nil }
    let ports = Dictionary(uniqueKeysWithValues: catalog.regions.map { ($0.id, $0.peer.listen.port) })
    let relay = try await LinkRelay.start(between: ports, seed: seed)
    for from in ports.keys {
      for to in ports.keys where to != from { relay.set(link, LinkDirection(from: from, to: to)) }
    }
    return relay
  }

  package func stop() async {
    await deployment.stop()
    await links?.stop()
  }

  private static func file(_ number: Int, ports: (apps: Int, peers: Int)) -> String {
    """
    region: lab-\(number)
    ordinal: \(number)
    jurisdiction: IE
    name: Laboratory \(number)
    location: { latitude: 53.35, longitude: -6.26 }
    coordinator: { listen: 127.0.0.1:\(ports.apps), public: "https://localhost:\(ports.apps)" }
    peer: { listen: 127.0.0.1:\(ports.peers), url: "https://localhost:\(ports.peers)" }
    store: { dsn: "${DOMICILE_LAB_\(number)_DSN}", keys_dsn: "${DOMICILE_LAB_\(number)_KEYS_DSN}" }
    audit: { origin: lab-\(number).domicile.example/audit, witnesses: [] }

    """
  }
}
