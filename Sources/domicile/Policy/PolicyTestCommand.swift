import ArgumentParser
import ConfigurationFiles
import PolicyEngine
import Residency

/// `domicile policy test [DIR]`
struct PolicyTestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Run the tests that stand beside the policies.",
    discussion: """
      A test file NAME.test.yaml holds requests at a pinned day, and for each the decision, rule and views that must come out. \
      Exits 0 where every case holds, 1 where one does not or a file has an error, 2 on wrong usage.
      """)

  @OptionGroup var folder: PolicyFolderInput

  @OptionGroup var inputs: PolicyInputs

  func run() async throws {
    let results = try PolicyReport.withDiagnostics(json: inputs.json) {
      let (files, policies) = try inputs.load(folder.folder)
      return try PolicyTests.run(files, against: policies)
    }
    inputs.json ? print(json(results)) : printText(results)
    guard !results.isEmpty, results.allSatisfy(\.passed) else { throw ExitCode(1) }
  }

  private func printText(_ results: [PolicyTestResult]) {
    let style = TerminalStyle.standardOutput
    for result in results {
      let mark = result.passed ? style.good("passed") : style.bad("failed")
      print("\(mark)  \(result.location.fileAndLine)  \(result.name)")
      for failure in result.failures { print("        \(failure)") }
    }
    let failed = results.count { !$0.passed }
    if results.isEmpty {
      printError("there are no tests in \(folder.folder): write NAME.test.yaml beside a policy")
    } else {
      print("\(counted(results.count, "case", "cases")), \(failed == 0 ? style.good("all hold") : style.bad("\(failed) failed"))")
    }
  }

  private func json(_ results: [PolicyTestResult]) -> String {
    let report: JSONValue = [
      "ok": .bool(!results.isEmpty && results.allSatisfy(\.passed)),
      "cases": .array(
        results.map { result in
          [
            "name": .string(result.name), "at": .string(result.location.fileAndLine), "passed": .bool(result.passed),
            "failures": .array(result.failures.map(JSONValue.string)),
          ]
        }),
    ]
    return report.canonicalText
  }
}
