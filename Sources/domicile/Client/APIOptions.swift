import ArgumentParser
import ConfigurationFiles
import ConnectRPC
import Coordinator
import DomicileAPI
import Foundation
import HTTPTypes
import Residency
import SwiftProtobuf

/// How a command reaches a region. Without any of these it works against the demo, or whatever deployment the state folder is of.
struct APIOptions: ParsableArguments {
  @Option(help: "The region to ask. By default: the subject's home, as any region that answers says.")
  var region: String?

  @Option(help: "The address to ask, e.g. https://localhost:7102, in place of --region.")
  var url: String?

  @Option(help: "The token to show; also DOMICILE_TOKEN. By default one is made by the development issuer of the state folder.")
  var token: String?

  @Option(help: "The CA file that signed the servers' certificates. By default the state folder's.", completion: .file())
  var ca: String?

  @Option(help: "The folder that 'domicile certs' or 'domicile demo' has filled.", completion: .directory)
  var state = ".domicile"

  @Option(help: "The folder of region files.", completion: .directory)
  var regions = RegionFiles.defaultFolder

  @Option(help: "After how many seconds to give up.")
  var timeout = 15.0

  @Flag(help: "Print the answer as JSON.")
  var json = false

  func validate() throws {
    guard timeout > 0, timeout <= 600 else { throw ValidationError("--timeout is more than 0 and at most 600 seconds.") }
  }
}

/// A region that a command talks to.
struct APIClient {
  let client: ConnectClient
  let headers: HTTPFields
  let timeout: Duration

  func call<Request: Message, Response: Message>(_ method: String, _ request: Request) async throws -> Response {
    let parts = method.split(separator: "/").map(String.init)
    return try await client.call(
      "domicile.v1.\(parts[0])", parts[1], request, headers: headers, timeout: timeout)
  }
}

extension APIOptions {
  /// Runs `body` with the region to ask, and says what went wrong where it did.
  /// - Parameters:
  ///   - subject: whose home is asked where no region is named; `nil` for any region.
  ///   - home: asked where no region is named.
  ///   - roles: of the token that is made where none is named.
  func run<R>(
    about subject: String? = nil, at home: String? = nil, as roles: Set<Principal.Role> = [.app],
    _ body: (APIClient) async throws -> R
  ) async throws -> R {
    do {
      let token = try await bearer(roles)
      let urls = try endpoints(home)
      if urls.count == 1 { return try await with(urls[0], token, body) }
      return try await with(try await find(subject, among: urls, token), token, body)
    } catch let error as ConnectError {
      printError("error: \(error.code.rawValue)\(error.reason.map { " (\($0))" } ?? ""): \(error.message)")
      throw ExitCode(1)
    } catch let error as ConfigurationError {
      printError(error.description)
      throw ExitCode(1)
    }
  }

  private func with<R>(_ url: String, _ token: String, _ body: (APIClient) async throws -> R) async throws -> R {
    let client = try ConnectClient(baseURL: url, tls: ClientTLS(trustRootsPEMPath: try authority()), codec: .json)
    var headers = HTTPFields()
    headers[.authorization] = "Bearer \(token)"
    do {
      let result = try await body(APIClient(client: client, headers: headers, timeout: .milliseconds(Int(timeout * 1_000))))
      try await client.shutdown()
      return result
    } catch {
      try await client.shutdown()
      throw error
    }
  }

  /// Whether anybody answers at `url`, with whatever word.
  func answers(_ url: String) async throws -> Bool {
    let token = try await bearer([.app])
    do {
      try await with(url, token) { api in
        let _: Domicile_V1_ListRegionsResponse = try await api.call(
          "RegionService/ListRegions", Domicile_V1_ListRegionsRequest())
      }
      return true
    } catch let error as ConnectError {
      return !error.isWithoutAnswer && error.code != .deadlineExceeded
    }
  }

  /// The home of `subject`, or the first region that answers.
  private func find(_ subject: String?, among urls: [String], _ token: String) async throws -> String {
    var last: ConnectError?
    for url in urls {
      do {
        return try await with(url, token) { api in
          guard let subject else {
            let _: Domicile_V1_ListRegionsResponse = try await api.call(
              "RegionService/ListRegions", Domicile_V1_ListRegionsRequest())
            return url
          }
          let found: Domicile_V1_LocateSubjectResponse = try await api.call(
            "SubjectService/LocateSubject", Domicile_V1_LocateSubjectRequest.with { $0.subjectID = subject })
          return found.homeURL.isEmpty ? url : found.homeURL
        }
      } catch let error as ConnectError {
        last = error
      }
    }
    throw last
      ?? ConnectError(.unavailable, reason: "REGION_UNREACHABLE", "No region answers. Is the demo running (deploy/demo)?")
  }

  private func endpoints(_ home: String?) throws -> [String] {
    if let url { return [url] }
    let catalog = try RegionFiles.catalog(regions, stores: .none)
    guard let name = region ?? home else { return catalog.members.map(\.coordinator.url.text) }
    guard let id = RegionID(name), let found = catalog[id] else {
      let known = catalog.regions.map(\.id.rawValue)
      let hint = nearest(name, in: known).map { "Did you mean '\($0)'?" } ?? "Known: \(known.joined(separator: ", "))."
      throw ValidationError("There is no region '\(name)'. \(hint)")
    }
    return [found.coordinator.url.text]
  }

  private func authority() throws -> String {
    let path = ca ?? StateFolder(state).authority.certificate
    guard FileManager.default.fileExists(atPath: path) else {
      throw ValidationError("There is no CA file \(path). Name it with --ca, or run 'domicile certs' or 'deploy/demo' first.")
    }
    return path
  }

  private func bearer(_ roles: Set<Principal.Role>) async throws -> String {
    if let token = token ?? ProcessInfo.processInfo.environment["DOMICILE_TOKEN"] { return token }
    let issuer: TokenIssuer
    do {
      issuer = try TokenIssuer(state: StateFolder(state))
    } catch {
      throw ValidationError("There is no token to show: name one with --token or DOMICILE_TOKEN. (\(error))")
    }
    let principal = Principal(
      name: "app:cli", purposes: ["service", "support", "billing"].map { Purpose($0) }.reduce(into: []) { $0.insert($1) },
      roles: roles)
    return try await issuer.token(for: principal, lifetime: .seconds(600))
  }
}

/// What a command prints: the answer as JSON, or lines for people.
func show(_ message: some Message, json: Bool, _ lines: [String]) throws {
  guard json else { return print(lines.joined(separator: "\n")) }
  print(try message.jsonString())
}

extension Domicile_V1_Decision {
  /// For people: what was decided, by which rule, on which basis.
  var line: String {
    var line = effect == .permit ? "permitted" : "denied"
    if let rule = rules.first { line += " by \(rule)" }
    if !at.isEmpty { line += " (\(at))" }
    if !legalBasis.isEmpty { line += ", \(legalBasis)" }
    if !redactions.isEmpty { line += "; " + redactions.map { "\($0.field): \($0.view)" }.joined(separator: ", ") }
    return line
  }
}

extension Domicile_V1_Receipt {
  var line: String { "recorded in \(region) at \(index)" }
}
