import ArgumentParser
import ConfigurationFiles
import Coordinator
import Foundation
import Residency

/// `domicile certs`
struct CertsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certs", abstract: "Make a development CA, the regions' certificates and a token issuer.",
    discussion: """
      Keeps what is valid, and renews what is damaged, expires within 30 days or lacks a name that the region files give. \
      For development only: the CA's key lies beside what it signs.
      """)

  @Option(help: "The folder of region files.", completion: .directory)
  var regions = RegionFiles.defaultFolder

  @Option(help: "Where certificates and keys are kept.", completion: .directory)
  var state = ".domicile"

  @Flag(help: "Replace everything, also what is valid.")
  var force = false

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    let catalog: RegionCatalog
    do {
      catalog = try RegionFiles.catalog(regions, stores: .none)
    } catch {
      printError(error.description)
      throw ExitCode(1)
    }
    let folder = StateFolder(state)
    let authority = DevelopmentAuthority(state: folder)
    let items = try authority.prepare(catalog, force: force)
    try authority.prepareSecrets(catalog)
    let report = CertsReport(state: folder, items: items)
    print(json ? report.json : report.text)
  }
}
