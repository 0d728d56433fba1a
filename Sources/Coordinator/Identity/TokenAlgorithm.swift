/// The signature algorithms that a token may use. Closed: `none` and every HMAC are not in it, so no key of an issuer can be
/// taken for a shared secret.
package enum TokenAlgorithm: String, Sendable, Hashable, CaseIterable {
  /// Ed25519 (RFC 8037).
  case edDSA = "EdDSA"
  /// ECDSA with P-256 and SHA-256 (RFC 7518, 3.4).
  case es256 = "ES256"
  /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3), keys of at least 2048 bits.
  case rs256 = "RS256"
  /// RSASSA-PSS with SHA-256 (RFC 7518, 3.5), keys of at least 2048 bits.
  case ps256 = "PS256"
}
