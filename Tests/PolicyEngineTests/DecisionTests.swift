import PolicyEngine
import Residency
import Testing

/// Each row of the semantics, on rules small enough to read.
@Suite struct DecisionTests {
  private static let everything = "  - { id: all, permit: [read, write, replicate, move, export] }"

  @Test func `without a permit the answer is no`() throws {
    let policies = try Fixture.policies("  - { id: no, forbid: read, when: { purpose: analytics } }")
    let decision = policies.decide(Fixture.request())
    #expect(decision.effect == .deny)
    #expect(decision.reason == .noMatchingRule)
    #expect(decision.rule == nil)
    #expect(decision.permittedRead == nil)
    #expect(decision.view(of: "name") == .drop)
  }

  @Test func `a forbid beats every permit, wherever it stands`() throws {
    for rules in [[Self.everything, "  - { id: no, forbid: read }"], ["  - { id: no, forbid: read }", Self.everything]] {
      let decision = try Fixture.policies(rules.joined(separator: "\n")).decide(Fixture.request())
      #expect(decision.reason == .forbidden)
      #expect(decision.rule?.id == "no")
      #expect(decision.rules.map(\.id) == ["all", "no"])
    }
  }

  @Test func `the order of rules and files means nothing`() throws {
    let one = "  - { id: a, permit: read, when: { class: profile }, view: { name: hash } }"
    let two = "  - { id: b, permit: read, view: { \"*\": last4 } }"
    let first = try Fixture.policies("\(one)\n\(two)").decide(Fixture.request())
    let second = try Fixture.policies("\(two)\n\(one)").decide(Fixture.request())
    #expect(first.fieldViews == second.fieldViews)
    #expect(first.rule?.id == second.rule?.id)
  }

  @Test func `an unknown fact makes a forbid apply`() throws {
    let policies = try Fixture.policies("\(Self.everything)\n  - { id: no, forbid: read, when: { consent: implied } }")
    let unknown = policies.decide(Fixture.request(consent: .unknown))
    #expect(unknown.reason == .forbidden)
    #expect(unknown.unknown == ["consent"])
    #expect(policies.decide(Fixture.request(consent: .known(.explicit))).effect == .permit)
    #expect(policies.decide(Fixture.request(consent: .known(nil))).effect == .permit)
    #expect(policies.decide(Fixture.request(consent: .known(.implied))).reason == .forbidden)
  }

  @Test func `an unknown fact makes an exception not count`() throws {
    let policies = try Fixture.policies("\(Self.everything)\n  - { id: no, forbid: read, unless: { consent: explicit } }")
    #expect(policies.decide(Fixture.request(consent: .unknown)).reason == .forbidden)
    #expect(policies.decide(Fixture.request(consent: .known(.explicit))).effect == .permit)
  }

  @Test func `an unknown fact makes a requirement apply`() throws {
    let policies = try Fixture.policies(
      "\(Self.everything)\n  - { id: mask, require: { email: hash }, unless: { consent: explicit } }")
    #expect(policies.decide(Fixture.request(consent: .unknown)).view(of: "email") == .hash)
    #expect(policies.decide(Fixture.request(consent: .known(.explicit))).view(of: "email") == .clear)
  }

  @Test func `an unknown fact makes a permit not apply, and the denial says so`() throws {
    let policies = try Fixture.policies("  - { id: yes, permit: read, when: { consent: explicit } }")
    let decision = policies.decide(Fixture.request(consent: .unknown))
    #expect(decision.reason == .missingFact)
    #expect(decision.unknown == ["consent"])
    #expect(decision.nearestPermit?.missing == ["consent"])
    #expect(decision.rules.isEmpty)
    let exception = try Fixture.policies("  - { id: yes, permit: read, unless: { consent: explicit } }")
    #expect(exception.decide(Fixture.request(consent: .unknown)).reason == .missingFact)
    #expect(exception.decide(Fixture.request(consent: .known(nil))).effect == .permit)
  }

