import PolicyEngine
import Residency
import Testing

/// What each kind of condition asks, and what a request must bring.
@Suite struct FactTests {
  private static let agreements = """
    agreements:
      - { id: frail, exporter: $eea, importer: US, mechanism: adequacy, reference: r1, from: 2026-01-01, until: 2026-12-01, review_by: 2026-12-01, status: at-risk, fallback: sound }
      - { id: sound, exporter: $eea, importer: US, mechanism: scc, reference: r2, from: 2026-06-01, review_by: 2027-06-01, status: in-force }
    """

  @Test func `a safeguard counts from its first day to the day before its last`() throws {
    let policies = try Fixture.policies(
      "  - { id: yes, basis: law, permit: read, when: { safeguard: adequacy } }", replacing: ["agreements.yaml": Self.agreements])
    let decision = policies.decide(Fixture.request(from: "us-east"))
    #expect(decision.effect == .permit)
    #expect(decision.safeguard?.rawValue == "adequacy")
    #expect(decision.agreement?.id == "frail")
    #expect(decision.agreement?.reference == "r1")
    #expect(decision.legalBasis == "law")
    #expect(policies.decide(Fixture.request(from: "us-east", now: "2025-12-31")).effect == .deny)
    #expect(policies.decide(Fixture.request(from: "us-east", now: "2026-11-30")).effect == .permit)
    #expect(policies.decide(Fixture.request(from: "us-east", now: "2026-12-01")).nearestPermit?.missing == ["safeguard"])
    #expect(policies.decide(Fixture.request(from: "ap-south")).effect == .deny)
  }

  @Test func `a rule holds from its first day to the day before its last`() throws {
    let policies = try Fixture.policies("  - { id: yes, permit: read, from: 2026-01-01, until: 2027-01-01 }")
    #expect(policies.decide(Fixture.request(now: "2025-12-31")).nearestPermit?.missing == ["from"])
    #expect(policies.decide(Fixture.request(now: "2026-01-01")).effect == .permit)
    #expect(policies.decide(Fixture.request(now: "2026-12-31")).effect == .permit)
    #expect(policies.decide(Fixture.request(now: "2027-01-01")).nearestPermit?.missing == ["until"])
  }

  @Test func `before a list takes effect it says nothing`() throws {
    let lists = ["lists/late.yaml": Fixture.list("late", "[US]", effectiveFrom: "2026-12-01")]
    let permit = try Fixture.policies("  - { id: yes, permit: read, when: { requester: $late } }", replacing: lists)
    #expect(permit.decide(Fixture.request(from: "us-east")).reason == .missingFact)
    #expect(permit.decide(Fixture.request(from: "us-east", now: "2026-12-01")).effect == .permit)
    let rules = "  - { id: all, permit: read }\n  - { id: no, forbid: read, when: { requester: $late } }"
    let forbid = try Fixture.policies(rules, replacing: lists)
    #expect(forbid.decide(Fixture.request(from: "ap-south")).reason == .forbidden)
    #expect(forbid.decide(Fixture.request(from: "ap-south", now: "2026-12-01")).effect == .permit)
    #expect(forbid.warnings.map(\.message) == ["list 'late' says nothing before 2026-12-01"])
  }

  @Test func `an empty list, too, says nothing before it takes effect`() throws {
    let policies = try Fixture.policies(
      "  - { id: all, permit: read }\n  - { id: no, forbid: read, when: { requester: $none } }",
      replacing: ["lists/none.yaml": Fixture.list("none", "[]", effectiveFrom: "2026-01-01")])
    #expect(policies.decide(Fixture.request(now: "2025-12-31")).reason == .forbidden)
    #expect(policies.decide(Fixture.request(now: "2026-01-01")).effect == .permit)
  }

  @Test func `members of members count, within both periods`() throws {
    let lists = [
      "lists/outer.yaml": Fixture.list("outer", "[{ member: $inner, until: 2026-12-01 }]"),
      "lists/inner.yaml": Fixture.list("inner", "[{ member: US, from: 2026-02-01, until: 2027-01-01 }]"),
    ]
    let policies = try Fixture.policies("  - { id: yes, permit: read, when: { requester: $outer } }", replacing: lists)
    for (day, effect) in [
      ("2026-01-31", Decision.Effect.deny), ("2026-02-01", .permit), ("2026-11-30", .permit), ("2026-12-01", .deny),
    ] {
      #expect(policies.decide(Fixture.request(from: "us-east", now: day)).effect == effect, "\(day)")
    }
  }

