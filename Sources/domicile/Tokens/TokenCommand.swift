import ArgumentParser
import Coordinator
import Residency

/// `domicile token`
struct TokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Print a token from the development issuer.",
    discussion: """
      Nothing but the token goes to standard output: TOKEN=$(domicile token --principal desk --purposes support). \
      'domicile certs' makes the issuer.
      """)

  @Option(help: "Who calls.")
  var principal: String

  @Option(help: "What it may read and write data for: one or more purposes with commas between them.")
  var purposes: String

  @Option(help: "Where it stands, as ISO 3166: US, CA-QC.")
  var jurisdiction: String?

  @Option(help: "What it is: app, auditor, operator; several with commas between them.")
  var roles = "app"

  @Option(help: "How long the token is valid: 90s, 30m, 1h, 7d.")
  var ttl = "1h"

  @Option(help: "The folder that 'domicile certs' has filled.", completion: .directory)
  var state = ".domicile"

  func validate() throws { _ = try request }

  func run() async throws {
    let request = try request
    print(try await TokenIssuer(state: StateFolder(state)).token(for: request.principal, lifetime: request.lifetime))
  }

  private var request: TokenRequest {
    get throws {
      try TokenRequest(principal: principal, purposes: purposes, jurisdiction: jurisdiction, roles: roles, ttl: ttl)
    }
  }
}
