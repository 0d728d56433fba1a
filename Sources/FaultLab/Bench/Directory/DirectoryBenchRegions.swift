package import Coordinator
import FoundationEssentials
package import Residency

/// The regions that a benchmark of the directory replicates between, with their real parts, on one machine.
package struct DirectoryBenchRegions: Sendable {
  package let catalog: RegionCatalog
  package let state: StateFolder
  package let deployment: LocalDeployment

  /// - Parameters:
  ///   - folder: the benchmark's own.
  ///   - program: the `domicile` program.
  ///   - policies: the folder of policy files.
  package init(
    count: Int, folder: String, program: String, policies: String, report: @escaping @Sendable (String) -> Void
  ) throws {
    let regions = "\(folder)/regions"
    try FileManager.default.createDirectory(atPath: regions, withIntermediateDirectories: true)
    let files = try (1...count).map { number in
      let path = "\(regions)/bench-\(number).yaml"
      let text = Self.file(number, ports: (try FreePort.find(), try FreePort.find()))
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      return (path, text)
    }
    catalog = try RegionCatalog.load(files, environment: [:], stores: .none)
    state = StateFolder("\(folder)/state")
    deployment = LocalDeployment(
      catalog: catalog, files: .init(program: program, regions: regions, policies: policies), state: state, standbys: 0,
      databaseSettings: SettledLog.settings.merging(["shared_buffers": "\(Machine.megabytes / 16)MB"]) { _, own in own },
      report: report)
  }

  private static func file(_ number: Int, ports: (apps: Int, peers: Int)) -> String {
    """
    region: bench-\(number)
    ordinal: \(number)
    jurisdiction: IE
    name: Benchmark \(number)
    location: { latitude: 53.35, longitude: -6.26 }
    coordinator: { listen: 127.0.0.1:\(ports.apps), public: "https://localhost:\(ports.apps)" }
    peer: { listen: 127.0.0.1:\(ports.peers), url: "https://localhost:\(ports.peers)" }
    store: { dsn: "${DOMICILE_BENCH_\(number)_DSN}", keys_dsn: "${DOMICILE_BENCH_\(number)_KEYS_DSN}" }
    audit: { origin: bench-\(number).domicile.example/audit, witnesses: [] }

    """
  }
}
