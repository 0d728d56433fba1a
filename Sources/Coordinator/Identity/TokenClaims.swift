import Foundation
import Residency

/// The claims of a token whose signature has been verified.
struct TokenClaims {
  let payload: JSONValue

  func principal(issuer: String, audience: String, leeway: TimeInterval, now: TimeInterval) throws(TokenError) -> Principal {
    guard try text(.issuer) == issuer else { throw .issuerNotTrusted }
    guard try audiences().contains(audience) else { throw .audienceMismatch }
    guard let expiration = try time(.expiration) else { throw .claimMissing(.expiration) }
    guard now < expiration + leeway else { throw .expired }
    for claim in [TokenError.Claim.notBefore, .issuedAt] {
      if let start = try time(claim), now < start - leeway { throw .notYetValid }
    }
    return Principal(name: try name(), purposes: try purposes(), jurisdiction: try jurisdiction(), roles: try roles())
  }

  /// When it may be used, leeway apart, in seconds since 1970. Only of claims that ``principal(issuer:audience:leeway:now:)`` has
  /// accepted.
  func validity() throws(TokenError) -> Range<TimeInterval> {
    guard let expiration = try time(.expiration) else { throw .claimMissing(.expiration) }
    let start = max(try time(.notBefore) ?? 0, try time(.issuedAt) ?? 0)
    return start..<max(start, expiration)
  }

  private func value(_ claim: TokenError.Claim) -> JSONValue? {
    switch payload[claim.rawValue] {
    case .none, .some(.null): nil
    case .some(let value): value
    }
  }

  private func text(_ claim: TokenError.Claim) throws(TokenError) -> String {
    guard let value = value(claim) else { throw .claimMissing(claim) }
    guard let text = value.stringValue else { throw .claimInvalid(claim) }
    return text
  }

  /// Seconds since 1970 (RFC 7519, `NumericDate`).
  private func time(_ claim: TokenError.Claim) throws(TokenError) -> TimeInterval? {
    guard let value = value(claim) else { return nil }
    guard let seconds = value.numberValue, seconds.isFinite, seconds >= 0 else { throw .claimInvalid(claim) }
    return seconds
  }

  private func audiences() throws(TokenError) -> [String] {
    guard let value = value(.audience) else { throw .claimMissing(.audience) }
    if let one = value.stringValue { return [one] }
    return try strings(value, .audience)
  }

  private func strings(_ value: JSONValue, _ claim: TokenError.Claim) throws(TokenError) -> [String] {
    guard let items = value.arrayValue else { throw .claimInvalid(claim) }
    var strings: [String] = []
    for item in items {
      guard let text = item.stringValue else { throw .claimInvalid(claim) }
      strings.append(text)
    }
    return strings
  }

  /// It stands in audit leaves and logs, so it is one line of bounded length.
  private func name() throws(TokenError) -> String {
    let text = try text(.subject)
    guard (1...256).contains(text.utf8.count),
      text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
    else { throw .claimInvalid(.subject) }
    return text
  }

  /// `purposes`, a list; or `scope`, words with spaces between them (RFC 8693, 4.2). Neither: no purpose, so nothing is
  /// permitted.
  private func purposes() throws(TokenError) -> Set<Purpose> {
    if let value = value(.purposes) { return Set(try strings(value, .purposes).map { Purpose($0) }) }
    guard let value = value(.scope) else { return [] }
    guard let scope = value.stringValue else { throw .claimInvalid(.scope) }
    return Set(scope.split(separator: " ").map { Purpose(String($0)) })
  }

  private func jurisdiction() throws(TokenError) -> Jurisdiction? {
    guard let value = value(.jurisdiction) else { return nil }
    guard let text = value.stringValue, let jurisdiction = Jurisdiction(recorded: text) else {
      throw .claimInvalid(.jurisdiction)
    }
    return jurisdiction
  }

  /// Roles of other services, which an issuer may list too, give nothing here.
  private func roles() throws(TokenError) -> Set<Principal.Role> {
    guard let value = value(.roles) else { return [.app] }
    return Set(try strings(value, .roles).compactMap { Principal.Role(rawValue: $0) })
  }
}
