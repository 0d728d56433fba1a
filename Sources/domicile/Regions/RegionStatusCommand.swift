import ArgumentParser
import ConfigurationFiles
import DomicileAPI
import Residency
import SwiftProtobuf

/// `domicile region status`
struct RegionStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "How each region stands to each other: reachable, lag, last contact, bytes, the copy's state.",
    discussion: """
      Every region is asked what it knows of the others. The same is in each coordinator's /metrics, as domicile_directory_… by peer.

      Exit codes: 0 all is well, 1 a region does not answer, 5 a pair is out of reach or holds copies that differ.
      """)

  @OptionGroup var api: APIOptions

  private struct Pair {
    let asked: String
    let region: Domicile_V1_Region

    var isWell: Bool {
      region.health == .reachable && (!region.hasDirectoryCompared || region.directoryEqual)
    }

    var line: String {
      let health = region.health == .reachable ? "reachable" : "unreachable"
      let behind = region.hasDirectoryBehind ? " for \(Self.seconds(region.directoryBehind.timeInterval))" : ""
      let contact = region.hasLastContact ? Self.seconds(region.lastContact.timeInterval) + " ago" : "never"
      let compared =
        region.hasDirectoryCompared
        ? "\(region.directoryEqual ? "same" : "differs") (\(Self.seconds(region.directoryCompared.timeInterval)) ago)"
        : "not compared"
      return
        "\(asked) → \(region.id)\t\(health)\tlag \(region.directoryLag)\(behind)\tcontact \(contact)\treceived \(region.directoryReceivedBytes) B\t\(compared)"
    }

    private static func seconds(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10) s" }

    var json: JSONValue {
      var members: [String: JSONValue] = [
        "region": .string(asked), "peer": .string(region.id), "reachable": .bool(region.health == .reachable),
        "lag_entries": .number(Double(region.directoryLag)), "received_bytes": .number(Double(region.directoryReceivedBytes)),
      ]
      if region.hasDirectoryBehind { members["lag_seconds"] = .number(region.directoryBehind.timeInterval) }
      if region.hasLastContact { members["last_contact_seconds"] = .number(region.lastContact.timeInterval) }
      if region.hasDirectoryCompared {
        members["compared_seconds"] = .number(region.directoryCompared.timeInterval)
        members["equal"] = .bool(region.directoryEqual)
      }
      return .object(members)
    }
  }

  func run() async throws {
    let names = try RegionFiles.catalog(api.regions, stores: .none).members.map(\.id.rawValue)
    var pairs: [Pair] = []
    var silent: [String] = []
    for name in names {
      var api = api
      api.region = name
      do {
        let response: Domicile_V1_ListRegionsResponse = try await api.run {
          try await $0.call("RegionService/ListRegions", Domicile_V1_ListRegionsRequest())
        }
        pairs += response.regions.filter { $0.id != name && $0.status != "retired" }.map { Pair(asked: name, region: $0) }
      } catch is ExitCode {
        silent.append(name)
      }
    }
    if api.json {
      print(
        JSONValue.object(["pairs": .array(pairs.map(\.json)), "silent": .array(silent.map { .string($0) })]).canonicalText)
    } else {
      for pair in pairs { print(pair.line) }
      for name in silent { print("\(name)\tdoes not answer") }
    }
    if !silent.isEmpty { throw ExitCode(1) }
    if !pairs.allSatisfy(\.isWell) { throw ExitCode(5) }
  }
}
