import Foundation
import JWTKit
import Logging
import Residency

@testable import Coordinator

/// An issuer with a key file of its own, and a verifier that trusts it, at a fixed time.
struct TokenFixture {
  static let now = Date(timeIntervalSince1970: 1_800_000_000)

  let folder: ScratchFolder
  let issuer: TokenIssuer
  let keyFile: IssuerKeyFile
  let verifier: TokenVerifier

  init(checkInterval: Duration = .seconds(3600)) throws {
    folder = try ScratchFolder()
    issuer = try TokenIssuer.make()
    let path = try folder.write(issuer.keySet.canonicalText, to: "jwks.json")
    keyFile = IssuerKeyFile(path: path, checkInterval: checkInterval, logger: Logger(label: "test"))
    verifier = TokenVerifier(keys: keyFile, issuer: TokenIssuer.developmentIssuer, now: { Self.now })
  }

  /// The claims of a good token.
  static func claims(_ changes: [String: JSONValue?] = [:]) -> JSONValue {
    let seconds = now.timeIntervalSince1970
    var claims: [String: JSONValue] = [
      "iss": .string(TokenIssuer.developmentIssuer), "aud": "domicile", "sub": "desk", "iat": .number(seconds),
      "nbf": .number(seconds),
      "exp": .number(seconds + 3600), "jti": "1", "purposes": ["support", "service"], "jurisdiction": "US", "roles": ["app"],
    ]
    for (name, value) in changes { claims[name] = value }
    return .object(claims)
  }

  func publish(_ keySet: JSONValue) throws { _ = try folder.write(keySet.canonicalText, to: "jwks.json") }

  /// Why the verifier refuses a token; `nil` where it does not.
  func refusal(_ token: String) async -> TokenError? {
    do {
      _ = try await verifier.principal(token: token)
      return nil
    } catch {
      return error
    }
  }

  func refusal(claims: JSONValue) async throws -> TokenError? { await refusal(try await issuer.sign(claims)) }

  /// A token of these parts, signed by nobody.
  static func assemble(header: JSONValue, claims: JSONValue, signature: [UInt8]) -> String {
    "\(header.canonicalBytes.base64URL).\(claims.canonicalBytes.base64URL).\(signature.base64URL)"
  }
}
