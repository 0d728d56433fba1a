import ArgumentParser
import FaultLab
import Foundation
import Residency

/// `domicile bench audit`
struct BenchAuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Measure the auditors' command line: a whole verification, questions with an index, proofs.",
    discussion: """
      Writes a log of made-up events, and runs domicile-audit on it.

      verify_s         a whole verification from an empty start; times_as_fast: as the rival that builds the same tree
      verify_peak_mb   the most that it had in memory
      index_s          the first question, which reads and verifies everything and makes an index
      query_s          all events about one person, with the index
      prove_ms         one proof, beside the program's start (start_ms)

      Exit code 5 where a target is missed. Measure release builds: swift build -c release.
      """)

  @Option(help: "How many leaves the log has.")
  var leaves = 1_000_000

  @Option(help: "Measurements of each kind. The median is told.")
  var rounds = 3

  @Option(help: ArgumentHelp("domicile-audit. By default the one beside this program.", valueName: "file"), completion: .file())
  var program: String?

  @Option(
    help: ArgumentHelp(
      "A program that builds the same tree: called as FILE -speed LOG, it prints the seconds that it took. See deploy/verifiers.",
      valueName: "file"), completion: .file())
  var rival: String?

  @Option(help: "Keep the log in this folder, and use it again. By default a temporary one.", completion: .directory)
  var folder: String?

  @Flag(help: "Print JSON: {\"figures\": {…}, …}.")
  var json = false

  func validate() throws {
    guard (1_000...100_000_000).contains(leaves) else { throw ValidationError("--leaves is 1000 to 100000000, not \(leaves).") }
    guard (1...100).contains(rounds) else { throw ValidationError("--rounds is 1 to 100, not \(rounds).") }
  }

  func run() async throws {
    #if DEBUG
      printError("This is a debug build: its figures say nothing. Measure with 'swift build -c release'.")
    #endif
    let work = try BenchFolder(folder)
    let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let plan = AuditBenchPlan(
      leafCount: leaves, rounds: rounds, program: program ?? own.appending(path: "domicile-audit").path, rival: rival)
    let report: AuditBenchReport
    do {
      report = try await AuditBench(plan, in: work.path, report: { printError("· \($0)") }).run()
      work.removeUnlessKept()
    } catch {
      work.removeUnlessKept()
      printError("domicile bench audit: \(error)")
      throw ExitCode(1)
    }
    print(json ? report.json.canonicalText : report.table)
    if !report.missed.isEmpty { throw ExitCode(5) }
  }
}
