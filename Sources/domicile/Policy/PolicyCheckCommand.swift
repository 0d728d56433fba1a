import ArgumentParser
import ConfigurationFiles
import PolicyEngine
import Residency

/// `domicile policy check [DIR]`
struct PolicyCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check all policy files together.",
    discussion: """
      Prints every error with its file, line and what to write instead. Lists and agreements past their review are warnings. \
      Exits 0 where the policies would be served, 1 where they would not, 2 on wrong usage.
      """)

  @OptionGroup var folder: PolicyFolderInput

  @OptionGroup var days: PolicyDayInput

  @OptionGroup var inputs: PolicyInputs

  func run() async throws {
    do {
      let (files, policies) = try inputs.load(folder.folder, for: days.day)
      // A test that cannot be read tests nothing.
      let caseCount = try PolicyTests.count(files, of: policies)
      report(policies, caseCount: caseCount, fileCount: files.count { !$0.isTest })
    } catch let error as ConfigurationError {
      report(error)
      throw ExitCode(1)
    }
  }

  private func report(_ policies: PolicySet, caseCount: Int, fileCount: Int) {
    if inputs.json {
      let counts: JSONValue = [
        "files": .integer(fileCount), "policies": .integer(policies.packs.count), "rules": .integer(policies.ruleCount),
        "collections": .integer(policies.collectionNames.count), "cases": .integer(caseCount),
      ]
      let report: JSONValue = [
        "ok": true, "revision": .string(policies.revision), "counts": counts,
        "monitored": .array(policies.monitoredPacks.map { .string($0.name) }),
        "diagnostics": .array(policies.warnings.map(\.json)),
      ]
      return print(report.canonicalText)
    }
    let style = TerminalStyle.standardOutput
    for warning in policies.warnings { print(warning.description) }
    for pack in policies.monitoredPacks {
      print(
        "\(style.doubtful("monitor"))  \(pack.name)  \(style.faint(pack.location.fileAndLine))  what it would decide is recorded, "
          + "and not done")
    }
    let counts = [
      counted(fileCount, "file", "files"), counted(policies.packs.count, "policy", "policies"),
      counted(policies.ruleCount, "rule", "rules"), counted(policies.collectionNames.count, "collection", "collections"),
      counted(caseCount, "test case", "test cases"),
    ]
    let warnings = policies.warnings.isEmpty ? "" : ", " + style.doubtful(counted(policies.warnings.count, "warning", "warnings"))
    print("\(counts.joined(separator: ", ")): \(style.good("no errors"))\(warnings)")
    print(style.faint("revision \(policies.revision)"))
  }

  private func report(_ error: ConfigurationError) {
    if inputs.json {
      let report: JSONValue = ["ok": false, "diagnostics": .array(error.diagnostics.map(\.json))]
      return print(report.canonicalText)
    }
    let errors = error.diagnostics.count { $0.severity == .error }
    let warnings = error.diagnostics.count - errors
    printError(error.description)
    printError(counted(errors, "error", "errors") + (warnings == 0 ? "" : ", " + counted(warnings, "warning", "warnings")))
  }
}

/// `1 rule`, `2 rules`.
func counted(_ count: Int, _ one: String, _ many: String) -> String { "\(count) \(count == 1 ? one : many)" }

extension Diagnostic {
  var json: JSONValue {
    var members: [String: JSONValue] = [
      "severity": .string(severity.rawValue), "file": .string(location.file), "line": .integer(location.line),
      "column": .integer(location.column), "message": .string(message),
    ]
    if let help { members["help"] = .string(help) }
    return .object(members)
  }
}
