import ArgumentParser
import ConfigurationFiles
import Residency

/// `domicile region check [DIR]`
struct RegionCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check all region files together.",
    discussion: """
      Prints every error with its file, line and what to write instead, and exits 1. The variables that the files name must be \
      set, as they must be where the regions run; --without-stores leaves the databases' variables out.
      """)

  @Argument(help: "The folder of region files.", completion: .directory)
  var folder = RegionFiles.defaultFolder

  @Flag(help: "Do not ask for the variables that name databases.")
  var withoutStores = false

  func run() async throws {
    do {
      let catalog = try RegionFiles.catalog(folder, stores: withoutStores ? .none : .all)
      for region in catalog.regions {
        print("\(region.id)  ordinal \(region.ordinal)  \(region.jurisdiction)  \(region.name)")
      }
      let count = catalog.regions.count
      print("\(count) \(count == 1 ? "region" : "regions"), no errors")
    } catch {
      printError(error.description)
      let count = error.diagnostics.count
      printError("\(count) \(count == 1 ? "error" : "errors")")
      throw ExitCode(1)
    }
  }
}
