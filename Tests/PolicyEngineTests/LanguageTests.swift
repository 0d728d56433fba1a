import Residency
import Testing

@testable import PolicyEngine

/// What laws key on beyond places, classes and purposes.
@Suite struct LanguageTests {
  private static let gold: [String: String] = [
    "vocabulary.yaml": Fixture.vocabulary + "\ncertifications: [gold, silver]\n",
    "principals.yaml": """
    principals:
      - { match: "*", purposes: [support] }
      - match: "gold:*"
        purposes: [support]
        certifications: [{ certification: gold, reference: R-1, from: 2026-01-01, until: 2027-01-01 }, silver]
    """,
  ]

  private func effect(_ rule: String, replacing: [String: String] = [:], _ change: (inout AccessRequest) -> Void) throws
    -> Decision
  {
    var request = Fixture.request(from: "us-east")
    change(&request)
    return try Fixture.policies("  - \(rule)", replacing: replacing).decide(request)
  }

  @Test func `a certified recipient is told by its name, from the first day to the last`() throws {
    let rule = "{ id: a, permit: read, when: { certified: gold } }"
    func effect(_ principal: String, _ day: String) throws -> Decision.Effect {
      try self.effect(rule, replacing: Self.gold) {
        $0.principal = principal
        $0.now = Fixture.day(day)
      }.effect
    }
    #expect(try effect("gold:desk", "2026-01-01") == .permit)
    #expect(try effect("gold:desk", "2026-12-31") == .permit)
    #expect(try effect("gold:desk", "2025-12-31") == .deny)
    #expect(try effect("gold:desk", "2027-01-01") == .deny)
    #expect(try effect("desk", "2026-06-01") == .deny)
  }

  @Test func `where the first write was not known, no permit on it opens and every forbid applies`() throws {
    let permit = "{ id: a, permit: read, when: { first_write: IE } }"
    #expect(try effect(permit) { $0.firstWrite = .known(Fixture.jurisdiction("IE")) }.effect == .permit)
    #expect(try effect(permit) { $0.firstWrite = .known(Fixture.jurisdiction("US")) }.effect == .deny)
    let unknown = try effect(permit) { _ in }
    #expect(unknown.reason == .missingFact)
    #expect(unknown.unknown == ["first_write"])
    let forbid = "{ id: a, permit: read }\n  - { id: b, forbid: read, when: { first_write: US } }"
    #expect(try effect(forbid) { _ in }.rule?.id == "b")
    #expect(try effect(forbid) { $0.firstWrite = .known(Fixture.jurisdiction("IE")) }.effect == .permit)
  }

  @Test func `people are counted by class, and one that nobody counted is not few`() throws {
    let rule = "{ id: a, permit: read, when: { transferred_this_year: { at_least: 10, below: 100 } } }"
    func effect(_ counts: [String: Int]) throws -> Decision {
      try self.effect(rule) {
        $0.fields = ["name"]
        $0.transferredThisYear = Dictionary(uniqueKeysWithValues: counts.map { (DataClass($0), $1) })
      }
    }
    for (count, permits) in [(9, false), (10, true), (99, true), (100, false)] {
      #expect((try effect(["profile": count]).effect == .permit) == permits, "\(count)")
    }
    #expect(try effect(["contact": 50]).reason == .missingFact)
  }

  private static let nested: [String: String] = [
    "collections.yaml": """
    collections:
      people:
        locality: home
        audit: strict
        default_class: health
        fields: { name: profile, address: contact, address.city: profile, "cards[].number": contact, "cards[].brand": profile }
    """
  ]

  private func shown(_ rules: String, _ document: JSONValue, fields: [String]? = nil) throws -> (JSONValue, [String]) {
    var request = Fixture.request(from: "us-east")
    request.fields = fields
    let decision = try Fixture.policies(rules, replacing: Self.nested).decide(request)
    let read = try #require(decision.permittedRead)
    let (shown, redactions) = read.redact(document) { Fixture.digest($0) }.parts
    return (shown, redactions.map { "\($0.field) \($0.view.name)" })
  }

  private static let document: JSONValue = [
    "name": "Resi", "address": ["street": "Secret Street 1", "city": "Galway"],
    "cards": [["number": "4111 1111 1111 1111", "brand": "V", "pin": 1234], ["number": "5500 0000 0000 0004", "brand": "M"]],
    "note": "ill", "address.city": "Dublin",
  ]

  @Test func `a field in a field has a class and a view of its own, in every element of a list`() throws {
    let (shown, redactions) = try shown("  - { id: a, permit: read, when: { class: profile } }", Self.document)
    #expect(shown == ["name": "Resi", "address": ["city": "Galway"], "cards": [["brand": "V"], ["brand": "M"]]])
    // What has no path of its own goes with what it lies in; a name that looks like a path is none.
    #expect(redactions == ["address drop", "address.city drop", "cards[] drop", "cards[].number drop", "note drop"])
  }

  @Test func `a name that looks like a path goes with what it lies in`() throws {
    let (shown, _) = try shown(
      "  - { id: a, permit: read, when: { class: profile } }",
      ["address": ["city": "Galway", "city.name": "secret", "x.name": "secret", "[]": "secret", "*": "secret"]])
    #expect(shown == ["address": ["city": "Galway"]])
  }

  @Test func `what is nested goes with what it lies in, unless it is named`() throws {
    let rule =
      "  - { id: a, permit: read, when: { class: [profile, contact] }, view: { address: hash, address.city: clear, \"cards[].number\": last4 } }"
    let (shown, _) = try shown(rule, Self.document)
    #expect(shown["address"]?["city"] == "Galway")
    #expect(shown["address"]?["street"]?.stringValue?.hasPrefix("h:") == true)
    #expect(shown["cards"] == [["number": "****1111"], ["number": "****0004"]])
    #expect(shown["name"] == nil)
  }

