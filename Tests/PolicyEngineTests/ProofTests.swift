import Residency
import Testing

@testable import PolicyEngine

/// Invariants, and rules that do nothing.
@Suite struct ProofTests {
  private func proof(_ rules: String, invariants: String = "", home: String = "$eea", day: String = "2026-11-22") throws
    -> PolicyProof
  {
    let files = invariants.isEmpty ? [:] : ["invariants.yaml": "invariants:\n\(invariants)"]
    return try Fixture.policies(rules, home: home, replacing: files).prove(from: Fixture.day(day))
  }

  private static let local = "  - { id: local, permit: [read, write], when: { locality: [region, jurisdiction, bloc] } }"

  @Test func `what holds is proved, and what does not is shown with a smallest counterexample`() throws {
    let invariants = """
        - { id: a, never: { action: read, home: $eea, class: health }, unless: { locality: [region, jurisdiction, bloc] } }
        - { id: b, never: { action: read, home: $eea, class: contact }, unless: { locality: region } }
      """
    let proof = try proof(
      Self.local + "\n  - { id: leak, permit: read, when: { consent: explicit, requester: US, class: contact } }",
      invariants: invariants)
    #expect(proof.invariants.map(\.holds) == [true, false])
    let counterexample = try #require(proof.invariants[1].counterexample)
    // Another region at home: no consent has to be told, and no other country.
    #expect(counterexample.facts.hops == ["DE, another region"])
    #expect(counterexample.facts.consent == nil)
    #expect(counterexample.rule?.id == "local")
    #expect(counterexample.what == "is permitted")
  }

  @Test func `what must always be possible is found missing`() throws {
    let always = "  - { id: a, always: { action: [read, write], home: $eea, locality: region } }"
    #expect(try proof(Self.local, invariants: always).holds)
    let broken = try proof(Self.local + "\n  - { id: no, forbid: write, when: { purpose: analytics } }", invariants: always)
    let counterexample = try #require(broken.invariants[0].counterexample)
    #expect(counterexample.facts.action == .write)
    #expect(counterexample.facts.purpose == Purpose("analytics"))
    #expect(counterexample.what == "is denied: forbidden")
    #expect(counterexample.rule?.id == "no")
  }

  @Test func `a field that is shown too clearly is named`() throws {
    let masked =
      "  - { id: a, masked: { email: hash }, when: { home: $eea }, unless: { locality: [region, jurisdiction, bloc] } }"
    let rule = "  - { id: abroad, permit: read, when: { requester: US }, view: { email: VIEW, name: clear } }"
    #expect(try proof(rule.replacing("VIEW", with: "hash"), invariants: masked).holds)
    #expect(try proof(rule.replacing("VIEW", with: "pseudonym"), invariants: masked).holds)
    let broken = try proof(rule.replacing("VIEW", with: "last4"), invariants: masked)
    #expect(broken.invariants[0].counterexample?.what == "shows email as last4, not as hash")
    // A requirement is enough.
    let required = rule.replacing("VIEW", with: "clear") + "\n  - { id: req, require: { email: drop } }"
    #expect(try proof(required, invariants: masked).holds)
  }

  @Test func `an invariant about nothing says so`() throws {
    let result = try proof(
      Self.local,
      invariants:
        "  - { id: a, never: { action: read, home: $eea, requester: DE, locality: region, class: health }, unless: { locality: bloc } }"
    )
    #expect(result.holds)
    #expect(result.invariants[0].isVacuous)
  }

  @Test func `copies are followed from home to home`() throws {
    let invariants = """
        - { id: far, never: { home: IE, class: health, reaches: US } }
        - { id: other, never: { home: IE, class: health, reaches: any-other } }
        - { id: abroad, never: { home: IE, class: profile, reaches: abroad } }
      """
    // Ireland's data moves to Germany, whose law lets it go on to the United States.
    let rules = """
        - { id: first, permit: move, when: { home: IE, requester: DE, class: health } }
        - { id: second, permit: replicate, when: { home: DE, requester: US, class: health } }
        - { id: near, permit: replicate, when: { locality: jurisdiction, class: profile } }
      """
    let proof = try proof(rules, invariants: invariants, home: "\"*\"")
    let far = try #require(proof.invariants.first { $0.id == "far" }?.counterexample)
    #expect(far.facts.hops == ["DE (move)", "US (replicate)"])
    #expect(far.rule?.id == "second")
    #expect(proof.invariants.first { $0.id == "other" }?.counterexample?.facts.hops.count == 1)
    #expect(proof.invariants.first { $0.id == "abroad" }?.holds == true)
    let without = try self.proof(rules.replacing("permit: move", with: "forbid: move"), invariants: invariants, home: "\"*\"")
    #expect(without.holds)
  }

