import ArgumentParser
import ConfigurationFiles
import FaultLab
import Foundation
import Residency

/// `domicile bench`
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure a region, the directory between regions, the policy engine alone, or the auditors' command line.",
    subcommands: [BenchRegionCommand.self, BenchDirectoryCommand.self, BenchPolicyCommand.self, BenchAuditCommand.self],
    defaultSubcommand: BenchRegionCommand.self)
}

/// `domicile bench region`
struct BenchRegionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "region", abstract: "Measure a region against what its own PostgreSQL and its own server can do.",
    discussion: """
      Starts a region of its own (a private PostgreSQL with a synchronous standby, and a coordinator), fills it, and loads it over \
      HTTPS in a closed loop. The ratios compare, in the same run and on the same cluster, with pgbench and with a call that does \
      nothing. Measure a release build: swift build -c release.
      """)

  @Argument(help: "What to measure: local-read, batch-read, write, mixed.")
  var scenarios: [BenchScenario] = []

  @Flag(help: "Measure everything.")
  var all = false

  @Option(help: "How many people the region holds.")
  var subjects = 10_000

  @Option(help: "Connections at once.")
  var connections = 16

  @Option(help: "Connections at once of the scenario write.")
  var writeConnections = 64

  @Option(help: "Calls at once on each connection: one over HTTP/1.1, more over HTTP/2. A batch-read is one call at a time.")
  var calls = 8

  @Option(help: "Seconds of each measurement.")
  var seconds = 5

  @Option(help: "Seconds of load before each measurement.")
  var warmUp = 1

  @Option(help: "Measurements of each kind, in turns. The median is told.")
  var rounds = 3

  @Option(help: "How calls are encoded: proto or json.")
  var codec = LoadCodec.proto

  @Option(help: "Of the random choices.")
  var seed: UInt64 = 1

  @Option(help: "The folder of policy files.", completion: .directory)
  var policies = PolicyFolder.defaultFolder

  @Option(
    help: "Keep everything in this folder, and use it again. By default a temporary one, removed at the end.",
    completion: .directory)
  var folder: String?

  @Flag(help: "Print JSON: {\"figures\": {…}, …}.")
  var json = false

  func validate() throws {
    guard all || !scenarios.isEmpty else {
      throw ValidationError("Say what to measure: local-read, batch-read, write, mixed, or --all.")
    }
    for (name, number, most) in [
      ("subjects", subjects, 10_000_000), ("connections", connections, 1_024), ("write-connections", writeConnections, 1_024),
      ("calls", calls, 100), ("seconds", seconds, 600), ("rounds", rounds, 100),
    ] where !(1...most).contains(number) {
      throw ValidationError("--\(name) is 1 to \(most), not \(number).")
    }
    guard (0...600).contains(warmUp) else { throw ValidationError("--warm-up is 0 to 600 seconds, not \(warmUp).") }
  }

  func run() async throws {
    #if DEBUG
      printError("This is a debug build: its figures say nothing. Measure with 'swift build -c release'.")
    #endif
    let work = try BenchFolder(folder)
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    do {
      let bench = try BenchRegion(folder: work.path, program: program, policies: policies, report: { printError("· \($0)") })
      let plan = BenchPlan(
        scenarios: all ? BenchScenario.allCases : scenarios, subjects: subjects, connections: connections,
        writeConnections: writeConnections, callsAtOnce: calls, warmUp: .seconds(warmUp), measured: .seconds(seconds),
        rounds: rounds, codec: codec, seed: seed)
      do {
        try await bench.deployment.start()
        let report = try await Bench(plan, on: bench, report: { printError("· \($0)") }).run()
        print(json ? report.json.canonicalText : report.table)
      } catch {
        await bench.deployment.stop()
        throw error
      }
      await bench.deployment.stop()
      work.removeUnlessKept()
    } catch {
      work.removeUnlessKept()
      printError("domicile bench: \(error)")
      throw ExitCode(1)
    }
  }
}

extension BenchScenario: ExpressibleByArgument {}
extension LoadCodec: ExpressibleByArgument {}

/// Where a benchmark's region lives.
struct BenchFolder {
  let path: String
  private let isKept: Bool

  init(_ named: String?) throws {
    isKept = named != nil
    path =
      try named ?? FileManager.default.temporaryDirectory.appending(path: "domicile-bench-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    // PostgreSQL runs as another user where this runs as root.
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  func removeUnlessKept() {
    if !isKept { try? FileManager.default.removeItem(atPath: path) }
  }
}
