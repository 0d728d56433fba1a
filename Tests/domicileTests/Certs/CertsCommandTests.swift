import ArgumentParser
import ConfigurationFiles
import Coordinator
import Foundation
import Residency
import Testing

@testable import domicile

struct CertsCommandTests {
  private let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "domicile-test-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: folder + "/regions", withIntermediateDirectories: true)
    let text = """
      region: eu-west
      ordinal: 2
      jurisdiction: IE
      name: Europe (Ireland)
      location: { latitude: 53.35, longitude: -6.26 }
      coordinator: { listen: 127.0.0.1:7102, public: "https://localhost:7102" }
      peer: { listen: 127.0.0.1:7202, url: "https://localhost:7202" }
      store: { dsn: "${DOMICILE_TEST_UNSET_DSN}", keys_dsn: "${DOMICILE_TEST_UNSET_KEYS_DSN}" }
      audit: { origin: eu-west.domicile.example/audit, witnesses: [] }
      """
    try Data(text.utf8).write(to: URL(filePath: folder + "/regions/eu-west.yaml"))
  }

  private func cleanUp() throws { try FileManager.default.removeItem(atPath: folder) }

  @Test func `the command fills the folder without knowing a database`() async throws {
    defer { #expect(throws: Never.self) { try cleanUp() } }
    let command = try CertsCommand.parse(["--regions", folder + "/regions/", "--state", folder + "/state", "--json"])
    try await command.run()
    let region = try #require(RegionID("eu-west"))
    let state = StateFolder(folder + "/state")
    for path in [state.authority.certificate, state.peerIdentity(of: region).key, state.issuerKeySet] {
      #expect(FileManager.default.fileExists(atPath: path))
    }
    let token = try TokenCommand.parse(["--principal", "desk", "--purposes", "support", "--state", folder + "/state"])
    try await token.run()
  }

  @Test func `a region check fails where a database's variable is missing, and not without stores`() async throws {
    defer { #expect(throws: Never.self) { try cleanUp() } }
    await #expect(throws: ExitCode(1)) { try await RegionCheckCommand.parse([folder + "/regions"]).run() }
    try await RegionCheckCommand.parse([folder + "/regions", "--without-stores"]).run()
    await #expect(throws: ExitCode(1)) { try await RegionCheckCommand.parse([folder + "/nowhere", "--without-stores"]).run() }
  }

  @Test func `the report names every path, and as JSON is one document`() throws {
    defer { #expect(throws: Never.self) { try cleanUp() } }
    let catalog = try RegionFiles.catalog(folder + "/regions", stores: .none)
    let state = StateFolder(folder + "/state")
    let report = CertsReport(state: state, items: try DevelopmentAuthority(state: state).prepare(catalog))
    let document = try JSONValue(parsing: report.json.utf8)
    let paths = document["items"]?.arrayValue?.compactMap { $0["path"]?.stringValue } ?? []
    #expect(paths.count == 4)
    for path in paths { #expect(report.text.contains(path)) }
    #expect(document["items"]?.arrayValue?.first?["outcome"] == "created")
    #expect(!report.json.contains("PRIVATE"))
  }
}

struct TokenRequestTests {
  private func request(_ changes: [String: String] = [:]) throws -> TokenRequest {
    try TokenRequest(
      principal: changes["principal"] ?? "desk", purposes: changes["purposes"] ?? "support",
      jurisdiction: changes["jurisdiction"],
      roles: changes["roles"] ?? "app", ttl: changes["ttl"] ?? "1h")
  }

  @Test func `options become a principal and a lifetime`() throws {
    let understood = try request([
      "purposes": " support, service,", "jurisdiction": "CA-QC", "roles": "auditor,operator", "ttl": "90s",
    ])
    #expect(
      understood.principal
        == Principal(
          name: "desk", purposes: [Purpose("support"), Purpose("service")], jurisdiction: Jurisdiction("CA-QC"),
          roles: [.auditor, .operator]))
    #expect(understood.lifetime == .seconds(90))
    #expect(try request(["ttl": "7d"]).lifetime == .seconds(604_800))
  }

  @Test(arguments: [
    ("principal", "", "1 to 256"), ("principal", "a\nb", "1 to 256"), ("purposes", " ,", "names no purpose"),
    ("purposes", "Support", "'Support'"), ("jurisdiction", "us", "did you mean 'US'?"), ("jurisdiction", "Mars", "ISO 3166"),
    ("roles", "operater", "did you mean 'operator'?"), ("roles", "", "names no role"), ("ttl", "1", "90s"), ("ttl", "h", "90s"),
    ("ttl", "-1h", "90s"), ("ttl", "0s", "90s"), ("ttl", "31d", "at most 30d"), ("ttl", "9223372036854775807d", "90s"),
  ])
  func `an option that is not understood says what to write`(option: String, value: String, help: String) {
    #expect {
      try request([option: value])
    } throws: { error in
      "\(error)".contains(help)
    }
  }
}