  @Test func `what cannot be true for another reason is not unknown`() throws {
    let policies = try Fixture.policies(
      "\(Self.everything)\n  - { id: no, forbid: read, when: { consent: explicit, purpose: analytics } }")
    #expect(policies.decide(Fixture.request(purpose: "support", consent: .unknown)).effect == .permit)
  }

  @Test func `a forbid on one class denies the whole request, and a request for the rest is another request`() throws {
    let policies = try Fixture.policies("\(Self.everything)\n  - { id: no, forbid: read, when: { class: health } }")
    #expect(policies.decide(Fixture.request()).reason == .forbidden)
    #expect(policies.decide(Fixture.request(fields: ["name", "diagnosis"])).reason == .forbidden)
    let decision = policies.decide(Fixture.request(fields: ["name"]))
    #expect(decision.effect == .permit)
    #expect(decision.classes == [DataClass("profile")])
    #expect(decision.view(of: "name") == .clear)
    #expect(decision.view(of: "diagnosis") == .drop)
    #expect(decision.view(of: "email") == .drop)
  }

  @Test func `a permit works class by class, and what it does not name is dropped`() throws {
    let policies = try Fixture.policies("  - { id: some, permit: [read, write], when: { class: profile } }")
    let decision = policies.decide(Fixture.request())
    #expect(decision.effect == .permit)
    #expect(
      decision.fieldViews.map { "\($0.field) \($0.view.name)" } == [
        "diagnosis drop", "email drop", "name clear", "phone drop", "* drop",
      ])
    #expect(policies.decide(Fixture.request(fields: ["email"])).reason == .noMatchingRule)
    #expect(policies.decide(Fixture.request(.write)).reason == .noMatchingRule)
    #expect(policies.decide(Fixture.request(.write, fields: ["name"])).effect == .permit)
    #expect(policies.decide(Fixture.request(.write, fields: ["name", "email"])).effect == .deny)
  }

  @Test func `an empty document is judged by the class of unnamed fields`() throws {
    let policies = try Fixture.policies("  - { id: some, permit: write, when: { class: contact } }")
    #expect(policies.decide(Fixture.request(.write, fields: [])).effect == .permit)
    let none = try Fixture.policies("  - { id: some, permit: write, when: { class: profile } }")
    #expect(none.decide(Fixture.request(.write, fields: [])).effect == .deny)
    #expect(try Fixture.policies(Self.everything).decide(Fixture.request(.read, fields: [])).reason == .everythingDropped)
  }

  @Test func `a field gets the weakest view granted, raised to the strongest demanded`() throws {
    let rules = """
        - { id: a, permit: read, view: { email: pseudonym, phone: hash, "*": clear } }
        - { id: b, permit: read, view: { email: last4, phone: drop } }
        - { id: c, require: { phone: pseudonym, name: hash } }
        - { id: d, require: { phone: last4 } }
      """
    let decision = try Fixture.policies(rules).decide(Fixture.request())
    #expect(decision.view(of: "email") == .last4)
    #expect(decision.view(of: "phone") == .pseudonym)
    #expect(decision.view(of: "name") == .hash)
    #expect(decision.view(of: "diagnosis") == .clear)
    #expect(decision.view(of: "anything") == .clear)
    #expect(decision.rules.map(\.id) == ["a", "b", "c", "d"])
  }

  @Test func `a view map without a star drops what it does not name`() throws {
    let decision = try Fixture.policies("  - { id: a, permit: read, view: { name: clear } }").decide(Fixture.request())
    #expect(decision.redactions.map(\.field) == ["diagnosis", "email", "phone", "*"])
    #expect(decision.redactions.allSatisfy { $0.view == .drop })
  }

  @Test func `where every field would be dropped the answer is no`() throws {
    let decision = try Fixture.policies("\(Self.everything)\n  - { id: mask, require: { \"*\": drop } }").decide(
      Fixture.request())
    #expect(decision.reason == .everythingDropped)
    #expect(decision.rule?.id == "mask")
  }

  @Test func `every hop is judged, and views join`() throws {
    let rules = """
        - { id: us, permit: read, when: { requester: US }, view: { email: hash, name: clear } }
        - { id: de, permit: read, when: { requester: DE }, view: { email: last4, name: pseudonym, phone: clear } }
      """
    let policies = try Fixture.policies(rules)
    let both = policies.decide(Fixture.request(from: "us-east", "DE"))
    #expect(both.view(of: "email") == .hash)
    #expect(both.view(of: "name") == .pseudonym)
    #expect(both.view(of: "phone") == .drop)
    #expect(both.rules.map(\.id) == ["de", "us"])
    #expect(policies.decide(Fixture.request(from: "us-east", "IN")).effect == .deny)
    #expect(policies.decide(Fixture.request(from: "ap-south", "US")).effect == .deny)
    let forbidding = try Fixture.policies("\(Self.everything)\n  - { id: no, forbid: read, when: { requester: IN } }")
    #expect(forbidding.decide(Fixture.request(from: "us-east", "IN")).reason == .forbidden)
    #expect(forbidding.decide(Fixture.request(from: "us-east")).effect == .permit)
  }

  @Test func `locality widens from region to jurisdiction to bloc`() throws {
    func permitted(_ word: String, _ from: String...) throws -> Bool {
      let policies = try Fixture.policies("  - { id: near, permit: read, when: { locality: \(word) } }")
      var request = Fixture.request()
      request.hops = from.map(Fixture.place)
      return policies.decide(request).effect == .permit
    }
    for (word, region, country, bloc) in [
      ("region", false, false, false), ("jurisdiction", true, true, false), ("bloc", true, true, true),
    ] {
      #expect(try permitted(word, "eu-west"))
      #expect(try permitted(word, "eu-isle") == region)
      #expect(try permitted(word, "IE") == country)
      #expect(try permitted(word, "eu-mid") == bloc)
      #expect(try !permitted(word, "us-east"))
      #expect(try !permitted(word, "eu-west", "US"))
    }
  }

  @Test func `a principal somewhere in the home's country may or may not be in its region`() throws {
    let policies = try Fixture.policies("\(Self.everything)\n  - { id: no, forbid: read, unless: { locality: region } }")
    let near = policies.decide(Fixture.request(from: "IE"))
    #expect(near.reason == .forbidden)
    #expect(near.unknown == ["locality"])
    #expect(policies.decide(Fixture.request(from: "US")).unknown.isEmpty)
  }

  @Test func `requester_region is unknown of a requester outside every region`() throws {
    let policies = try Fixture.policies("  - { id: here, permit: read, when: { requester_region: [us-east, eu-mid] } }")
    #expect(policies.decide(Fixture.request(from: "us-east")).effect == .permit)
    #expect(policies.decide(Fixture.request(from: "ap-south")).reason == .noMatchingRule)
    #expect(policies.decide(Fixture.request(from: "US")).reason == .missingFact)
  }

  @Test func `a pack is about its homes only`() throws {
    let policies = try Fixture.policies(Self.everything, home: "US")
    #expect(policies.decide(Fixture.request(from: "us-east", home: "us-east")).effect == .permit)
    let elsewhere = policies.decide(Fixture.request(home: "eu-west"))
    #expect(elsewhere.effect == .deny)
    #expect(elsewhere.nearestPermit == nil)
    #expect(try Fixture.policies(Self.everything, home: "\"*\"").decide(Fixture.request(home: "ap-south")).effect == .permit)
  }

  @Test func `of a home of which only the country is known, a province's pack forbids and does not permit`() throws {
    let policies = try Fixture.policies(Self.everything, home: "CA-QC")
    #expect(policies.decide(Fixture.request(home: "ca-quebec")).effect == .permit)
    #expect(policies.decide(Fixture.request(home: "ca-east")).reason == .missingFact)
  }
}
