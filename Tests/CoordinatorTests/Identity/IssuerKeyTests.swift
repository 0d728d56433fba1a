import Crypto
import Foundation
import JWTKit
import Logging
import Residency
import Testing

@testable import Coordinator

struct IssuerKeyTests {
  @Test func `a new key counts as soon as it is published, and the old one no longer`() async throws {
    let fixture = try TokenFixture()
    let old = try await fixture.issuer.sign(TokenFixture.claims())
    #expect(await fixture.refusal(old) == nil)
    let successor = try TokenIssuer.make()
    try fixture.publish(successor.keySet)
    #expect(await fixture.refusal(try await successor.sign(TokenFixture.claims())) == nil)
    #expect(await fixture.refusal(old) == .unknownKey)
  }

  @Test func `a withdrawn key is refused once the file is looked at again`() async throws {
    let fixture = try TokenFixture(checkInterval: .zero)
    let token = try await fixture.issuer.sign(TokenFixture.claims())
    #expect(await fixture.refusal(token) == nil)
    try fixture.publish(try TokenIssuer.make().keySet)
    #expect(await fixture.refusal(token) == .unknownKey)
  }

  @Test func `a damaged file leaves the former keys in force`() async throws {
    let fixture = try TokenFixture(checkInterval: .zero)
    let token = try await fixture.issuer.sign(TokenFixture.claims())
    #expect(await fixture.refusal(token) == nil)
    _ = try fixture.folder.write("{\"keys\":", to: "jwks.json")
    #expect(await fixture.refusal(token) == nil)
    try FileManager.default.removeItem(atPath: fixture.keyFile.path)
    #expect(await fixture.refusal(token) == nil)
    let successor = try TokenIssuer.make()
    try fixture.publish(successor.keySet)
    #expect(await fixture.refusal(try await successor.sign(TokenFixture.claims())) == nil)
  }

  @Test func `without any keys the server is at fault, and recovers when they come`() async throws {
    let fixture = try TokenFixture()
    try FileManager.default.removeItem(atPath: fixture.keyFile.path)
    let token = try await fixture.issuer.sign(TokenFixture.claims())
    let refusal = await fixture.refusal(token)
    #expect(refusal == .keysUnavailable)
    #expect(refusal?.isCallersFault == false)
    await #expect(throws: IssuerKeyError.unreadable(path: fixture.keyFile.path)) { try await fixture.keyFile.load() }
    try fixture.publish(fixture.issuer.keySet)
    #expect(await fixture.refusal(token) == nil)
  }

  @Test(arguments: [
    ("", IssuerKeyError.notKeySet), ("[]", .notKeySet), ("{}", .notKeySet), ("{\"keys\":[1]}", .notKeySet),
    ("{\"keys\":[]}", .noUsableKey),
    (#"{"keys":[{"kty":"oct","k":"AAAA","kid":"s"}]}"#, .holdsPrivateKey(id: "s")),
    (#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","d":"AAAA"}]}"#, .holdsPrivateKey(id: nil)),
    (#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"a"}]}"#, .invalidKey(id: "a")),
    (#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a"}]}"#, .invalidKey(id: "a")),
    (#"{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","kid":"a"}]}"#, .invalidKey(id: "a")),
    (#"{"keys":[{"kty":"RSA","n":"u3f0","e":"AQAB","kid":"small"}]}"#, .invalidKey(id: "small")),
    (#"{"keys":[{"kty":"EC","crv":"P-521","x":"AAAA","y":"AAAA"},{"kty":"new"}]}"#, .noUsableKey),
    (#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","use":"enc"}]}"#, .noUsableKey),
    (#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","alg":"HS256"}]}"#, .noUsableKey),
  ])
  func `a file that is no set of public keys is refused, and says why`(text: String, expected: IssuerKeyError) async throws {
    await #expect(throws: expected) { try await IssuerKeys(keySet: [UInt8](text.utf8)) }
  }

  @Test func `two keys cannot share an id`() async throws {
    let key = try #require(try TokenIssuer.make().keySet["keys"]?.arrayValue?.first)
    await #expect(throws: IssuerKeyError.duplicateID(key["kid"]?.stringValue ?? "")) {
      try await IssuerKeys(keySet: (["keys": .array([key, key])] as JSONValue).canonicalBytes)
    }
  }

  @Test func `ES256 tokens are accepted from a P-256 key`() async throws {
    let fixture = try TokenFixture()
    let key = P256.Signing.PrivateKey()
    let point = [UInt8](key.publicKey.x963Representation.dropFirst())
    try fixture.publish([
      "keys": [
        [
          "kty": "EC", "crv": "P-256", "kid": "ec", "x": .string([UInt8](point.prefix(32)).base64URL),
          "y": .string([UInt8](point.suffix(32)).base64URL),
        ]
      ]
    ])
    let signed = TokenFixture.assemble(header: ["alg": "ES256", "kid": "ec"], claims: TokenFixture.claims(), signature: [])
      .dropLast()
    let signature = [UInt8](try key.signature(for: Data(signed.utf8)).rawRepresentation)
    #expect(await fixture.refusal("\(signed).\(signature.base64URL)") == nil)
    #expect(await fixture.refusal("\(signed).\([UInt8](repeating: 0, count: 64).base64URL)") == .signatureInvalid)
    #expect(await fixture.refusal("\(signed).\([UInt8](signature.dropLast()).base64URL)") == .signatureInvalid)
  }

  @Test(arguments: ["RS256", "PS256"])
  func `RSA tokens are accepted with the one padding that the key is for`(name: String) async throws {
    let fixture = try TokenFixture()
    let pem = try OpenSSLTool.run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-quiet")
    let keyFile = try fixture.folder.write(pem, to: "rsa.pem")
    let modulus = try OpenSSLTool.run("rsa", "-in", keyFile, "-noout", "-modulus").split(separator: "=").last ?? ""
    let n = try #require([UInt8](hex: modulus.trimmingCharacters(in: .whitespacesAndNewlines)))
    try fixture.publish(["keys": [["kty": "RSA", "kid": "r", "alg": .string(name), "e": "AQAB", "n": .string(n.base64URL)]]])
    let key = try Insecure.RSA.PrivateKey(pem: pem)
    for used in ["RS256", "PS256"] {
      let collection = JWTKeyCollection()
      if used == "RS256" {
        await collection.add(rsa: key, digestAlgorithm: .sha256)
      } else {
        await collection.add(pss: key, digestAlgorithm: .sha256)
      }
      let header: JSONValue = ["alg": .string(used), "kid": "r"]
      let signed = TokenFixture.assemble(header: header, claims: TokenFixture.claims(), signature: []).dropLast()
      let signature = try await collection.getKey().sign([UInt8](signed.utf8))
      #expect(await fixture.refusal("\(signed).\(signature.base64URL)") == (used == name ? nil : .unknownKey))
    }
  }

  @Test func `a key's id is its thumbprint (the example of RFC 8037, appendix A.3)`() throws {
    let members: JSONValue = ["crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"]
    let thumbprint = [UInt8](SHA256.hash(data: members.canonicalBytes)).base64URL
    #expect(thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
  }
}