  @Test func `store asks who somebody is and where home would be`() throws {
    let rules = """
        - { id: yes, permit: store }
        - { id: citizens, forbid: store, when: { citizenship: IN }, unless: { home: IN } }
        - { id: province, forbid: store, when: { subdivision: CA-QC }, unless: { home: CA-QC } }
      """
    let policies = try Fixture.policies(rules, home: "\"*\"")
    func effect(_ home: String, _ country: String, _ subdivision: String? = nil, citizens: [String]? = ["IE"]) -> Decision {
      let residence = Residence(
        country: Fixture.jurisdiction(country), subdivision: subdivision.map(Fixture.jurisdiction),
        citizenship: citizens.map { Set($0.map(Fixture.jurisdiction)) })
      return policies.decide(Fixture.request(.store, home: home, residence: .known(residence)))
    }
    #expect(effect("eu-west", "IE").effect == .permit)
    #expect(effect("eu-west", "IE", citizens: []).effect == .permit)
    #expect(effect("eu-west", "IE", citizens: ["IE", "IN"]).rule?.id == "citizens")
    #expect(effect("eu-west", "IE", citizens: nil).unknown == ["citizenship"])
    #expect(effect("ap-south", "IE", citizens: nil).effect == .permit)
    #expect(effect("ca-east", "CA", "CA-QC").rule?.id == "province")
    #expect(effect("ca-quebec", "CA", "CA-QC").effect == .permit)
    #expect(effect("ca-east", "CA", "CA-BC").effect == .permit)
    #expect(effect("us-east", "CA", "CA-BC").effect == .permit)
    #expect(effect("us-east", "CA").unknown == ["subdivision"])
    #expect(effect("us-east", "DE", "CA-QC").unknown == ["citizenship", "subdivision"], "country and part contradict each other")
    #expect(policies.decide(Fixture.request(.store, residence: .unknown)).reason == .forbidden)
  }

  @Test func `a request outside the vocabulary is denied before any rule is asked`() throws {
    let policies = try Fixture.policies(
      "  - { id: all, permit: [read, write, move] }",
      replacing: [
        "vocabulary.yaml": Fixture.vocabulary.replacing("replicate, move, export", with: "move"),
        "principals.yaml":
          "principals:\n  - { match: desk, purposes: [support] }\n  - { match: \"study:*\", purposes: [analytics] }",
      ])
    #expect(policies.decide(Fixture.request()).effect == .permit)
    #expect(policies.decide(Fixture.request(purpose: "suport")).reason == .unknownPurpose)
    #expect(policies.decide(Fixture.request(purpose: nil)).reason == .unknownPurpose)
    #expect(policies.decide(Fixture.request(.write, purpose: nil)).effect == .permit)
    #expect(policies.decide(Fixture.request(collection: "peopel")).reason == .unknownCollection)
    #expect(policies.decide(Fixture.request(collection: nil)).reason == .unknownCollection)
    #expect(policies.decide(Fixture.request(.replicate)).reason == .unknownAction)
    #expect(policies.decide(Fixture.request(purpose: "analytics")).reason == .purposeNotAllowedForPrincipal)
    #expect(policies.decide(Fixture.request(purpose: "analytics", principal: "study:1")).effect == .permit)
    #expect(policies.decide(Fixture.request(principal: "stranger")).reason == .purposeNotAllowedForPrincipal)
    var request = Fixture.request()
    request.hops = []
    #expect(policies.decide(request).reason == .unknownRegion)
    request.hops = [Place(region: RegionID("mars-1"), jurisdiction: Fixture.jurisdiction("IE"))]
    #expect(policies.decide(request).reason == .unknownRegion)
    request.hops = [Place(region: RegionID("us-east"), jurisdiction: Fixture.jurisdiction("IE"))]
    #expect(policies.decide(request).reason == .unknownRegion, "a region is where the catalog says")
  }

  @Test func `whole records are not replicated where part of them must be masked`() throws {
    let rules =
      "  - { id: all, permit: [read, replicate, move] }\n  - { id: mask, require: { phone: hash }, when: { requester: US } }"
    let policies = try Fixture.policies(rules)
    let decision = policies.decide(Fixture.request(.replicate, from: "us-east"))
    #expect(decision.reason == .redactionRequired)
    #expect(decision.rule?.id == "mask")
    #expect(policies.decide(Fixture.request(.replicate, from: "us-east", fields: ["name"])).effect == .permit)
    #expect(policies.decide(Fixture.request(.replicate, from: "eu-mid")).effect == .permit)
    #expect(policies.decide(Fixture.request(.move, from: "us-east", collection: nil)).reason == .redactionRequired)
    #expect(policies.decide(Fixture.request(.move, from: "eu-mid", collection: nil)).effect == .permit)
  }

  @Test func `a move without a collection is about everything that lives at home`() throws {
    let policies = try Fixture.policies("  - { id: all, permit: move }\n  - { id: no, forbid: move, when: { class: health } }")
    #expect(policies.decide(Fixture.request(.move, from: "eu-mid", collection: nil)).reason == .forbidden)
    #expect(policies.decide(Fixture.request(.move, from: "eu-mid", collection: "notes")).effect == .permit)
  }

  @Test func `collection and principal are conditions like the others`() throws {
    let policies = try Fixture.policies(
      "  - { id: a, permit: read, when: { collection: notes, principal: [\"desk*\", boss] } }")
    #expect(policies.decide(Fixture.request(collection: "notes", principal: "desk-2")).effect == .permit)
    #expect(policies.decide(Fixture.request(collection: "notes", principal: "clerk")).nearestPermit?.missing == ["principal"])
    #expect(policies.decide(Fixture.request(principal: "boss")).nearestPermit?.missing == ["collection"])
  }
}

extension String {
  func replacing(_ text: String, with other: String) -> String {
    var parts: [Substring] = []
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      parts.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    return (parts + [rest]).joined(separator: other)
  }
}
