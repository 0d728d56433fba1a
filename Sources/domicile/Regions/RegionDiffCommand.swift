import ArgumentParser
import Coordinator
import DomicileAPI
import SwiftProtobuf

/// `domicile region diff`
struct RegionDiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Where two regions' copies of the directory differ.",
    discussion: """
      The first region is asked; it compares sums with the second, and goes down to single subjects only where they differ. Subjects are
      named by their tags, documents by collection and key. Entries that are still on their way are shown, and are no fault.

      The token must be an operator's or an auditor's.

      Exit codes: 0 nothing is missing, 1 an error, 5 a copy lacks what it says it holds.
      """)

  @Argument(help: "The region that is asked.") var one: String
  @Argument(help: "The region that it compares with.") var other: String
  @Flag(help: "Let the first region take over what it should hold and does not. It does so by itself every minute.") var repair =
    false
  @OptionGroup var api: APIOptions

  func run() async throws {
    let request = Domicile_V1_CompareDirectoryRequest.with {
      $0.region = other
      $0.repair = repair
    }
    var api = api
    if api.region == nil, api.url == nil { api.region = one }
    let response: Domicile_V1_CompareDirectoryResponse = try await api.run(as: [.operator]) {
      try await $0.call("RegionService/CompareDirectory", request)
    }
    try show(response, json: api.json, lines(response))
    if response.differences.contains(where: { $0.verdict != .underWay }) { throw ExitCode(5) }
  }

  private func lines(_ response: Domicile_V1_CompareDirectoryResponse) -> [String] {
    guard !response.equal else { return ["\(one) and \(other) hold the same (\(response.bytes) bytes were sent)."] }
    var lines = response.differences.flatMap { difference in
      let verdict =
        switch difference.verdict {
        case .missingHere: "missing in \(one)"
        case .missingThere: "missing in \(other)"
        default: "under way"
        }
      return ["\(difference.document.isEmpty ? difference.tag : difference.document)  \(verdict)"]
        + difference.here.map { "  \(one): \($0)" }
        + difference.there.map { "  \(other): \($0)" }
    }
    if lines.isEmpty { lines = ["The copies differed, and do not any more: entries were on their way."] }
    if response.cutShort { lines.append("There are more. Repair these first, or load a snapshot: see deploy/README.md.") }
    if response.repaired > 0 { lines.append("\(response.repaired) facts were taken over.") }
    lines.append("\(response.bytes) bytes were sent.")
    return lines
  }
}
