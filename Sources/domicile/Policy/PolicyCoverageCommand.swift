import ArgumentParser
import ConfigurationFiles
import PolicyEngine
import Residency

/// `domicile policy coverage [DIR]`
struct PolicyCoverageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage", abstract: "How much of the policies their tests hold still.",
    discussion: """
      Says for each rule in how many cases it applies, and whether a case or an invariant fails once it is deleted; and which situations \
      no case is about, those with the same rules counted as one.

      Exits 0 where every case holds and every rule has a case and would be missed, 1 where not, 2 on wrong usage.
      """)

  @OptionGroup var folder: PolicyFolderInput

  @OptionGroup var days: PolicyDayInput

  @Option(help: "How many untested situations to show, the most frequent first.")
  var show = 10

  @OptionGroup var inputs: PolicyInputs

  func validate() throws {
    guard (0...10_000).contains(show) else { throw ValidationError("--show is 0 to 10000.") }
  }

  func run() async throws {
    let coverage = try PolicyReport.withDiagnostics(json: inputs.json) {
      let (files, policies) = try inputs.load(folder.folder, for: days.day)
      let progress = ProgressLine(total: policies.ruleCount, of: "rules taken away")
      defer { progress.clear() }
      return try policies.coverage(of: files, on: days.day, progress: progress.show)
    }
    inputs.json ? print(coverage.json(show).canonicalText) : printText(coverage)
    guard coverage.isComplete else { throw ExitCode(1) }
  }

  private func printText(_ coverage: PolicyCoverage) {
    let style = TerminalStyle.standardOutput
    for result in coverage.failingCases { print("\(style.bad("failed"))  \(result.location.fileAndLine)  \(result.name)") }
    for rule in coverage.rules where rule.caseCount == 0 || rule.isHeld == false {
      let why = rule.caseCount == 0 ? "no case is about it" : "nothing fails without it"
      print("\(style.bad("loose "))  \(PolicyReport.describe(rule.rule, style))  \(why)")
    }
    if !coverage.untested.isEmpty, show > 0 { print("Situations that no case is about, the most frequent first:") }
    for untested in coverage.untested.prefix(show) {
      let rules = untested.rules.isEmpty ? "no rule applies" : PolicyReport.some(untested.rules.map(\.id), max: 3)
      print("  \(PolicyReport.grouped(untested.count).padded(to: 9))  \(untested.example.description)  \(style.faint(rules))")
    }
    let held = coverage.rules.count { $0.caseCount > 0 && $0.isHeld != false }
    let rules = "\(held) of \(counted(coverage.rules.count, "rule", "rules")) held by cases and invariants"
    print(
      (held == coverage.rules.count ? style.good(rules) : style.bad(rules))
        + "; cases are about \(coverage.testedClassCount) of \(counted(coverage.classCount, "kind", "kinds")) of situations, "
        + "\(coverage.percentTested) % of \(PolicyReport.grouped(coverage.situationCount)) on \(coverage.day)")
  }
}

extension PolicyCoverage {
  fileprivate var percentTested: Int { situationCount == 0 ? 0 : testedSituationCount * 100 / situationCount }

  fileprivate func json(_ show: Int) -> JSONValue {
    [
      "ok": .bool(isComplete), "day": .string(day.description), "situations": .integer(situationCount),
      "tested_situations": .integer(testedSituationCount), "classes": .integer(classCount),
      "tested_classes": .integer(testedClassCount),
      "rules": .array(
        rules.map { rule in
          [
            "rule": rule.rule.json, "cases": .integer(rule.caseCount), "decided": .integer(rule.decidedCount),
            "held": rule.isHeld.map(JSONValue.bool) ?? .null,
          ]
        }),
      "untested": .array(
        untested.prefix(show).map {
          ["example": $0.example.json, "count": .integer($0.count), "rules": .array($0.rules.map { .string($0.id) })]
        }),
      "failing": .array(failingCases.map { .string("\($0.location.fileAndLine) \($0.name)") }),
    ]
  }
}

extension String {
  /// With spaces before it up to `width` characters.
  func padded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
