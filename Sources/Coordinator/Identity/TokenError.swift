/// Why a token is refused.
///
/// ``message`` is for the caller: it says which check failed and what to do, and holds nothing of the token, the keys or this
/// machine.
package enum TokenError: Error, Sendable, Hashable {
  /// No `Authorization: Bearer …`.
  case missing
  /// Not three parts of base64url with two JSON objects, or too long.
  case malformed
  case algorithmNotAllowed
  /// It has a critical header that is not understood (RFC 7515, 4.1.11), or is of another type than JWT.
  case headerNotSupported
  /// No key of the issuer has this id and algorithm.
  case unknownKey
  case signatureInvalid
  case issuerNotTrusted
  case audienceMismatch
  case expired
  case notYetValid
  /// A claim that must be there is not.
  case claimMissing(Claim)
  /// A claim has another form than it must have.
  case claimInvalid(Claim)
  /// This server has no issuer's keys: the caller is not at fault.
  case keysUnavailable

  package enum Claim: String, Sendable, Hashable {
    case issuer = "iss"
    case subject = "sub"
    case audience = "aud"
    case expiration = "exp"
    case notBefore = "nbf"
    case issuedAt = "iat"
    case purposes
    case scope
    case jurisdiction
    case roles
  }

  /// The caller can do something about it; otherwise the server is at fault and the call may be tried again later.
  package var isCallersFault: Bool { self != .keysUnavailable }

  /// A constant for programs.
  package var reason: String {
    switch self {
    case .missing: "TOKEN_MISSING"
    case .malformed: "TOKEN_MALFORMED"
    case .algorithmNotAllowed: "TOKEN_ALGORITHM_NOT_ALLOWED"
    case .headerNotSupported: "TOKEN_HEADER_NOT_SUPPORTED"
    case .unknownKey: "TOKEN_KEY_UNKNOWN"
    case .signatureInvalid: "TOKEN_SIGNATURE_INVALID"
    case .issuerNotTrusted: "TOKEN_ISSUER_NOT_TRUSTED"
    case .audienceMismatch: "TOKEN_AUDIENCE_MISMATCH"
    case .expired: "TOKEN_EXPIRED"
    case .notYetValid: "TOKEN_NOT_YET_VALID"
    case .claimMissing: "TOKEN_CLAIM_MISSING"
    case .claimInvalid: "TOKEN_CLAIM_INVALID"
    case .keysUnavailable: "TOKEN_KEYS_UNAVAILABLE"
    }
  }

  /// A sentence for people.
  package var message: String {
    switch self {
    case .missing: "the call has no token: send 'Authorization: Bearer <token>'"
    case .malformed: "the token is not a signed JSON Web Token"
    case .algorithmNotAllowed:
      "the token's algorithm is not allowed: sign with \(TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))"
    case .headerNotSupported: "the token's header asks for something that is not supported"
    case .unknownKey: "the token was not signed with a key that this server knows: ask the issuer for a new one"
    case .signatureInvalid: "the token's signature does not fit: ask the issuer for a new one"
    case .issuerNotTrusted: "the token's issuer is not trusted here"
    case .audienceMismatch: "the token was issued for another service"
    case .expired: "the token has expired: ask the issuer for a new one"
    case .notYetValid: "the token is not valid yet: check the clocks of caller and issuer"
    case .claimMissing(let claim): "the token lacks the claim '\(claim.rawValue)'"
    case .claimInvalid(let claim): "the token's claim '\(claim.rawValue)' does not have the form it must have"
    case .keysUnavailable: "tokens cannot be checked at the moment: try again later"
    }
  }
}
