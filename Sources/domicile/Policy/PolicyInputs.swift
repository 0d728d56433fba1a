import ArgumentParser
import ConfigurationFiles
import Foundation
import PolicyEngine
import Residency

/// What all policy commands ask for.
struct PolicyInputs: ParsableArguments {
  @Option(
    help: "The folder of region files. Where the default one is not there, places are named by jurisdiction (IE).",
    completion: .directory)
  var regions = RegionFiles.defaultFolder

  @Flag(help: "Print JSON.")
  var json = false

  /// The deployment's regions; none where the default folder is not there.
  func places() throws -> [Place] {
    if regions == RegionFiles.defaultFolder, !FileManager.default.fileExists(atPath: regions) { return [] }
    return try RegionFiles.catalog(regions, stores: .none).regions.map { Place(region: $0.id, jurisdiction: $0.jurisdiction) }
  }

  /// The files of a folder, and the policies that they are.
  func load(_ folder: String, for day: CalendarDate = today()) throws -> (files: [PolicyFile], policies: PolicySet) {
    let files = try PolicyFolder.read(folder)
    return (files, try PolicyFolder.load(files, regions: try places(), today: day))
  }

  static func today() -> CalendarDate {
    CalendarDate(secondsSince1970: Int64(Date().timeIntervalSince1970.rounded(.down)))
  }
}

/// The folder that a command is about.
struct PolicyFolderInput: ParsableArguments {
  @Argument(help: "The folder of policy files.", completion: .directory)
  var folder = PolicyFolder.defaultFolder
}

/// The day that a command decides for.
struct PolicyDayInput: ParsableArguments {
  @Option(help: "The day that counts, or the first that does, as 2026-11-22. Default: today.")
  var at: CalendarDate?

  var day: CalendarDate { at ?? PolicyInputs.today() }
}

/// Whether packs that only watch count.
struct PolicyModeInput: ParsableArguments {
  @Flag(help: "Decide as if packs in monitor were enforced.")
  var enforceAll = false

  func applied(to policies: PolicySet) -> PolicySet { enforceAll ? policies.asEnforced : policies }
}

extension CalendarDate: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
