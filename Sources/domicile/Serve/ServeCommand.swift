import ArgumentParser
import ConfigurationFiles
import ConnectRPC
import Coordinator
import Foundation
import Logging
import Metrics
import PolicyEngine
import Residency
import ServiceLifecycle
import UnixSignals

/// `domicile serve`
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run a coordinator of one region.",
    discussion: """
      Serves apps over TLS and other regions over mutual TLS, until SIGTERM or SIGINT: then it finishes what is in flight. The \
      databases come from the variables that the region's file names; certificates and keys from the state folder ('domicile certs').
      """)

  @Option(help: "Which region, by its name in the region files.")
  var region: String

  @Option(help: "The folder of region files.", completion: .directory)
  var regions = RegionFiles.defaultFolder

  @Option(help: "The folder of policy files.", completion: .directory)
  var policies = PolicyFolder.defaultFolder

  @Option(help: "A bundle of policies ('domicile policy bundle'), in place of the folder.", completion: .file())
  var policyBundle: String?

  @Option(
    help: "A file with the keys that may sign bundles, one a line: a bundle that none of them signed is refused.",
    completion: .file())
  var policyKey: String?

  @Option(help: "Hours for which the last good policies serve other regions, while newer ones cannot be read or are wrong.")
  var policyAgeMax = 24

  @Option(help: "Where certificates, keys and the published audit log are kept.", completion: .directory)
  var state = ".domicile"

  @Option(help: "HOST:PORT for apps, in place of coordinator.listen of the region's file.")
  var listen: String?

  @Option(help: "HOST:PORT for other regions, in place of peer.listen.")
  var peerListen: String?

  @Option(
    help: ArgumentHelp(
      "Reach a region's peer service here, in place of peer.url of its file: a tunnel, a proxy. May be given several times.",
      valueName: "region=https://host:port"))
  var peerAt: [String] = []

  @Option(
    help: "Where the region's checkpoint and tiles are published. By default 'log' in the region's state folder.",
    completion: .directory)
  var auditLog: String?

  @Option(help: "How much to log: trace, debug, info, notice, warning, error.")
  var logLevel = "info"

  @Flag(help: "Also end when standard input ends: for a parent process that must not leave this one behind.")
  var whileStdinOpen = false

  func validate() throws {
    for address in [listen, peerListen].compactMap(\.self) where ListenAddress(address) == nil {
      throw ValidationError("'\(address)' is not HOST:PORT, e.g. 0.0.0.0:7102.")
    }
    for route in peerAt where Self.route(route) == nil {
      throw ValidationError("'\(route)' is not a region and where it is, e.g. eu-west=https://localhost:7302.")
    }
    if policyKey != nil, policyBundle == nil { throw ValidationError("--policy-key goes with --policy-bundle.") }
    guard (1...8_760).contains(policyAgeMax) else { throw ValidationError("--policy-age-max is 1 to 8760 hours.") }
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("'\(logLevel)' is not a log level. Known: trace, debug, info, notice, warning, error, critical.")
    }
  }

  func run() async throws {
    let level = Logger.Level(rawValue: logLevel) ?? .info
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    let metrics = PrometheusRegistry()
    MetricsSystem.bootstrap(metrics)
    var logger = Logger(label: "domicile")
    logger[metadataKey: "region"] = "\(region)"
    do {
      let coordinator = try await Coordinator(try configuration(metrics), logger: logger)
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [.init(service: coordinator)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
      if whileStdinOpen { Self.onEndOfInput { Task { await group.triggerGracefulShutdown() } } }
      try await group.run()
    } catch let error as ConfigurationError {
      printError(error.description)
      throw ExitCode(1)
    } catch {
      printError("domicile serve: \(error)")
      throw ExitCode(1)
    }
  }

  private func policySource(_ places: [Place], of id: RegionID) throws -> PolicySource {
    let ageMax = Duration.seconds(policyAgeMax * 3_600)
    guard let policyBundle else { return PolicyFolder.source(policies, regions: places, ageMax: ageMax) }
    let keys = try policyKey.map { try PolicyBundleFile.keys($0) } ?? []
    return PolicyBundleFile.source(
      policyBundle, keys: keys, ledger: PolicyLedger(state: StateFolder(state), region: id), regions: places, ageMax: ageMax)
  }

  private static func route(_ text: String) -> (RegionID, HTTPSOrigin)? {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, let region = RegionID(parts[0]), let origin = try? HTTPSOrigin(parts[1]) else { return nil }
    return (region, origin)
  }

  private func peerRoutes(_ catalog: RegionCatalog) throws -> [RegionID: HTTPSOrigin] {
    var routes: [RegionID: HTTPSOrigin] = [:]
    for (id, origin) in peerAt.compactMap(Self.route) {
      guard catalog[id] != nil else { throw ValidationError("--peer-at: there is no region '\(id)' in \(regions).") }
      routes[id] = origin
    }
    return routes
  }

  private static func onEndOfInput(_ body: @escaping @Sendable () -> Void) {
    Thread.detachNewThread {
      while !FileHandle.standardInput.availableData.isEmpty {}
      body()
    }
  }

  private func configuration(_ metrics: PrometheusRegistry) throws -> CoordinatorConfiguration {
    let files = try RegionFiles.read(regions)
    guard let id = RegionID(region) else { throw ValidationError("'\(region)' is not the name of a region.") }
    let catalog = try RegionCatalog.load(files, environment: ProcessInfo.processInfo.environment, local: id)
    guard let descriptor = catalog[id] else {
      let known = catalog.regions.map(\.id.rawValue)
      let hint = nearest(region, in: known).map { "Did you mean '\($0)'?" } ?? "Known: \(known.joined(separator: ", "))."
      throw ValidationError("There is no region '\(region)' in \(regions). \(hint)")
    }
    let places = catalog.regions.map { Place(region: $0.id, jurisdiction: $0.jurisdiction) }
    let source = try policySource(places, of: id)
    let policySet = try source.load()
    for warning in policySet.warnings { printError(warning.description) }
    var configuration = CoordinatorConfiguration(
      region: descriptor, catalog: catalog, policies: policySet, state: StateFolder(state), renderMetrics: { metrics.render() })
    configuration.policySource = source
    if let address = listen.flatMap({ ListenAddress($0) }) { configuration.listen = address }
    if let address = peerListen.flatMap({ ListenAddress($0) }) { configuration.peerListen = address }
    configuration.peerRoutes = try peerRoutes(catalog)
    if let auditLog { configuration.auditLog = auditLog }
    return configuration
  }
}
