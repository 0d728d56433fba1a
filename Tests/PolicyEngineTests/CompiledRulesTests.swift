import Residency
import Testing

@testable import PolicyEngine

/// The rows of bits against each rule read by itself.
@Suite struct CompiledRulesTests {
  @Test(arguments: [11, 12, 13] as [UInt64])
  func `the rules that apply are those that apply by themselves`(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var applied = 0
    var unknown = 0
    for _ in 0..<150 {
      let policies = try RandomPolicies.policies(&random)
      for _ in 0..<20 {
        let request = RandomPolicies.request(&random)
        let matcher = Matcher(policies: policies, request: request)
        for hop in request.hops {
          for cell in Deliberation.cells(of: request, in: policies) {
            let situation = Situation(
              request: request, hop: hop, collection: cell.collection, dataClass: cell.dataClass, agreements: policies.agreements,
              principals: policies.principals)
            var expected: [Int: Truth] = [:]
            for (place, rule) in policies.rules.enumerated() where rule.actions.contains(request.action) {
              let truth = situation.truth(of: rule)
              if truth != .no { expected[place] = truth }
            }
            var found: [Int: Truth] = [:]
            matcher.forEachMatch(of: cell, from: hop) { found[$0] = $1 }
            #expect(found == expected, "seed \(seed) \(request) \(cell) \(hop)")
            applied += expected.count
            unknown += expected.values.count { $0 == .unknown }
          }
        }
      }
    }
    #expect(applied > 4_000 && unknown > 1_000, "\(applied) applied, \(unknown) of them perhaps: too few to tell much")
  }

  @Test func `a set on a day says what the set itself says`() throws {
    var random = SeededGenerator(seed: 14)
    let jurisdictions = ["IE", "DE", "US", "IN", "CA", "CA-QC", "CA-ON", "BR"].map(Fixture.jurisdiction)
    for _ in 0..<60 {
      let policies = try RandomPolicies.policies(&random)
      for set in Memberships.sets(policies.rules, policies.agreements) {
        for day in ["2026-06-01", "2026-11-22", "2026-11-23"].map(Fixture.day) {
          let membership = Membership(set, on: day)
          let atoms = JurisdictionAtoms(of: [set], on: day)
          for jurisdiction in jurisdictions {
            #expect(membership.contains(jurisdiction) == set.contains(jurisdiction, on: day))
            #expect(atoms.truths[atoms.atom(of: jurisdiction)] == [set.contains(jurisdiction, on: day)])
          }
        }
      }
    }
  }

  @Test func `a filtered list is the list of what is permitted one by one`() throws {
    var random = SeededGenerator(seed: 15)
    var kept = 0
    for _ in 0..<150 {
      let policies = try RandomPolicies.policies(&random)
      let requests = (0..<40).map { _ in RandomPolicies.request(&random) }
      let filtered = policies.filter(Array(requests.indices)) { requests[$0] }
      #expect(filtered == requests.indices.filter { policies.decide(requests[$0]).effect == .permit })
      kept += filtered.count
    }
    #expect(kept > 300)
  }

  @Test func `a table of one day decides as the set does`() throws {
    let policies = try Fixture.policies(
      """
        - { id: a, permit: read, when: { class: [profile, contact], requester: US } }
        - { id: b, permit: [read, write], when: { locality: [region, bloc] } }
        - { id: c, forbid: read, when: { class: contact, purpose: analytics, consent: implied } }
      """)
    let table = try #require(DecisionTable(policies, on: Fixture.today))
    var matched = table.empty
    var count = 0
    for action in [Action.read, .write] {
      for home in ["eu-west", "us-east"] {
        for requester in Fixture.regions.map(\.0) {
          for field in ["name", "email", "diagnosis"] {
            for purpose in ["support", "analytics"] {
              for consent in [nil, ConsentKind.implied] {
                let dataClass = try #require(["name": "profile", "email": "contact", "diagnosis": "health"][field])
                let verdict = table.decide(
                  .init(
                    action: action, home: home, requester: requester, collection: "people", dataClass: dataClass,
                    purpose: purpose,
                    consent: consent), matched: &matched)
                let decision = policies.decide(
                  Fixture.request(
                    action, from: requester, home: home, fields: [field], purpose: purpose, consent: .known(consent)))
                #expect(verdict.effect == decision.effect)
                #expect(table.rules(matched) == decision.rules)
                #expect(table.rule(verdict) == decision.rule)
                count += decision.effect == .permit ? 1 : 0
              }
            }
          }
        }
      }
    }
    #expect(count > 20)
    let unknown = DecisionTable.Words(
      action: .read, home: "eu-west", requester: "eu-west", collection: "people", dataClass: "contcat", purpose: "support",
      consent: nil)
    #expect(table.decide(unknown, matched: &matched).effect == .deny)
  }
}
