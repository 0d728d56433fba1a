import ArgumentParser
import AuditReports
import AuditTrail
import Foundation
import Residency

extension ReportFramework: ExpressibleByArgument {}

enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case md, html, json, csv

  func bytes(_ document: ReportDocument) -> [UInt8] {
    switch self {
    case .md: Array(document.markdown.utf8)
    case .html: Array(document.html.utf8)
    case .json: document.json.canonicalBytes + [0x0a]
    case .csv: Array(document.csv.utf8)
    }
  }
}

/// What every command that makes a report takes.
struct ReportOptions: ParsableArguments {
  @Option(help: "md, html, json or csv.")
  var format: ReportFormat = .md

  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Where to write it; standard output otherwise.", valueName: "file"))
  var out: String?

  @Option(
    help: ArgumentHelp(
      "What no log knows, in YAML: \(ReportContext.keys.joined(separator: ", ")); each a text or a list of texts.",
      valueName: "file"))
  var context: String?

  func readContext() throws -> ReportContext {
    guard let context else { return .nothing }
    do {
      return try ReportContext(parsing: String(decoding: try readFile(context, .usage), as: UTF8.self), file: context)
    } catch let error as ConfigurationError {
      throw AuditFailure(.usage, "the context file is not valid\n\(error)")
    }
  }

  /// Writes the report, and says on standard error what it came to.
  func publish(_ document: ReportDocument) throws -> ExitCode {
    let bytes = format.bytes(document)
    if let out { try writeFile(bytes, out) } else { FileHandle.standardOutput.write(Data(bytes)) }
    let verdicts = document.logs.map { "\($0.name): \($0.report.exit.word)" }
    Terminal.error(
      (verdicts + document.violations.map { "violation: \($0)" } + (out.map { ["written to \($0)"] } ?? [])).map(
        Terminal.harmless
      )
      .joined(separator: "\n"))
    return ExitCode(document.exit.rawValue)
  }
}

extension LogOptions {
  /// Reads the logs and makes a report of them.
  func report(_ builder: ReportBuilder, scans: [ScanResult] = []) async throws -> ReportDocument {
    var builder = builder
    let logs = try await withClient { client in
      var logs: [ReadLog] = []
      for target in try targets(client) {
        let name = await target.fetchCheckpoint().origin?.description ?? target.name
        let wanted = builder
        var made = builder
        logs.append(
          try await target.read(
            remembered: remember, completeness: true, keeping: wanted.needs, visiting: { made.add($0, of: name) }))
        builder = made
      }
      return logs.reconciled()
    }
    return builder.document(
      logs.map {
        ReportedLog(
          name: $0.report.checkpoint?.checkpoint.origin.description ?? $0.target.name,
          trustIsOperators: $0.target.trust.isOperators,
          report: $0.report)
      }, scans: scans)
  }
}

struct Report: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a report out of logs that are verified on the way.",
    discussion: """
      gdpr-ropa       records of processing activities (GDPR Art. 30)
      gdpr-ch5        transfers to third countries and what they rest on (GDPR Chapter V)
      transfers       register of all transfers across borders
      soc2-p6         every disclosure and every refusal (Trust Services Criteria P6.2, P6.3)
      iso27701        evidence for the controls on sharing, transfer and disclosure
      residency       where people are at home, and what scans of stores found
      rights          what people's rights led to
      policy-history  which policies decided, from when to when
      breach          see 'domicile-audit breach'

      The same logs, checkpoints, trust files and period give the same report, byte for byte. Exit status 5 where the report found what the \
      framework forbids.
      """)

  @OptionGroup var options: LogOptions
  @OptionGroup var report: ReportOptions

  @Option(help: "Which report; see above.")
  var framework: ReportFramework

  @Option(
    help: ArgumentHelp(
      "2026, 2026-Q4, 2026-11, 2026-11-22, or two of these with .. between them. UTC. All otherwise.", valueName: "time"))
  var period: String?

  @Option(help: ArgumentHelp("What 'domicile-audit scan --json' printed. Repeatable.", valueName: "file"))
  var scan: [String] = []

  func validate() throws { _ = try reportPeriod() }

  private func reportPeriod() throws -> ReportPeriod {
    guard let period else { return .everything }
    guard let parsed = ReportPeriod(period) else {
      throw ValidationError("'\(period)' is no period such as 2026, 2026-Q4, 2026-11, 2026-11-22 or 2026-10..2026-11.")
    }
    return parsed
  }

  func run() async throws {
    let builder = ReportBuilder(framework, period: try reportPeriod(), context: try report.readContext())
    throw try report.publish(try await options.report(builder, scans: try scan.flatMap(readScan)))
  }

  private func readScan(_ file: String) throws -> [ScanResult] {
    let bytes = try readFile(file, .usage)
    guard let json = try? JSONValue(parsing: bytes), let scans = json["scans"]?.arrayValue?.map({ ScanResult($0) }),
      !scans.contains(nil)
    else { throw AuditFailure(.usage, "\(file) is not what 'domicile-audit scan --json' prints") }
    return scans.compactMap { $0 }
  }
}

struct Breach: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say whose data was touched, of which classes and by whom, in a time when something was in the wrong hands.")

  @OptionGroup var options: LogOptions
  @OptionGroup var report: ReportOptions

  @Option(help: ArgumentHelp("From when: 2026-11-22, or 2026-11-22T13:00Z. UTC.", valueName: "time"), transform: UTCTime.option)
  var since: UTCTime

  @Option(help: ArgumentHelp("Until when. Until the checkpoint otherwise.", valueName: "time"), transform: UTCTime.option)
  var until: UTCTime?

  func validate() throws { _ = try period() }

  private func period() throws -> ReportPeriod {
    guard until.map({ since < $0 }) ?? true else { throw ValidationError("--until is not after --since.") }
    return ReportPeriod(since: since, until: until)
  }

  func run() async throws {
    let builder = ReportBuilder(.breach, period: try period(), context: try report.readContext())
    throw try report.publish(try await options.report(builder))
  }
}
