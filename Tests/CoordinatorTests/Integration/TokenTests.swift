import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Foundation
import Residency
import SwiftProtobuf
import Testing

@testable import Coordinator

extension Integration {
  @Suite struct Tokens {
    private struct Bad: Sendable {
      let reason: String
      let make: @Sendable (TestDeployment) async throws -> String?
    }

    private static let tokens: [Bad] = [
      Bad(reason: "TOKEN_MISSING") { _ in nil },
      Bad(reason: "TOKEN_MALFORMED") { _ in "not.a.token" },
      Bad(reason: "TOKEN_EXPIRED") { try await $0.token(issuedAt: Date(timeIntervalSinceNow: -7_200)) },
      Bad(reason: "TOKEN_NOT_YET_VALID") { try await $0.token(issuedAt: Date(timeIntervalSinceNow: 3_600)) },
      // Another issuer's, of the same name.
      Bad(reason: "TOKEN_KEY_UNKNOWN") { _ in try await TokenIssuer.make().sign(claims()) },
      Bad(reason: "TOKEN_SIGNATURE_INVALID") { deployment in
        let token = try await deployment.token()
        let parts = token.split(separator: ".")
        let claims = Self.claims(["purposes": ["service", "legal"]]).canonicalBytes.base64URL
        return "\(parts[0]).\(claims).\(parts[2])"
      },
      Bad(reason: "TOKEN_ALGORITHM_NOT_ALLOWED") { _ in
        let header: JSONValue = ["alg": "none", "typ": "JWT"]
        return "\(header.canonicalBytes.base64URL).\(claims().canonicalBytes.base64URL)."
      },
      Bad(reason: "TOKEN_AUDIENCE_MISMATCH") { try await TokenIssuer(state: $0.state).sign(claims(["aud": "another-service"])) },
      Bad(reason: "TOKEN_ISSUER_NOT_TRUSTED") {
        try await TokenIssuer(state: $0.state).sign(claims(["iss": "https://else.example"]))
      },
      Bad(reason: "TOKEN_CLAIM_MISSING") { try await TokenIssuer(state: $0.state).sign(claims(["exp": .null])) },
      Bad(reason: "TOKEN_CLAIM_INVALID") { try await TokenIssuer(state: $0.state).sign(claims(["jurisdiction": "Atlantis"])) },
    ]

    @Test(arguments: tokens.indices, [RegionID.euWest, .usEast])
    func `a token that does not hold opens nothing, at home or abroad`(_ number: Int, _ region: RegionID) async throws {
      let bad = Self.tokens[number]
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      let caller = try world.caller(region, token: try await bad.make(world.deployment))
      for call in [
        { try await caller.get(subject) as Any }, { try await caller.put(subject, ["name": "Another"]) as Any },
        { try await caller.locate(subject) as Any }, { try await caller.regions() as Any },
        { try await caller.checkpoint() as Any },
        { try await caller.batch([(subject, "profile", "main")]) as Any },
      ] {
        let error = try await refusal(of: call)
        #expect(error.code == .unauthenticated)
        #expect(error.reason == bad.reason)
      }
      #expect(try await home.get(subject).record.version == 1)
    }

    @Test func `a token's purposes bound what it may ask for, and the log says who asked`() async throws {
      let world = try await World.shared()
      let name = "app:\(freshSubject("desk"))"
      let app = try await world.app(.euWest, name, purposes: ["support"])
      let subject = freshSubject()
      try await world.app(.euWest).register(subject)
      let error = try await refusal { try await app.get(subject, purpose: "billing") }
      #expect(error.code == .permissionDenied)
      #expect(error.reason == "PURPOSE_NOT_ALLOWED")
      #expect(try await world.event(of: error).principal == name)
    }

    @Test func `what answers without a token tells nothing`() async throws {
      let world = try await World.shared()
      #expect(try await world.get(.euWest, "/healthz").text == "ok\n")
      #expect(try await world.get(.euWest, "/readyz").text == "ready\n")
      for path in ["/checkpoint", "/tile/0/000", "/tile/entries/000"] {
        #expect(try await world.get(.euWest, path).status == 401, "\(path)")
        // An app's is not an auditor's.
        #expect(try await world.get(.euWest, path, token: try await world.deployment.token()).status == 403, "\(path)")
      }
    }

    private static func claims(_ changes: [String: JSONValue] = [:]) -> JSONValue {
      let now = Date().timeIntervalSince1970.rounded()
      var claims: [String: JSONValue] = [
        "iss": .string(TokenIssuer.developmentIssuer), "aud": .string(TokenIssuer.audience), "sub": "app:test",
        "iat": .number(now),
        "nbf": .number(now), "exp": .number(now + 3_600), "purposes": ["service", "support"],
      ]
      for (name, value) in changes { claims[name] = value }
      return .object(claims)
    }
  }
}
