package import Foundation
import Residency

/// Turns a bearer token (JWT, RFC 7519) into the principal that it proves.
///
/// The order is that of RFC 8725: form, algorithm, key, signature; only then is a claim believed.
package struct TokenVerifier: Sendable {
  /// Longer tokens are refused unread.
  package static let byteCountMax = 8192

  private let keys: IssuerKeyFile
  private let issuer: String
  private let audience: String
  private let leeway: TimeInterval
  private let now: @Sendable () -> Date
  private let proved = ProvedTokens()

  /// - Parameters:
  ///   - issuer: the one `iss` that is trusted.
  ///   - audience: what `aud` must name.
  ///   - leeway: how far clocks of issuer and server may differ.
  package init(
    keys: IssuerKeyFile, issuer: String, audience: String = TokenIssuer.audience, leeway: Duration = .seconds(30),
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.keys = keys
    self.issuer = issuer
    self.audience = audience
    self.leeway = TimeInterval(leeway.components.seconds)
    self.now = now
  }

  /// - Parameter header: the value of `Authorization`, `nil` where there is none.
  package func principal(authorization header: String?) async throws(TokenError) -> Principal {
    guard let header else { throw .missing }
    return try await principal(token: try Self.bearerToken(in: header))
  }

  /// What stands behind `Bearer` (RFC 6750, 2.1).
  package static func bearerToken(in header: String) throws(TokenError) -> String {
    let bytes = header.utf8
    let schemeEnd = bytes.firstIndex(of: UInt8(ascii: " ")) ?? bytes.endIndex
    guard header[..<schemeEnd].lowercased() == "bearer" else { throw .missing }
    let token = bytes[schemeEnd...].drop { $0 == UInt8(ascii: " ") }
    guard !token.isEmpty else { throw .malformed }
    guard let tokenEnd = token.firstIndex(of: UInt8(ascii: " ")) else { return String(header[token.startIndex...]) }
    guard token[tokenEnd...].allSatisfy({ $0 == UInt8(ascii: " ") }) else { throw .malformed }
    return String(header[token.startIndex..<tokenEnd])
  }

  /// - Parameter acceptedAt: when it was shown, where that was earlier: milliseconds since 1970 UTC. `nil`: now.
  package func principal(token: String, acceptedAt: UInt64? = nil) async throws(TokenError) -> Principal {
    let now = acceptedAt.map { TimeInterval($0) / 1_000 } ?? now().timeIntervalSince1970
    guard let known = await keys.current() else { throw .keysUnavailable }
    if let principal = proved.principal(of: token, edition: known.edition, leeway: leeway, now: now) { return principal }
    let parsed = try ParsedToken(token)
    let edition = try await verifySignature(of: parsed, known)
    let claims = TokenClaims(payload: try parsed.payload())
    let principal = try claims.principal(issuer: issuer, audience: audience, leeway: leeway, now: now)
    proved.keep(principal, of: token, edition: edition, validity: try claims.validity())
    return principal
  }

  /// - Returns: the edition of the keys that verified it.
  private func verifySignature(of token: ParsedToken, _ known: IssuerKeys) async throws(TokenError) -> IssuerKeys.Edition {
    var edition = known.edition
    var candidates = known.candidates(id: token.keyID, algorithm: token.algorithm)
    if candidates.isEmpty, let fresh = await keys.current(checkingNow: true) {
      candidates = fresh.candidates(id: token.keyID, algorithm: token.algorithm)
      edition = fresh.edition
    }
    guard !candidates.isEmpty else { throw .unknownKey }
    guard candidates.contains(where: { $0.isValid(signature: token.signature, of: token.signed) }) else {
      throw .signatureInvalid
    }
    return edition
  }
}

/// A token taken apart. Nothing in it is proved yet; its payload is not looked at.
private struct ParsedToken: Sendable {
  let algorithm: TokenAlgorithm
  let keyID: String?
  /// Header and payload as they were signed.
  let signed: [UInt8]
  let signature: [UInt8]
  private let encodedPayload: Substring

  init(_ token: String) throws(TokenError) {
    guard token.utf8.count <= TokenVerifier.byteCountMax else { throw .malformed }
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .malformed }
    let header = try Self.object(parts[0])
    guard let algorithmName = header["alg"]?.stringValue else { throw .malformed }
    guard let algorithm = TokenAlgorithm(rawValue: algorithmName) else { throw .algorithmNotAllowed }
    guard header["crit"] == nil else { throw .headerNotSupported }
    if let type = header["typ"] {
      guard let name = type.stringValue?.lowercased(), ["jwt", "at+jwt"].contains(name) else { throw .headerNotSupported }
    }
    if let id = header["kid"] {
      guard let text = id.stringValue else { throw .malformed }
      keyID = text
    } else {
      keyID = nil
    }
    guard let signature = [UInt8](base64URL: parts[2]) else { throw .malformed }
    self.algorithm = algorithm
    self.signature = signature
    encodedPayload = parts[1]
    signed = [UInt8]("\(parts[0]).\(parts[1])".utf8)
  }

  func payload() throws(TokenError) -> JSONValue { try Self.object(encodedPayload) }

  private static func object(_ part: Substring) throws(TokenError) -> JSONValue {
    guard let bytes = [UInt8](base64URL: part) else { throw .malformed }
    do {
      let value = try JSONValue(parsing: bytes)
      guard case .object = value else { throw TokenError.malformed }
      return value
    } catch {
      throw .malformed
    }
  }
}
