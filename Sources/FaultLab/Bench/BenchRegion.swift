package import Coordinator
import FoundationEssentials
package import Residency

/// One region with its real parts, for the benchmark: a private PostgreSQL cluster with a synchronous standby that is entered over TCP
/// with TLS, as a region's cluster is, and a coordinator in a process of its own, whose binary is the program that is measured.
package struct BenchRegion: Sendable {
  package let catalog: RegionCatalog
  package let region: RegionDescriptor
  package let state: StateFolder
  package let deployment: LocalDeployment

  /// - Parameters:
  ///   - folder: the benchmark's own.
  ///   - program: the `domicile` program.
  ///   - policies: the folder of policy files.
  package init(
    folder: String, program: String, policies: String, report: @escaping @Sendable (String) -> Void
  ) throws {
    let regions = "\(folder)/regions"
    try FileManager.default.createDirectory(atPath: regions, withIntermediateDirectories: true)
    let path = "\(regions)/bench.yaml"
    let text = Self.file(ports: (try FreePort.find(), try FreePort.find()))
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    catalog = try RegionCatalog.load([(path, text)], environment: [:], stores: .none)
    guard let region = catalog.regions.first else { throw CancellationError() }
    self.region = region
    state = StateFolder("\(folder)/state")
    deployment = LocalDeployment(
      catalog: catalog, files: .init(program: program, regions: regions, policies: policies), state: state, standbys: 1,
      databasesOverTLS: true,
      databaseSettings: SettledServer.settings,
      report: report)
  }

  private static func file(ports: (apps: Int, peers: Int)) -> String {
    """
    region: bench
    ordinal: 1
    jurisdiction: IE
    name: Benchmark
    location: { latitude: 53.35, longitude: -6.26 }
    coordinator: { listen: 127.0.0.1:\(ports.apps), public: "https://localhost:\(ports.apps)" }
    peer: { listen: 127.0.0.1:\(ports.peers), url: "https://localhost:\(ports.peers)" }
    store: { dsn: "${DOMICILE_BENCH_DSN}", keys_dsn: "${DOMICILE_BENCH_KEYS_DSN}" }
    audit: { origin: bench.domicile.example/audit, witnesses: [] }

    """
  }
}
