import AuditTrail
import DecisionRecords
import PolicyEngine
import Residency
import Testing

@Suite struct RederivationTests {
  @Test func `every decision comes out the same again of what its leaf says`() throws {
    var decisions = try RecordedDecisions(seed: 11)
    var permitted = 0
    for index in 0..<2_000 {
      let request = try decisions.request()
      let event = try decisions.event(of: request, index: index)
      let read = try AuditEvent(leaf: try event.leafBytes())
      #expect(Rederivation(read, by: decisions.policies) == .agrees, "\(request)")
      permitted += event.effect == .allowed ? 1 : 0
    }
    #expect((250...1_750).contains(permitted))
  }

  @Test func `a part of a decision that was recorded otherwise is named`() throws {
    var decisions = try RecordedDecisions(seed: 12)
    var seen: Set<Rederivation.Difference> = []
    for index in 0..<400 {
      let event = try decisions.event(of: try decisions.request(), index: index)
      func differences(_ change: (inout AuditEvent) -> Void) -> [Rederivation.Difference] {
        var changed = event
        change(&changed)
        guard case .differs(_, let what) = Rederivation(changed, by: decisions.policies) else { return [] }
        seen.formUnion(what)
        return what
      }
      #expect(
        differences {
          $0.effect = $0.effect == .allowed ? .denied : .allowed
          $0.reason = $0.effect == .denied ? "POLICY_DENIED" : nil
        } == [.effect])
      #expect(differences { $0.rules.insert(AuditEvent.Rule(id: "made.up", location: "policies/x.yaml:1"), at: 0) } == [.rules])
      #expect(differences { $0.legalBasis = "because" } == [.legalBasis])
      // Facts of another thing than the leaf says was done would make a decision about that.
      let other: Action = event.facts?.action == .read ? .store : .read
      #expect(differences { $0.facts?.action = other } == [.facts])
      if event.activity != .register { #expect(differences { $0.facts?.home = event.requester } == [.facts]) }
      if event.activity != .replicate { #expect(differences { $0.facts?.recipients = [event.requester] } == [.facts]) }
      #expect(differences { $0.facts?.purpose = Purpose("billing") } == [.facts])
      #expect(differences { $0.safeguard = Safeguard("word of honour") } == [.safeguard])
      #expect(differences { $0.agreement = AuditEvent.Agreement(id: "x", reference: "y") } == [.agreement])
      #expect(differences { $0.classes.append(DataClass("made-up")) } == [.classes])
      #expect(
        differences { $0.monitored = AuditEvent.Monitored(effect: .denied, rules: [], redactions: []) } == [.monitored])
    }
    #expect(seen == Set(Rederivation.Difference.allCases))
  }

  @Test func `a read that rested on a consent does not follow without it`() throws {
    var decisions = try RecordedDecisions(seed: 13)
    var request = try decisions.request()
    request.action = .read
    (request.home, request.hops) = (decisions.places[1], [decisions.places[2]])
    (request.collection, request.fields, request.purpose) = (CollectionName("profile"), nil, Purpose("support"))
    request.consent = .known(.explicit)
    var event = try decisions.event(of: request)
    #expect(event.effect == .allowed)
    #expect(Rederivation(event, by: decisions.policies) == .agrees)
    event.facts?.consent = AuditEvent.DecisionFacts.Consent.none
    guard case .differs(let again, let what) = Rederivation(event, by: decisions.policies) else {
      Issue.record("a read that rested on a consent does not need it")
      return
    }
    #expect(again.effect == .denied && what.contains(.effect))
  }

  @Test func `what was done for somebody without saying on what is no decision that can be believed`() throws {
    var decisions = try RecordedDecisions(seed: 14)
    var read = try decisions.event(of: try decisions.request())
    read.activity = .read
    read.effect = .allowed
    read.facts = nil
    #expect(Rederivation(read, by: decisions.policies) == .withoutFacts)
    var refused = read
    refused.effect = .denied
    #expect(Rederivation(refused, by: decisions.policies) == .undecided)
    var anonymous = read
    anonymous.principal = nil
    #expect(Rederivation(anonymous, by: decisions.policies) == .withoutFacts)
    // An account that lives on under another id is registered by the coordinator itself.
    anonymous.activity = .register
    #expect(Rederivation(anonymous, by: decisions.policies) == .undecided)
    var importing = read
    importing.activity = .importRecord
    #expect(Rederivation(importing, by: decisions.policies) == .undecided)
    // A write that another region carried out is in that region's log with its facts.
    var asking = read
    asking.activity = .write
    asking.home = AuditEvent.Place(region: RegionID("elsewhere"), jurisdiction: Jurisdiction("DE"))
    #expect(Rederivation(asking, by: decisions.policies) == .withoutFacts)
    asking.counterpart = AuditEvent.Counterpart(region: try #require(RegionID("elsewhere")), index: 4)
    #expect(Rederivation(asking, by: decisions.policies) == .undecided)
  }

  @Test func `outdated policies deny only what leaves its home`() throws {
    var decisions = try RecordedDecisions(seed: 15)
    var kinds: Set<Bool> = []
    for index in 0..<200 {
      var request = try decisions.request()
      request.action = .read
      request.collection = CollectionName("profile")
      var event = try decisions.event(of: request, index: index)
      event.record(decisions.policies.denial(of: request, .policiesOutdated), by: decisions.policies)
      event.effect = .denied
      event.reason = "POLICY_DENIED"
      kinds.insert(request.leavesHome)
      let outcome = Rederivation(try AuditEvent(leaf: event.leafBytes()), by: decisions.policies)
      if request.leavesHome {
        #expect(outcome == .outdated)
        event.effect = .allowed
        #expect(Rederivation(event, by: decisions.policies) != .outdated)
      } else {
        #expect(outcome == .differs(event, [.effect]))
      }
    }
    #expect(kinds.count == 2)
  }

  @Test func `of a person a leaf says no more than rules for the action ask`() throws {
    var decisions = try RecordedDecisions(seed: 16)
    var stored = 0
    for index in 0..<1_000 {
      let request = try decisions.request()
      let facts = try #require(try decisions.event(of: request, index: index).facts)
      let asked = decisions.policies.factsAsked(for: request.action)
      if !asked.contains(.citizenship) { #expect(facts.citizenship.isEmpty) }
      if asked.isDisjoint(with: [.residence, .subdivision, .citizenship]) {
        #expect(facts.residence == nil && facts.subdivision == nil)
      }
      if request.action == .store { stored += facts.residence == nil ? 0 : 1 }
      if case .named(let fields) = facts.fields {
        #expect(!fields.contains { $0.contains("zzz") || $0.contains("aaa") || $0.contains("alice") || $0.contains("bob") })
      }
    }
    #expect(stored > 50)
    #expect(!decisions.policies.factsAsked(for: .read).contains(.citizenship))
  }
}
