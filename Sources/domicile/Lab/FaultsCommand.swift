import ArgumentParser
import ConfigurationFiles
import FaultLab
import Foundation
import Residency
import UnixSignals

/// `domicile lab faults`
struct FaultsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faults", abstract: "Break a region under load, and check that it told its clients no lie.",
    discussion: """
      Starts a region of three nodes with Patroni (deploy/patroni/region) and two coordinators, and loads it over HTTPS with reads, \
      writes and compare-and-sets of a few records. Under that load each fault strikes, is held and undone. What every client asked \
      and was told is recorded as JSON Lines, and checked for linearizability, record by record.

      Exit code 1 where a history is not linearizable or cannot be decided, an acknowledged write is lost, a write was carried out \
      twice, or a fault did not happen; 69 where Patroni cannot be installed.

      Faults: \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).
      """)

  @Option(name: .customLong("dir"), help: "A folder to work in. By default a temporary one.", completion: .directory)
  var folder: String?

  @Option(help: "For how many seconds each fault is held once its effect is seen.")
  var seconds = 10

  @Option(parsing: .upToNextOption, help: "Only these faults.")
  var only: [Fault] = []

  @Option(help: "Of the clients' choices.")
  var seed: UInt64 = 1

  @Option(help: "How many clients there are at once.")
  var connections = 12

  @Option(help: "Keep the histories in this folder. By default they are kept where something is found.", completion: .directory)
  var history: String?

  @Option(help: "The script that runs the region.", completion: .file())
  var regionScript = "deploy/patroni/region"

  @Option(help: "The folder of policy files.", completion: .directory)
  var policies = PolicyFolder.defaultFolder

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard (1...600).contains(seconds) else { throw ValidationError("--seconds is 1 to 600, not \(seconds).") }
    guard (4...256).contains(connections) else { throw ValidationError("--connections is 4 to 256, not \(connections).") }
    guard FileManager.default.isExecutableFile(atPath: regionScript) else {
      throw ValidationError("There is no script \(regionScript). Run this in the checkout, or name it with --region-script.")
    }
    if geteuid() != 0, let fault = only.first(where: \.needsRoot) {
      throw ValidationError("\(fault.rawValue) takes root.")
    }
  }

  func run() async throws {
    let work = try LabFolder(folder, histories: history)
    // Trapped from here on: whatever was started is stopped again.
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    let plan = FaultPlan(
      faults: faults, held: .seconds(seconds), connections: connections, seed: seed, histories: work.histories)
    let outcome = await outcome(of: plan, in: work, signals)
    switch outcome {
    case .success(let report):
      print(json ? report.json.canonicalText : report.table)
      work.remove(keepingHistories: history != nil || !report.succeeded)
      guard report.succeeded else { throw ExitCode(1) }
    case .failure(let error):
      work.remove(keepingHistories: history != nil)
      printError("domicile lab faults: \(error is CancellationError ? "interrupted" : "\(error)")")
      if case PatroniRegion.Failure.notInstallable = error { throw ExitCode(69) }
      throw ExitCode(1)
    }
  }

  /// Without root, those that need none.
  private var faults: [Fault] {
    guard only.isEmpty else { return only }
    return Fault.allCases.filter { geteuid() == 0 || !$0.needsRoot }
  }

  /// Interrupted, it still removes what it started before it returns.
  private func outcome(
    of plan: FaultPlan, in work: LabFolder, _ signals: UnixSignalsSequence
  ) async -> Result<FaultReport, any Error> {
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    let files = FaultCluster.Files(
      program: program, policies: policies, regionScript: URL(filePath: regionScript).standardizedFileURL.path, folder: work.path)
    let running = Task {
      try await FaultLaboratory(plan, files: files, report: { printError("· \($0)") }).run()
    }
    let watching = Task {
      for await _ in signals {
        printError("Stopping …")
        running.cancel()
      }
    }
    let result = await running.result
    watching.cancel()
    return result
  }
}

extension Fault: ExpressibleByArgument {}

/// Where a lab's region and its records lie.
private struct LabFolder {
  let path: String
  let histories: String
  private let isTemporary: Bool

  init(_ named: String?, histories: String?) throws {
    isTemporary = named == nil
    path =
      named.map { URL(filePath: $0).standardizedFileURL.path }
      ?? FileManager.default.temporaryDirectory.appending(path: "domicile-lab-\(UUID().uuidString.prefix(8))").path
    self.histories = histories ?? "\(path)/histories"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    // PostgreSQL runs as another user where this runs as root.
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  /// A folder that was named stays as it is.
  func remove(keepingHistories: Bool) {
    guard isTemporary else { return }
    if !keepingHistories || !histories.hasPrefix(path) {
      try? FileManager.default.removeItem(atPath: path)
      return
    }
    printError("The histories and the logs are kept in \(path).")
  }
}