  @Test func `a place that only an invariant names is looked at by itself`() throws {
    let rule = "  - { id: copies, permit: replicate, when: { requester: [JP, KR] } }"
    let reached = try proof(rule, invariants: "  - { id: a, never: { home: $eea, reaches: [KR] } }")
    #expect(reached.invariants.map(\.holds) == [false])
    let unreached = try proof(rule, invariants: "  - { id: a, never: { home: $eea, reaches: [KP] } }")
    #expect(unreached.invariants.map(\.holds) == [true])
    let anywhere = try proof(
      "  - { id: copies, permit: replicate }", invariants: "  - { id: a, never: { home: $eea, reaches: [KP] } }")
    #expect(anywhere.invariants.map(\.holds) == [false])
  }

  @Test func `what moves within a country stays in it, however often`() throws {
    let rules = """
        - { id: a, permit: [move, replicate], when: { locality: jurisdiction } }
        - { id: b, permit: read, when: { requester_region: eu-isle } }
      """
    #expect(try proof(rules, invariants: "  - { id: a, never: { home: IE, reaches: abroad } }").holds)
    let leak =
      rules
      + "\n  - { id: c, permit: replicate, when: { home: DE, requester: US } }\n  - { id: d, permit: move, when: { requester: DE } }"
    #expect(try !proof(leak, invariants: "  - { id: a, never: { home: IE, reaches: abroad } }").holds)
  }

  @Test func `a day that only an invariant's list names is looked at`() throws {
    let files = [
      "invariants.yaml": "invariants:\n  - { id: a, never: { action: read, requester: $later } }",
      "lists/later.yaml": Fixture.list("later", "[{ member: US, from: 2027-01-01 }]", reviewBy: "2028-01-01"),
    ]
    let policies = try Fixture.policies("  - { id: a, permit: read, when: { requester: US } }", replacing: files)
    let counterexample = try #require(policies.prove(from: Fixture.today).invariants.first?.counterexample)
    #expect(counterexample.facts.day == Fixture.day("2027-01-01"))
  }

  @Test func `a person may hold several citizenships`() throws {
    let invariant = "  - { id: a, never: { action: store, citizenship: US } }"
    let broken = try proof(
      "  - { id: s, permit: store, when: { citizenship: IN } }", invariants: invariant, home: "\"*\"")
    #expect(broken.invariants[0].counterexample?.facts.person.contains("IN+US") == true)
    let kept = try proof(
      "  - { id: s, permit: store, when: { citizenship: IN }, unless: { citizenship: US } }", invariants: invariant, home: "\"*\""
    )
    #expect(kept.holds)
  }

  @Test func `a name may match several patterns`() throws {
    let invariant = "  - { id: a, never: { action: read, principal: \"*-batch\" } }"
    let broken = try proof("  - { id: r, permit: read, when: { principal: \"app:*\" } }", invariants: invariant)
    #expect(broken.invariants[0].counterexample?.facts.person.contains("principal app:") == true)
    let kept = try proof(
      "  - { id: r, permit: read, when: { principal: \"app:*\" }, unless: { principal: \"*-batch\" } }", invariants: invariant)
    #expect(kept.holds)
  }

  @Test func `a name is found for every combination of patterns, even if they have all letters`() throws {
    let patterns = ["*abcdefghijklmnopqrstuvwxyz", "a*"].map { NamePattern(text: $0) }
    let names = try #require(NamePattern.names(tellingApart: patterns))
    #expect(Set(names.map { name in patterns.map { $0.matches(name) } }).count == 4)
    #expect(NamePattern.names(tellingApart: []) == ["somebody"])
  }

  @Test func `parts of one country are apart, and so are members of one list beside a part`() throws {
    let near = "  - { id: a, never: { action: read, home: US }, unless: { locality: jurisdiction } }"
    let broken = try proof("  - { id: r, permit: read, when: { requester: US } }", invariants: near, home: "US")
    #expect(broken.invariants[0].counterexample?.facts.home == "US, part Z")
    #expect(try proof("  - { id: r, permit: read, when: { locality: jurisdiction } }", invariants: near, home: "US").holds)
    let mixed = "  - { id: a, never: { action: read, home: [CA, DE], requester: CA-QC }, unless: { locality: jurisdiction } }"
    let missed = try proof("  - { id: r, permit: read, when: { requester: CA-QC } }", invariants: mixed, home: "[CA, DE]")
    #expect(missed.invariants[0].counterexample?.facts.home.hasPrefix("DE") == true)
  }

