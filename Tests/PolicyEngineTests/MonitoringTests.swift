import Residency
import Testing

@testable import PolicyEngine

/// Packs that only watch.
@Suite struct MonitoringTests {
  private static let enforced = """
      - { id: local, permit: read, when: { locality: region } }
      - { id: abroad, permit: read, when: { requester: US, class: [profile, contact] } }
    """

  /// A pack of enforced rules, and one in `mode`.
  private static func files(
    _ watched: String, mode: String = "monitor", enforced: String = enforced, invariants: String? = nil, cases: String? = nil
  ) -> [PolicyFile] {
    var replacing = ["watched.yaml": "policy: watched\nhome: $eea\nmode: \(mode)\nrules:\n\(watched)\n"]
    if let invariants { replacing["invariants.yaml"] = "invariants:\n\(invariants)" }
    if let cases {
      replacing["watched.test.yaml"] =
        "tests: watched\ngiven: { at: 2026-11-22, action: read, home: eu-west, collection: people, purpose: support }\ncases:\n\(cases)"
    }
    return Fixture.files(enforced, replacing: replacing)
  }

  @Test func `a forbid that only watches blocks nothing, and says what it would have done`() throws {
    let policies = try Fixture.load(Self.files("  - { id: no-us, forbid: read, when: { requester: US } }"))
    let decision = policies.decide(Fixture.request(from: "us-east", fields: ["name"]))
    #expect(decision.effect == .permit)
    #expect(decision.rules.map(\.id) == ["abroad"])
    let monitored = try #require(decision.monitored)
    #expect(monitored.effect == .deny)
    #expect(monitored.reason == .forbidden)
    #expect(monitored.rule?.id == "no-us")
    #expect(monitored.rules.map(\.id) == ["no-us"])
    #expect(decision.json["monitored"]?["rule"] == "no-us")
    #expect(decision.json["monitored"]?["decision"] == "deny")
  }

  @Test func `a permit that only watches opens nothing`() throws {
    let policies = try Fixture.load(Self.files("  - { id: to-india, permit: read, when: { requester: IN } }"))
    let decision = policies.decide(Fixture.request(from: "ap-south", fields: ["name"]))
    #expect(decision.effect == .deny)
    #expect(decision.reason == .noMatchingRule)
    #expect(decision.nearestPermit?.rule != "to-india")
    #expect(decision.monitored?.effect == .permit)
    #expect(decision.monitored?.rule?.id == "to-india")
    #expect(policies.filter([0]) { _ in Fixture.request(from: "ap-south", fields: ["name"]) } == [])
  }

  @Test func `a requirement that only watches masks nothing, and names the field that it would`() throws {
    let policies = try Fixture.load(Self.files("  - { id: mask, require: { email: hash }, unless: { locality: region } }"))
    let decision = policies.decide(Fixture.request(from: "us-east", fields: ["name", "email"]))
    #expect(decision.view(of: "email") == .clear)
    #expect(decision.monitored?.effect == .permit)
    #expect(decision.monitored?.views == [Redaction(field: "email", view: .hash)])
    #expect(decision.json["monitored"]?["views"]?["email"] == "hash")
  }

  @Test func `where nothing would be different, nothing is said`() throws {
    let files = Self.files("  - { id: no-india, forbid: read, when: { requester: IN } }")
    let policies = try Fixture.load(files)
    for from in ["eu-west", "us-east", "ap-south"] {
      #expect(policies.decide(Fixture.request(from: from, fields: ["name"])).monitored == nil)
    }
  }

  @Test func `once it is enforced it decides`() throws {
    let rule = "  - { id: no-us, forbid: read, when: { requester: US } }"
    let enforced = try Fixture.load(Self.files(rule, mode: "enforce"))
    let watched = try Fixture.load(Self.files(rule))
    let request = Fixture.request(from: "us-east", fields: ["name"])
    for decision in [enforced.decide(request), watched.asEnforced.decide(request)] {
      #expect(decision.effect == .deny)
      #expect(decision.rule?.id == "no-us")
      #expect(decision.monitored == nil)
    }
    #expect(watched.monitoredPacks.map(\.name) == ["watched"])
    #expect(enforced.monitoredPacks.isEmpty)
    #expect(enforced.revision != watched.revision)
  }

