import Crypto
package import Foundation
import JWTKit
import Residency

/// The development issuer: signs tokens with an Ed25519 key of its own. In production an identity provider does this.
package struct TokenIssuer: Sendable {
  /// The `iss` of its tokens.
  package static let developmentIssuer = "https://issuer.domicile.localhost"
  /// The `aud` of every token for Domicile.
  package static let audience = "domicile"

  package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
    case noKey(path: String)
    case notKey(path: String)

    package var description: String {
      switch self {
      case .noKey(let path): "there is no issuer's key at \(path): run 'domicile certs' first, or name its folder with --state"
      case .notKey(let path): "\(path) does not hold an Ed25519 private key: run 'domicile certs', which makes a new one"
      }
    }
  }

  private let key: EdDSA.PrivateKey

  /// With a new key.
  static func make() throws -> TokenIssuer { TokenIssuer(key: try EdDSA.PrivateKey(curve: .ed25519)) }

  private init(key: EdDSA.PrivateKey) { self.key = key }

  /// - Parameter path: a PEM file (PKCS #8).
  package init(keyFile path: String) throws(Failure) {
    guard let data = FileManager.default.contents(atPath: path) else { throw .noKey(path: path) }
    do {
      key = try EdDSA.PrivateKey(pem: String(decoding: data, as: UTF8.self))
    } catch {
      throw .notKey(path: path)
    }
  }

  /// The issuer of a state folder that `domicile certs` has filled.
  package init(state: StateFolder) throws(Failure) { try self.init(keyFile: state.issuerKey) }

  /// A signed token.
  /// - Parameters:
  ///   - lifetime: from `now`, in whole seconds.
  ///   - id: `jti`.
  package func token(
    for principal: Principal, lifetime: Duration, now: Date = Date(), id: String = UUID().uuidString.lowercased()
  ) async throws -> String {
    let issuedAt = Int64(now.timeIntervalSince1970)
    var claims: [String: JSONValue] = [
      "iss": .string(Self.developmentIssuer), "aud": .string(Self.audience), "sub": .string(principal.name), "jti": .string(id),
      "iat": .integer(issuedAt), "nbf": .integer(issuedAt), "exp": .integer(issuedAt + lifetime.components.seconds),
      "purposes": .array(principal.purposes.sorted().map { .string($0.rawValue) }),
      "roles": .array(principal.roles.sorted().map { .string($0.rawValue) }),
    ]
    if let jurisdiction = principal.jurisdiction { claims["jurisdiction"] = .string(jurisdiction.rawValue) }
    return try await sign(.object(claims))
  }

  func sign(_ claims: JSONValue) async throws -> String {
    let header: JSONValue = ["alg": "EdDSA", "typ": "JWT", "kid": .string(keyID)]
    let signed = "\(header.canonicalBytes.base64URL).\(claims.canonicalBytes.base64URL)"
    let collection = JWTKeyCollection()
    await collection.add(eddsa: key)
    let signature = try await collection.getKey().sign([UInt8](signed.utf8))
    return "\(signed).\(signature.base64URL)"
  }

  private var publicMembers: JSONValue {
    ["crv": "Ed25519", "kty": "OKP", "x": .string([UInt8](key.publicKey.rawRepresentation).base64URL)]
  }

  /// The key's thumbprint (RFC 7638).
  var keyID: String { [UInt8](SHA256.hash(data: publicMembers.canonicalBytes)).base64URL }

  /// PEM, PKCS #8.
  var privateKeyText: String { key.pemRepresentation + "\n" }

  /// The JSON Web Key Set that verifiers need.
  var keySet: JSONValue {
    guard case .object(var members) = publicMembers else { return ["keys": []] }
    members["alg"] = "EdDSA"
    members["use"] = "sig"
    members["kid"] = .string(keyID)
    return ["keys": [.object(members)]]
  }
}
