import ArgumentParser
import ConfigurationFiles
import FaultLab
import Foundation
import Residency

/// `domicile bench directory`
struct BenchDirectoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "directory",
    abstract: "Measure the directory: how fast it takes entries, spreads them, finds them and is compared.",
    discussion: """
      Starts regions of its own (for each a private PostgreSQL and a coordinator), and lets them replicate over mutual TLS on this \
      machine. The first registers, the second follows, the last is away until each size is reached and then catches up.

      lookups_per_s        found in memory, on one core
      registrations_per_s  committed at the first region, while the others replicate; replicated_per_s until the second has them
      visible_p50_ms       from the answer at the home until all other regions' copies have it, idle; with --delay, that on top
      catchup_per_s        entries that a region takes in after it was away
      bytes_per_entry      of a placement in PostgreSQL with its index; log_bytes_per_entry beside it, until the log is cut
      rss_mb               of the home's coordinator, its cache full
      diff_bytes           sent to find one differing entry among all

      Exit code 5 where a target is missed at the largest size. Measure a release build: swift build -c release.
      """)

  @Option(parsing: .upToNextOption, help: "Entries at which everything is measured.")
  var sizes = [10_000, 100_000, 1_000_000]

  @Option(help: "How many regions.")
  var regions = 3

  @Option(help: "Registrations that are watched on their way, at each size.")
  var watched = 300

  @Option(help: "Milliseconds that a byte is under way from one region to another.")
  var delay = 0

  @Option(help: "Seconds of each measurement of look-ups.")
  var seconds = 5

  @Option(help: "The folder of policy files.", completion: .directory)
  var policies = PolicyFolder.defaultFolder

  @Option(
    help: "Keep everything in this folder. By default a temporary one, removed at the end.", completion: .directory)
  var folder: String?

  @Flag(help: "Print JSON: {\"figures\": {…}, …}.")
  var json = false

  func validate() throws {
    guard !sizes.isEmpty, sizes == sizes.sorted(), sizes.allSatisfy({ (1_000...100_000_000).contains($0) }) else {
      throw ValidationError("--sizes are 1000 to 100000000, ascending.")
    }
    for (name, number, range) in [
      ("regions", regions, 2...9), ("watched", watched, 1...10_000), ("seconds", seconds, 1...600), ("delay", delay, 0...10_000),
    ]
    where !range.contains(number) {
      throw ValidationError("--\(name) is \(range.lowerBound) to \(range.upperBound), not \(number).")
    }
  }

  func run() async throws {
    #if DEBUG
      printError("This is a debug build: its figures say nothing. Measure with 'swift build -c release'.")
    #endif
    let work = try BenchFolder(folder)
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    let report: DirectoryBenchReport
    do {
      let bench = try await LabRegions(
        count: regions, folder: work.path, program: program, policies: policies,
        link: delay > 0 ? LinkCondition(delay: .milliseconds(delay)) : nil, report: { printError("· \($0)") })
      do {
        try await bench.deployment.start()
        report = try await DirectoryBench(
          DirectoryBenchPlan(sizes: sizes, watched: watched, measured: .seconds(seconds), delay: .milliseconds(delay)), on: bench,
          report: { printError("· \($0)") }
        ).run()
      } catch {
        await bench.stop()
        throw error
      }
      await bench.stop()
      work.removeUnlessKept()
    } catch {
      work.removeUnlessKept()
      printError("domicile bench directory: \(error)")
      throw ExitCode(1)
    }
    print(json ? report.json.canonicalText : report.table)
    if !report.missed.isEmpty { throw ExitCode(5) }
  }
}
