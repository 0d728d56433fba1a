import Coordinator
import FaultLab
import Foundation
import Residency

/// What the demo shows, call by call. Every call is made by running the command line that is printed.
struct DemoStory {
  let deployment: LocalDeployment
  let style: TerminalStyle

  /// - Returns: whether every answer was as it should be.
  func tell() async throws -> Bool {
    var isTrue = true
    var receipts = DemoReceipts()
    for chapter in DemoScript.chapters(state: deployment.state.path, catalog: deployment.catalog) {
      print("\n\(style.faint("──")) \(chapter.title)")
      switch chapter.act {
      case .calls: break
      case .stopPostgres(let region): try await deployment.stopPostgres(of: region)
      case .startPostgres(let region): try await deployment.startPostgres(of: region)
      case .waitForCheckpoints:
        printError("· waiting until the checkpoints cover every receipt above (at most a second or two)")
        for (name, index) in receipts.newest {
          if let region = RegionID(name) { try await deployment.waitForCheckpoint(of: region, covering: index) }
        }
      }
      for step in chapter.steps where try await !perform(step, &receipts) { isTrue = false }
    }
    print("")
    print(isTrue ? style.good("Everything was as it should be.") : style.bad("Something was not as it should be: see above."))
    return isTrue
  }

  private func perform(_ step: DemoStep, _ receipts: inout DemoReceipts) async throws -> Bool {
    print("\n\(step.title)\n\(style.faint("$ " + step.command))")
    let output = try await Shell.run(step.command)
    print(output.text.trimmingCharacters(in: .whitespacesAndNewlines))
    let answer = try? JSONValue(parsing: Array(output.text.utf8))
    if let answer { receipts.note(answer) }
    let failures = failures(of: step, output, answer)
    for failure in failures { print(style.bad("✗ \(failure)")) }
    if failures.isEmpty { print(style.good("✓")) }
    return failures.isEmpty
  }

  private func failures(of step: DemoStep, _ output: Shell.Output, _ answer: JSONValue?) -> [String] {
    guard !step.expectations.isEmpty else {
      return output.status == 0 ? [] : ["the command ended with exit code \(output.status)"]
    }
    guard let answer else { return ["the answer is not JSON"] }
    return step.expectations.filter { !$0.holds(answer.value(at: $0.path)) }.map { "\($0.path) \($0.what): not so" }
  }
}

/// The newest receipt that each region gave.
struct DemoReceipts {
  private(set) var newest: [String: UInt64] = [:]

  mutating func note(_ answer: JSONValue) {
    for name in ["receipt", "importReceipt"] {
      guard let receipt = answer[name], let region = receipt["region"]?.stringValue,
        let index = receipt["index"]?.stringValue.flatMap({ UInt64($0) })
      else { continue }
      newest[region] = max(index, newest[region] ?? 0)
    }
  }
}
