import Crypto
import Foundation
import JWTKit
import Residency
import Testing

@testable import Coordinator

struct TokenVerifierTests {
  @Test func `a good token proves its principal, purposes, jurisdiction and roles`() async throws {
    let fixture = try TokenFixture()
    let principal = Principal(
      name: "desk", purposes: [Purpose("support"), Purpose("service")], jurisdiction: Jurisdiction("US"), roles: [.app, .auditor])
    let token = try await fixture.issuer.token(for: principal, lifetime: .seconds(60), now: TokenFixture.now)
    #expect(try await fixture.verifier.principal(token: token) == principal)
    #expect(try await fixture.verifier.principal(authorization: "Bearer \(token)") == principal)
    #expect(try await fixture.verifier.principal(authorization: "bearer  \(token)") == principal)
  }

  @Test func `without a bearer token there is no principal`() async throws {
    let fixture = try TokenFixture()
    for header in [nil, "", "Basic dXNlcjpwYXNz", "Bearer"] as [String?] {
      await #expect(throws: (header == "Bearer" ? TokenError.malformed : .missing)) {
        try await fixture.verifier.principal(authorization: header)
      }
    }
  }

  @Test(
    arguments: [
      (-3600.0, nil), (-29.0, nil), (-30.0, TokenError.expired), (-31.0, .expired), (-86400.0, .expired),
    ] as [(Double, TokenError?)])
  func `a token ends at exp, and a small leeway after`(offset: Double, refusal: TokenError?) async throws {
    let fixture = try TokenFixture()
    let exp = TokenFixture.now.timeIntervalSince1970 + (offset == -3600 ? 3600 : offset)
    #expect(try await fixture.refusal(claims: TokenFixture.claims(["exp": .number(exp)])) == refusal)
  }

  @Test(arguments: ["nbf", "iat"])
  func `a token from the future is refused, but for a small leeway`(claim: String) async throws {
    let fixture = try TokenFixture()
    let now = TokenFixture.now.timeIntervalSince1970
    #expect(try await fixture.refusal(claims: TokenFixture.claims([claim: .number(now + 31)])) == .notYetValid)
    #expect(try await fixture.refusal(claims: TokenFixture.claims([claim: .number(now + 30)])) == nil)
  }

  @Test(
    arguments: [
      (["iss": "https://evil.example"], .issuerNotTrusted), (["iss": "https://issuer.domicile.localhost/"], .issuerNotTrusted),
      (["iss": .none], .claimMissing(.issuer)), (["iss": 7], .claimInvalid(.issuer)),
      (["aud": "other"], .audienceMismatch), (["aud": ["other", "Domicile"]], .audienceMismatch),
      (["aud": []], .audienceMismatch),
      (["aud": .none], .claimMissing(.audience)), (["aud": 7], .claimInvalid(.audience)),
      (["aud": [7, "domicile"]], .claimInvalid(.audience)),
      (["exp": .none], .claimMissing(.expiration)), (["exp": "2099-01-01"], .claimInvalid(.expiration)),
      (["exp": .some(.null)], .claimMissing(.expiration)), (["exp": -1], .claimInvalid(.expiration)),
      (["nbf": "soon"], .claimInvalid(.notBefore)),
      (["sub": .none], .claimMissing(.subject)), (["sub": ""], .claimInvalid(.subject)),
      (["sub": "a\nb"], .claimInvalid(.subject)),
      (["sub": .string(String(repeating: "a", count: 257))], .claimInvalid(.subject)), (["sub": ["a"]], .claimInvalid(.subject)),
      (["purposes": "support"], .claimInvalid(.purposes)), (["purposes": [1]], .claimInvalid(.purposes)),
      (["purposes": .none, "scope": ["a"]], .claimInvalid(.scope)),
      (["jurisdiction": "us"], .claimInvalid(.jurisdiction)), (["jurisdiction": "EU"], .claimInvalid(.jurisdiction)),
      (["roles": "operator"], .claimInvalid(.roles)),
    ] as [([String: JSONValue?], TokenError)])
  func `a claim that is wrong or missing is named`(changes: [String: JSONValue?], refusal: TokenError) async throws {
    let fixture = try TokenFixture()
    #expect(try await fixture.refusal(claims: TokenFixture.claims(changes)) == refusal)
  }

  @Test func `aud may be one of several, scope may give the purposes, and roles of other services give nothing`() async throws {
    let fixture = try TokenFixture()
    let token = try await fixture.issuer.sign(
      TokenFixture.claims([
        "aud": ["other", "domicile"], "purposes": .none, "scope": "support  billing", "roles": ["admin", "auditor"],
        "jurisdiction": .none,
        "nbf": .none, "iat": .none,
      ]))
    let principal = try await fixture.verifier.principal(token: token)
    #expect(principal.purposes == [Purpose("support"), Purpose("billing")])
    #expect(principal.roles == [.auditor])
    #expect(principal.jurisdiction == nil)
  }

  @Test func `a token without purposes and roles is an app's that may do nothing`() async throws {
    let fixture = try TokenFixture()
    let token = try await fixture.issuer.sign(TokenFixture.claims(["purposes": .none, "roles": .none]))
    let principal = try await fixture.verifier.principal(token: token)
    #expect(principal.purposes.isEmpty)
    #expect(principal.roles == [.app])
  }

  @Test func `another issuer's key is refused, also under the id of a trusted one`() async throws {
    let fixture = try TokenFixture()
    let foreign = try TokenIssuer.make()
    #expect(await fixture.refusal(try await foreign.sign(TokenFixture.claims())) == .unknownKey)
    let collection = JWTKeyCollection()
    await collection.add(eddsa: try EdDSA.PrivateKey())
    let header: JSONValue = ["alg": "EdDSA", "kid": .string(fixture.issuer.keyID)]
    let signed = TokenFixture.assemble(header: header, claims: TokenFixture.claims(), signature: []).dropLast()
    let signature = try await collection.getKey().sign([UInt8](signed.utf8))
    #expect(await fixture.refusal("\(signed).\(signature.base64URL)") == .signatureInvalid)
  }

  @Test func `a token that was changed after signing is refused`() async throws {
    let fixture = try TokenFixture()
    let parts = try await fixture.issuer.sign(TokenFixture.claims()).split(separator: ".")
    let other = TokenFixture.claims(["roles": ["operator"]]).canonicalBytes.base64URL
    #expect(await fixture.refusal("\(parts[0]).\(other).\(parts[2])") == .signatureInvalid)
  }

  @Test(arguments: ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "ES384", "RS512", "RS1", "eddsa"])
  func `an algorithm that is not on the list is refused, whatever the signature`(name: String) async throws {
    let fixture = try TokenFixture()
    let header: JSONValue = ["alg": .string(name), "kid": .string(fixture.issuer.keyID)]
    for signature in [[], [UInt8](repeating: 1, count: 64)] as [[UInt8]] {
      let token = TokenFixture.assemble(header: header, claims: TokenFixture.claims(), signature: signature)
      #expect(await fixture.refusal(token) == .algorithmNotAllowed)
    }
  }

  @Test func `the public key is no shared secret`() async throws {
    let fixture = try TokenFixture()
    let header: JSONValue = ["alg": "HS256", "kid": .string(fixture.issuer.keyID)]
    let signed = TokenFixture.assemble(header: header, claims: TokenFixture.claims(), signature: []).dropLast()
    let x = try #require(fixture.issuer.keySet["keys"]?.arrayValue?.first?["x"]?.stringValue)
    let raw = try #require([UInt8](base64URL: x))
    for secret in [raw, [UInt8](x.utf8), fixture.issuer.keySet.canonicalBytes] {
      let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: SymmetricKey(data: secret))
      #expect(await fixture.refusal("\(signed).\([UInt8](code).base64URL)") == .algorithmNotAllowed)
    }
  }

  @Test func `a key is used with its own algorithm only`() async throws {
    let fixture = try TokenFixture()
    let header: JSONValue = ["alg": "ES256", "kid": .string(fixture.issuer.keyID)]
    let token = TokenFixture.assemble(header: header, claims: TokenFixture.claims(), signature: [UInt8](repeating: 1, count: 64))
    #expect(await fixture.refusal(token) == .unknownKey)
  }

  @Test func `a header that asks for more than is understood is refused`() async throws {
    let fixture = try TokenFixture()
    for extra in [["crit": ["exp"]], ["typ": "JWE"], ["typ": 7]] as [[String: JSONValue]] {
      let header = JSONValue.object(extra.merging(["alg": "EdDSA"], uniquingKeysWith: { $1 }))
      let token = TokenFixture.assemble(header: header, claims: TokenFixture.claims(), signature: [])
      #expect(await fixture.refusal(token) == .headerNotSupported)
    }
  }

  @Test(arguments: [
    "", ".", "..", "a.b", "a.b.c.d", "e30.e30.", "e30.e30.e30", "!!.e30.e30", "bm8.e30.e30", "W10.e30.e30", "e30=.e30.e30",
    "eyJhbGciOjF9.e30.", "eyJhbGciOiJFZERTQSIsImtpZCI6MX0.e30.AA", "eyJhbGciOiJFZERTQSJ9.e30.A", "eyJhbGciOiJFZERTQSJ9.e30.AB",
  ])
  func `what is not a token is malformed`(text: String) async throws {
    let fixture = try TokenFixture()
    #expect(await fixture.refusal(text) == .malformed)
  }

  @Test func `a signed payload that is not an object is malformed, and so is a token that is too long`() async throws {
    let fixture = try TokenFixture()
    #expect(try await fixture.refusal(claims: ["list"]) == .malformed)
    let long = TokenFixture.claims(["note": .string(String(repeating: "a", count: 8192))])
    #expect(try await fixture.refusal(claims: long) == .malformed)
  }

  @Test func `random damage to a token is never accepted`() async throws {
    let fixture = try TokenFixture()
    let token = try await fixture.issuer.sign(TokenFixture.claims())
    let seed = UInt64.random(in: .min ... .max)
    var state = seed
    for _ in 0..<500 {
      var bytes = [UInt8](token.utf8)
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let place = Int(state >> 33) % bytes.count
      bytes[place] ^= UInt8(1 + (state >> 24) % 127)
      let damaged = String(decoding: bytes, as: UTF8.self)
      let refusal = await fixture.refusal(damaged)
      try #require(refusal != nil, "seed \(seed) place \(place)")
    }
  }

  @Test func `what the caller is told holds nothing of token, keys or machine`() async throws {
    let fixture = try TokenFixture()
    let refusal = try await fixture.refusal(claims: TokenFixture.claims(["sub": "secret\nname"]))
    let text = "\(refusal?.message ?? "") \(refusal?.reason ?? "")"
    #expect(text.contains("'sub'"))
    for leak in ["secret", fixture.folder.path, fixture.issuer.keyID] { #expect(!text.contains(leak)) }
  }
}
