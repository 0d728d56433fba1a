import AuditTrail
import FoundationEssentials
import Glibc
package import Residency

/// What is measured of the auditor's command line.
package struct AuditBenchPlan: Sendable {
  package let leafCount: Int
  package let rounds: Int
  /// `domicile-audit`.
  package let program: String
  /// A program of somebody else that builds the same tree: it is given the log's folder, and prints the seconds that it took.
  package let rival: String?

  package init(leafCount: Int, rounds: Int, program: String, rival: String?) {
    self.leafCount = leafCount
    self.rounds = rounds
    self.program = program
    self.rival = rival
  }
}

/// Measures `domicile-audit` as a program, on a log of made-up events: a whole verification, questions with an index, proofs.
package struct AuditBench: Sendable {
  private let plan: AuditBenchPlan
  private let folder: String
  private let report: @Sendable (String) -> Void

  package init(_ plan: AuditBenchPlan, in folder: String, report: @escaping @Sendable (String) -> Void) {
    self.plan = plan
    self.folder = folder
    self.report = report
  }

  package func run() async throws -> AuditBenchReport {
    if !FileManager.default.fileExists(atPath: "\(folder)/log/checkpoint") {
      _ = try await AuditBenchLog.write(leafCount: plan.leafCount, in: folder, report: report)
    }
    var figures: [String: Double] = [:]
    var verifications: [MeasuredRun] = []
    var rivals: [Double] = []
    for round in 1...plan.rounds {
      report("round \(round) of \(plan.rounds): verify")
      verifications.append(try await audit("verify"))
      if let rival = plan.rival {
        let run = try await MeasuredRun([rival, "-speed", "\(folder)/log"], in: folder)
        guard let seconds = run.output.split(separator: " ").compactMap({ Double($0) }).first else {
          throw AuditBenchFailure.silentRival(rival, output: run.output)
        }
        rivals.append(seconds)
      }
    }
    let seconds = Self.median(verifications.map(\.seconds))
    figures["verify_s"] = seconds
    figures["verify_leaves_per_s"] = Double(plan.leafCount) / seconds
    figures["verify_peak_mb"] = verifications.map(\.peakMegabytes).max()
    if !rivals.isEmpty {
      figures["rival_s"] = Self.median(rivals)
      figures["times_as_fast"] = Self.median(rivals) / seconds
    }
    report("index")
    try? FileManager.default.removeItem(atPath: "\(folder)/memory")
    let question = ["query", "--subject", AuditBenchLog.subject, "--remember", "\(folder)/memory", "--format", "json"]
    figures["index_s"] = try await audit(question).seconds
    figures["query_s"] = Self.median(try await times(3 * plan.rounds) { try await audit(question).seconds })
    // The same command line but for a trust file that is not there: what it takes to start and to understand the question.
    func proving(_ trust: String) -> [String] {
      let index = Int.random(in: 0..<plan.leafCount)
      return ["prove", "--index", "\(index)", "-o", "\(folder)/proof", "--log", "\(folder)/log", "--trust", "\(folder)/\(trust)"]
    }
    var starts: [Double] = []
    var proofs: [Double] = []
    for _ in 0..<20 * plan.rounds {
      starts.append(try await run(proving("no-trust.txt"), status: 4).seconds * 1_000)
      proofs.append(try await run(proving("trust.txt")).seconds * 1_000)
    }
    figures["start_ms"] = Self.median(starts)
    figures["prove_ms"] = Self.median(proofs) - Self.median(starts)
    return AuditBenchReport(machine: Machine.description, leafCount: plan.leafCount, figures: figures)
  }

  private func audit(_ word: String) async throws -> MeasuredRun { try await audit([word]) }

  private func audit(_ words: [String]) async throws -> MeasuredRun {
    try await run(words + ["--log", "\(folder)/log", "--trust", "\(folder)/trust.txt"])
  }

  private func run(_ words: [String], status: Int32 = 0) async throws -> MeasuredRun {
    let run = try await MeasuredRun([plan.program] + words, in: folder)
    guard run.status == status else {
      throw AuditBenchFailure.program(words.joined(separator: " "), status: run.status, output: run.output)
    }
    return run
  }

  private func times(_ count: Int, _ body: () async throws -> Double) async throws -> [Double] {
    var found: [Double] = []
    for _ in 0..<count { found.append(try await body()) }
    return found
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// Why the auditor's command line could not be measured.
package enum AuditBenchFailure: Error, CustomStringConvertible {
  case program(String, status: Int32, output: String)
  case silentRival(String, output: String)
  /// A leaf or a key of the made-up log could not be made.
  case noLog

  package var description: String {
    switch self {
    case .program(let words, let status, let output):
      "'domicile-audit \(words)' ended with status \(status): \(output.suffix(500))\nSay with --program where it is, and give a --folder of this benchmark's own."
    case .silentRival(let rival, let output):
      "\(rival) did not say how many seconds it took: \(output.suffix(500))\nBuild it from deploy/verifiers/log.go."
    case .noLog: "the log of made-up events could not be written"
    }
  }
}

/// A program that was run to its end.
struct MeasuredRun: Sendable {
  let status: Int32
  let output: String
  let seconds: Double
  /// The most that it had in memory, in MB (10⁶ bytes).
  let peakMegabytes: Double

  init(_ command: [String], in folder: String) async throws {
    let file = "\(folder)/output-\(UInt64.random(in: 0 ... .max))"
    let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer {
      close(descriptor)
      unlink(file)
    }
    let started = ContinuousClock.now
    let child = try ChildProcess.start(command, in: folder, input: nil, output: descriptor)
    let (status, usage) = await Self.end(of: child)
    seconds = (ContinuousClock.now - started) / .seconds(1)
    self.status = status
    peakMegabytes = Double(usage.ru_maxrss) * 1_024 / 1e6
    output = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
  }

  private static func end(of child: pid_t) async -> (Int32, rusage) {
    let result = await ChildProcess.onOwnThread { () -> (Int32, rusage) in
      var status: Int32 = 0
      var usage = rusage()
      while wait4(child, &status, 0, &usage) < 0, errno == EINTR {}
      return (status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f, usage)
    }
    switch result {
    case .success(let end): return end
    }
  }
}
