import ArgumentParser
import AuditTrail
import Foundation
import Residency

struct Watch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Follow logs: verify what is new again and again, and say at once what is wrong.",
    discussion: """
      Each round verifies what came since the last one, and that the log has grown from it. Proven tampering ends the watch with exit status \
      1. Anything else that is wrong, or not reachable, is said when it starts and when it ends, and the watch goes on. With --rounds it ends \
      by itself, with the status of the last round.
      """)

  @OptionGroup var options: LogOptions

  @Option(help: ArgumentHelp("How long from one round to the next: 30s, 5m, 1h.", valueName: "time"))
  var interval: Interval?

  @Option(help: "End after so many rounds.")
  var rounds: Int?

  @Flag(help: "Print each change as a line of JSON.")
  var json = false

  func validate() throws {
    if let rounds, rounds < 1 { throw ValidationError("--rounds is at least 1.") }
    if options.remember == nil {
      throw ValidationError("watch needs --remember DIR, a folder of your own: what it has seen must outlive it.")
    }
    if options.checkpoint != nil { throw ValidationError("watch follows the newest checkpoint: leave --checkpoint out.") }
  }

  func run() async throws {
    let status = try await options.withClient { client in
      let targets = try options.targets(client)
      var seen: [String: WatchState] = [:]
      var round = 0
      while true {
        round += 1
        var worst = AuditExit.verified
        for target in targets {
          let report = try await follow(target)
          let state = WatchState(report)
          if seen[target.name] != state { say(target, state, report) }
          seen[target.name] = state
          worst = worst.combined(with: report.exit)
        }
        if worst == .tampered || round == rounds { return worst }
        try await Task.sleep(for: interval?.duration ?? .seconds(30))
      }
    }
    throw ExitCode(status.rawValue)
  }

  private func follow(_ target: LogTarget) async throws -> VerificationReport {
    let checkpoint = await target.fetchCheckpoint()
    guard let origin = checkpoint.origin, let folder = options.remember else {
      return try await target.read().report
    }
    return try await target.follow(checkpoint, try AuditMemory(folder: folder, trust: target.trust.policy), origin)
  }

  private func say(_ target: LogTarget, _ state: WatchState, _ report: VerificationReport) {
    let now = UTCTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    if json {
      let line: JSONValue = ["time": .string(now.description), "log": .string(target.name), "verification": report.json]
      print(line.canonicalText)
    } else {
      let size = state.size.map { ", \($0) leaves" } ?? ""
      print("\(now) \(Terminal.harmless(target.name)): \(report.exit.word)\(size)")
      for finding in report.findings { print(Terminal.harmless("  finding: \(finding)")) }
    }
    // Whoever reads a pipe wants it now.
    fflush(nil)
  }
}

/// What a line is said for.
private struct WatchState: Equatable {
  let size: Int?
  let findings: [Finding]

  init(_ report: VerificationReport) {
    size = report.checkpoint?.checkpoint.size
    findings = report.findings
  }
}
