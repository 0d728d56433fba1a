import ArgumentParser
import DomicileAPI

/// `domicile region list`
struct RegionListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The regions as one of them sees the others: health, lag, policy revision, checkpoint.")

  @OptionGroup var api: APIOptions

  func run() async throws {
    let response: Domicile_V1_ListRegionsResponse = try await api.run {
      try await $0.call("RegionService/ListRegions", Domicile_V1_ListRegionsRequest())
    }
    let lines = response.regions.map { region in
      let health = region.health == .reachable ? "reachable  " : "unreachable"
      let revision = region.policyRevision.isEmpty ? "-" : String(region.policyRevision.prefix(15))
      let compared = !region.hasDirectoryCompared ? "-" : region.directoryEqual ? "same" : "differs"
      return
        "\(region.id)\t\(region.jurisdiction)\t\(region.status)\t\(health)\tlag \(region.directoryLag)\tdirectory \(compared)\tpolicy \(revision)\tlog \(region.checkpointSize)\t\(region.url)"
    }
    try show(response, json: api.json, lines)
  }
}