  @Test func `a mode that there is not is an error with a suggestion`() {
    let error = #expect(throws: ConfigurationError.self) {
      try Fixture.load(Self.files("  - { id: a, permit: read }", mode: "monitr"))
    }
    #expect(error?.diagnostics.map(\.description).first?.contains("watched.yaml:3:7") ?? false)
    #expect(error?.diagnostics.first?.help == "did you mean 'monitor'?")
  }

  private static let health =
    "  - { id: health-stays, forbid: [read, export], when: { class: health }, unless: { locality: region } }"
  private static let never =
    "  - { id: no-health-abroad, never: { action: read, home: $eea, class: health }, unless: { locality: region } }"
  private static let open = "  - { id: all, permit: [read, export] }"

  @Test func `what keeps an invariant cannot only watch`() throws {
    _ = try Fixture.load(Self.files(Self.health, mode: "enforce", enforced: Self.open, invariants: Self.never))
    let error = #expect(throws: ConfigurationError.self) {
      try Fixture.load(Self.files(Self.health, enforced: Self.open, invariants: Self.never))
    }
    let diagnostic = try #require(error?.diagnostics.first)
    #expect(diagnostic.location.fileAndLine == "policies/watched.yaml:3")
    #expect(diagnostic.message.contains("'watched' keeps the invariant 'no-health-abroad'"))
    #expect(diagnostic.message.contains("is permitted"))
  }

  @Test func `an invariant that is broken either way is for a proof to tell`() throws {
    let policies = try Fixture.load(
      Self.files("  - { id: no-us, forbid: read, when: { requester: US } }", enforced: Self.open, invariants: Self.never))
    #expect(!policies.prove(from: Fixture.today).holds)
  }

  @Test func `proofs are of what is enforced`() throws {
    let files = Self.files("  - { id: leak, permit: read }", enforced: Self.enforced, invariants: Self.never)
    let policies = try Fixture.load(files)
    #expect(policies.prove(from: Fixture.today).holds)
    #expect(!policies.asEnforced.prove(from: Fixture.today).holds)
  }

  @Test func `a test says what a pack that only watches would decide, and holds its rules`() throws {
    let cases = """
        - { name: desk, from: us-east, fields: [name], expect: { decision: permit, monitored: { decision: deny, rule: no-us } } }
        - { name: home, fields: [name], expect: { decision: permit, monitored: { decision: permit } } }
        - { name: health abroad, from: us-east, fields: [diagnosis], expect: { decision: deny } }
      """
    let files = Self.files("  - { id: no-us, forbid: read, when: { requester: US } }", cases: cases)
    let policies = try Fixture.load(files)
    #expect(try PolicyTests.run(files, against: policies).allSatisfy(\.passed))
    let coverage = try policies.coverage(of: files, on: Fixture.today)
    #expect(coverage.rules.map(\.rule.id) == ["abroad", "local", "no-us"])
    #expect(coverage.rules.first { $0.rule.id == "no-us" }?.isHeld == true)

    let wrong = Self.files(
      "  - { id: no-us, forbid: read, when: { requester: US } }",
      cases: "  - { name: desk, from: us-east, fields: [name], expect: { decision: permit, monitored: { decision: permit } } }")
    let failed = try PolicyTests.run(wrong, against: policies)
    #expect(failed.map(\.failures) == [["expected as monitored permit, found deny"]])
  }

  /// Against sets that have the rules of the watching pack, and that do not.
  @Test(arguments: [11, 12] as [UInt64])
  func `a pack that watches decides nothing, and is told of as if it did`(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var differences = 0
    for _ in 0..<150 {
      let rules = RandomPolicies.rules(&random).joined(separator: "\n")
      let watched = RandomPolicies.rules(&random).joined(separator: "\n").replacing("id: r", with: "id: w")
      let home = RandomPolicies.home(&random)
      func policies(mode: String?) throws -> PolicySet {
        var files = RandomPolicies.surroundings
        if let mode { files["watched.yaml"] = "policy: watched\nhome: \(home)\nmode: \(mode)\nrules:\n\(watched)\n" }
        return try Fixture.policies(rules, home: home, replacing: files)
      }
      let (without, watching, with) = (try policies(mode: nil), try policies(mode: "monitor"), try policies(mode: "enforce"))
      for _ in 0..<24 {
        let request = RandomPolicies.request(&random)
        let (decision, bare, full) = (watching.decide(request), without.decide(request), with.decide(request))
        let story: Comment = "seed \(seed)\n\(rules)\n\(watched)\n\(request)"
        #expect(decision.effect == bare.effect, story)
        #expect(decision.fieldViews == bare.fieldViews, story)
        #expect(decision.rules.map(\.id) == bare.rules.map(\.id), story)
        #expect((decision.monitored?.effect ?? decision.effect) == full.effect, story)
        if let monitored = decision.monitored {
          differences += 1
          #expect(monitored.rule?.id == full.rule?.id, story)
        } else if full.effect == .permit {
          #expect(decision.fieldViews == full.fieldViews, story)
        }
      }
    }
    #expect(differences > 150, "only \(differences) differences")
  }
}