  @Test func `a record of another shape than its schema shows no more`() throws {
    let rule = "  - { id: a, permit: read, when: { class: profile } }"
    let strange: JSONValue = [
      "cards": ["number": "4111 1111 1111 1111", "brand": "V"], "address": [["street": "Secret Street 1", "city": "Galway"]],
    ]
    #expect(try shown(rule, strange).0 == ["cards": ["brand": "V"], "address": [["city": "Galway"]]])
    // A single value where parts are expected may be any of them.
    #expect(try shown(rule, ["cards": "4111 1111 1111 1111", "name": "Resi"]).0 == ["name": "Resi"])
    #expect(try shown("  - { id: a, permit: read, when: { class: contact } }", ["address": "Galway"]).0 == [:])
  }

  @Test func `a rule speaks of a field whatever the shape that it is written in`() throws {
    let rules = """
        - { id: a, permit: read, when: { class: [profile, contact] } }
        - { id: b, require: { "cards[].number": drop } }
      """
    #expect(try shown(rules, ["cards": ["number": "4111 1111 1111 1111", "brand": "V"]]).0 == ["cards": ["brand": "V"]])
    let error = #expect(throws: ConfigurationError.self) {
      try Fixture.policies(
        "  - { id: a, permit: read }",
        replacing: [
          "collections.yaml": Fixture.collections.replacing("diagnosis: health", with: "items: contact, \"items[]\": health")
        ])
    }
    #expect(error?.diagnostics.first?.message.contains("are one field") == true)
  }

  @Test func `what is shown of a part counts as its class, and what is not shown does not`() throws {
    var request = Fixture.request(from: "us-east")
    request.fields = ["address.city"]
    let rules = "  - { id: a, permit: read, when: { class: [profile, contact] } }"
    let part = try #require(try Fixture.policies(rules, replacing: Self.nested).decide(request).permittedRead)
    #expect(part.redact(Self.document) { Fixture.digest($0) }.classes == [DataClass("profile")])
    request.fields = nil
    let whole = try #require(try Fixture.policies(rules, replacing: Self.nested).decide(request).permittedRead)
    #expect(whole.redact(["address": ["street": "x"], "note": "ill"]) { Fixture.digest($0) }.classes == [DataClass("contact")])
  }

  @Test func `a requirement on a field is one on all that lies in it`() throws {
    let rules = """
        - { id: a, permit: read, when: { class: [profile, contact] } }
        - { id: b, require: { address: drop } }
      """
    #expect(try shown(rules, Self.document).0["address"] == nil)
  }

  @Test func `a part can be asked for by its path, and nothing else comes with it`() throws {
    let rule = "  - { id: a, permit: read, when: { class: [profile, contact] } }"
    #expect(try shown(rule, Self.document, fields: ["address.city"]).0 == ["address": ["city": "Galway"]])
    #expect(try shown(rule, Self.document, fields: ["cards[].brand"]).0 == ["cards": [["brand": "V"], ["brand": "M"]]])
    #expect(
      try shown(rule, Self.document, fields: ["address"]).0 == ["address": ["street": "Secret Street 1", "city": "Galway"]])
  }

  @Test func `a read that is clear at the top is not clear where something in it is masked`() throws {
    let policies = try Fixture.policies("  - { id: a, permit: read, when: { class: contact } }", replacing: Self.nested)
    let read = try #require(policies.decide(Fixture.request(from: "us-east")).permittedRead)
    #expect(!read.isClear(for: ["address"]))
    let all = try Fixture.policies("  - { id: a, permit: read }", replacing: Self.nested)
    #expect(try #require(all.decide(Fixture.request(from: "us-east")).permittedRead).isClear(for: ["address", "cards", "note"]))
  }

  @Test func `what is written wrong is said, with what to write`() throws {
    func errors(_ rule: String, replacing: [String: String] = [:]) -> [String] {
      do {
        _ = try Fixture.policies("  - \(rule)", replacing: replacing)
        return []
      } catch let error as ConfigurationError {
        return error.diagnostics.map { "\($0.location.line):\($0.location.column) \($0.message) | \($0.help ?? "")" }
      } catch {
        return ["\(error)"]
      }
    }
    #expect(
      errors("{ id: a, permit: read, when: { certified: silvr } }", replacing: Self.gold)
        == ["4:47 there is no certification 'silvr' | did you mean 'silver'?"])
    #expect(
      errors("{ id: a, permit: read, when: { transferred_this_year: { below: 0 } } }").first?.contains("it is at least 1, not 0")
        == true)
    #expect(
      errors("{ id: a, permit: read, when: { transferred_this_year: { at_least: 9, below: 9 } } }").first?
        .contains("no number is at least 9 and below 9") == true)
    #expect(
      errors("{ id: a, permit: read, when: { first_writ: IE } }")
        == ["4:36 there is no condition 'first_writ' | did you mean 'first_write'?"])
    #expect(
      errors("{ id: a, permit: store, when: { transferred_this_year: { below: 5 } } }").first?
        .contains("'store' knows no transferred_this_year") == true)
    let collections =
      "collections:\n  people: { locality: home, audit: strict, default_class: health, fields: { \"a..b\": profile } }"
    #expect(
      errors("{ id: a, permit: read }", replacing: ["collections.yaml": collections]).first?
        .contains("'a..b' is not a field | write it as address, address.street or items[].price") == true)
  }
}