  @Test func `rules that do nothing are found, and because of which`() throws {
    let rules = """
        - { id: all, permit: read, when: { requester: [US, IN] } }
        - { id: some, permit: read, when: { requester: US, class: health } }
        - { id: never, permit: read, when: { home: US } }
        - { id: shut, permit: write, when: { requester: IN } }
        - { id: no, forbid: [write, move], when: { requester: IN } }
        - { id: early, permit: read, when: { requester: BR }, until: 2026-11-22 }
        - { id: later, permit: read, when: { requester: BR }, from: 2030-01-01 }
        - { id: paper, permit: read, when: { safeguard: scc } }
      """
    let found = try proof(rules).findings
    #expect(
      found.map { "\($0.rule.id) \($0.kind.rawValue) \($0.because.map(\.id).joined(separator: ","))" } == [
        "early never_matches ", "never never_matches ", "paper never_matches ", "shut always_overridden no",
        "some never_decides all",
      ])
    #expect(found.first { $0.rule.id == "paper" }?.lacks == "an agreement of mechanism scc in agreements.yaml")
  }

  @Test(arguments: [21, 22] as [UInt64])
  func `every kind of situation is decided as its example is`(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var permits = 0
    for _ in 0..<4 {
      let policies = try RandomPolicies.policies(&random)
      let situations = Situations(policies, observer: nil, on: Fixture.today)
      for found in situations.classes {
        // A whole record is judged by all its classes: here one is looked at.
        guard found.action.givesViews || found.action == .write || found.action == .store else { continue }
        var request = situations.domain.request(found.example)
        request.fields = found.action == .store ? nil : policies.fields(of: found.cell)
        // The domain's own regions are in no catalog, for which the set itself would refuse them.
        let decision = Deliberation(policies: policies, request: request).decision()
        #expect(
          (decision.effect == .permit) == found.outcome.isPermitted, "seed \(seed) \(situations.domain.facts(found.example))")
        if case .permit(let views) = found.outcome.effect, found.action.givesViews {
          #expect(policies.fields(of: found.cell).map(decision.view(of:)) == views)
        }
        permits += found.outcome.isPermitted ? 1 : 0
      }
    }
    #expect(permits > 40, "\(permits) permits tell too little")
  }
}

/// What is wrong in `invariants.yaml`.
@Suite struct InvariantFileTests {
  private func errors(_ invariants: String) -> [String] {
    do {
      _ = try Fixture.policies("  - { id: all, permit: read }", replacing: ["invariants.yaml": "invariants:\n\(invariants)"])
      return []
    } catch let error as ConfigurationError {
      return error.diagnostics.map { "\($0.location.line): \($0.message) | \($0.help ?? "")" }
    } catch {
      return ["\(error)"]
    }
  }

  @Test func `each mistake is told, with what to write`() {
    #expect(
      errors("  - { id: a }") == ["2: invariant 'a' says nothing | an invariant has exactly one of never, always and masked"])
    #expect(
      errors("  - { id: a, never: { clas: health } }") == ["2: there is no condition 'clas' | did you mean 'class'?"])
    #expect(
      errors("  - { id: a, always: { home: IE } }")
        == ["2: 'always' does not say what is to be possible | add action: read, or others"])
    #expect(errors("  - { id: a, masked: { email: hash } }") == ["2: 'masked' does not say where | add 'when' with conditions"])
    #expect(
      errors("  - { id: a, never: { home: IE, reaches: anyother } }")
        == ["2: 'anyother' is no place that can be reached | did you mean 'any-other'?"])
    #expect(errors("  - { id: a, always: { action: read, reaches: abroad } }") == ["2: 'reaches' belongs to 'never' | remove it"])
    #expect(
      errors("  - { id: a, never: { class: health } }\n  - { id: a, never: { class: contact } }")
        == ["3: there is an invariant 'a' already | the other is at policies/invariants.yaml:2"])
  }

  @Test func `invariants decide nothing`() throws {
    let files = ["invariants.yaml": "invariants:\n  - { id: a, never: { action: read } }"]
    let with = try Fixture.policies("  - { id: all, permit: read }", replacing: files)
    #expect(with.decide(Fixture.request(from: "us-east")).effect == .permit)
    #expect(with.ruleCount == 1)
  }
}
