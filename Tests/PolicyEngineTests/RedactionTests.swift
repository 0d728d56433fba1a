import PolicyEngine
import Residency
import Testing

@Suite struct RedactionTests {
  private func permitted(_ views: String, from: String = "us-east") throws -> PermittedRead {
    let decision = try Fixture.policies("  - { id: a, permit: read, view: \(views) }").decide(Fixture.request(from: from))
    return try #require(decision.permittedRead)
  }

  /// A stand-in for a keyed hash.
  private func keyed(_ message: [UInt8]) -> [UInt8] { Fixture.digest(Array("key".utf8) + message) }

  private func shown(_ view: String, _ value: JSONValue, field: String = "phone", from: String = "us-east") throws -> JSONValue? {
    try permitted("{ \(field): \(view) }", from: from).redact(.object([field: value]), hash: keyed).document[field]
  }

  @Test func `only what is permitted is left, and the rest is named`() throws {
    let read = try permitted("{ name: clear, email: hash, phone: last4, diagnosis: drop }")
    let document: JSONValue = [
      "name": "E. U. Resident", "email": "resident@example.eu", "phone": "+353 85 123 4567", "diagnosis": "none",
      "nickname": "Resi",
    ]
    let (shown, redactions) = read.redact(document, hash: keyed).parts
    #expect(shown["name"] == "E. U. Resident")
    #expect(shown["phone"] == "****4567")
    #expect(shown["email"]?.stringValue?.hasPrefix("h:") == true)
    #expect(shown["diagnosis"] == nil)
    #expect(shown["nickname"] == nil)
    #expect(redactions.map { "\($0.field) \($0.view.name)" } == ["diagnosis drop", "email hash", "nickname drop", "phone last4"])
    #expect(!shown.canonicalText.contains("resident@example.eu"))
  }

  @Test func `fields that are not there are not reported`() throws {
    let (shown, redactions) = try permitted("{ email: hash }").redact(["email": "a@b.eu"], hash: keyed).parts
    #expect(redactions.map(\.field) == ["email"])
    #expect(shown["email"] != nil)
  }

  @Test func `nothing is released of a document that is no object`() throws {
    let read = try permitted("{ \"*\": clear }")
    for document: JSONValue in ["text", 7, ["a"], true, .null] {
      let (shown, redactions) = read.redact(document, hash: keyed).parts
      #expect(shown == .null)
      #expect(redactions.map(\.field) == ["*"])
    }
  }

  @Test func `the last four are shown of eight or more letters and digits, and of nothing else`() throws {
    #expect(try shown("last4", "12345678") == "****5678")
    #expect(try shown("last4", "DE12 3456 78-90") == "****7890")
    #expect(try shown("last4", 4_111_111_111_111_111) == "****1111")
    for value: JSONValue in ["1234567", "12 34 56 7", "", ["12345678"], ["number": "12345678"], true, .null] {
      #expect(try shown("last4", value) == nil, "\(value.canonicalText)")
    }
  }

  @Test func `a view that cannot be made is reported as dropped`() throws {
    let (_, redactions) = try permitted("{ phone: last4 }").redact(["phone": ["12345678"]], hash: keyed).parts
    #expect(redactions.map { "\($0.field) \($0.view.name)" } == ["phone drop"])
  }

  @Test func `a hash tells equal values of one field apart from others, and says nothing about another field`() throws {
    #expect(try shown("hash", "a@b.eu") == shown("hash", "a@b.eu"))
    #expect(try shown("hash", "a@b.eu") != shown("hash", "b@b.eu"))
    #expect(try shown("hash", "a@b.eu", field: "phone") != shown("hash", "a@b.eu", field: "email"))
    #expect(try shown("hash", "1") != shown("hash", 1))
    #expect(try shown("hash", .null) == nil)
  }

  @Test func `a pseudonym differs from recipient to recipient`() throws {
    #expect(try shown("pseudonym", "a", from: "us-east") == shown("pseudonym", "a", from: "us-east"))
    #expect(try shown("pseudonym", "a", from: "us-east") != shown("pseudonym", "a", from: "ap-south"))
    #expect(try shown("pseudonym", "a")?.stringValue?.hasPrefix("p:") == true)
    #expect(try shown("pseudonym", "a") != shown("hash", "a"))
  }

  @Test func `a nested value goes with its field`() throws {
    let (shown, _) = try permitted("{ name: clear, email: hash }").redact(
      ["name": ["first": "E.", "email": "a@b.eu"], "email": ["work": "a@b.eu"]], hash: keyed
    ).parts
    #expect(shown["name"]?["email"] == "a@b.eu")
    #expect(shown["email"]?.stringValue?.hasPrefix("h:") == true)
  }

  @Test func `only a permitted read or export yields the proof`() throws {
    let policies = try Fixture.policies("  - { id: all, permit: [read, write, export, replicate], when: { purpose: support } }")
    #expect(policies.decide(Fixture.request(.read)).permittedRead != nil)
    #expect(policies.decide(Fixture.request(.export)).permittedRead != nil)
    #expect(policies.decide(Fixture.request(.write)).effect == .permit)
    #expect(policies.decide(Fixture.request(.write)).permittedRead == nil)
    #expect(policies.decide(Fixture.request(.replicate)).permittedRead == nil)
    #expect(policies.decide(Fixture.request(.read, purpose: "analytics")).permittedRead == nil)
  }
}
