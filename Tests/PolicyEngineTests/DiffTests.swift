import Residency
import Testing

@testable import PolicyEngine

@Suite struct DiffTests {
  private func diff(_ old: String, _ new: String, home: String = "$eea") throws -> PolicyDiff {
    PolicyDiff(
      from: try Fixture.policies(old, home: home), to: try Fixture.policies(new, home: home), since: Fixture.today)
  }

  private static let local = "  - { id: local, permit: [read, write], when: { locality: [region, jurisdiction] } }"

  @Test func `the same rules in other words decide alike`() throws {
    let old = "  - { id: a, permit: read, when: { class: [profile, contact] } }"
    let new = """
        - { id: b, permit: read, when: { class: contact } }
        - { id: c, permit: read, when: { class: profile } }
      """
    let diff = try diff(old, new)
    #expect(diff.isEmpty && !diff.widens && diff.boxes.isEmpty)
    #expect(diff.oldRevision != diff.newRevision)
    #expect(diff.situationCount > 300)
  }

  @Test func `a new permit is told as one box, with everything in it`() throws {
    let diff = try diff(
      Self.local, Self.local + "\n  - { id: a, permit: read, when: { requester: [US, IN], class: profile, purpose: support } }")
    #expect(diff.widens && diff.narrowedCount == 0 && diff.changedCount == 0)
    let boxes = diff.boxes.filter { $0.cells == ["people/profile"] }
    #expect(boxes.count == 1)
    let box = try #require(boxes.first)
    #expect(box.direction == .widened)
    #expect(box.action == .read)
    #expect(box.homes == ["DE+1"])
    #expect(box.hops == ["IN+1"])
    #expect(box.purposes == [Purpose("support")])
    #expect(box.consents == nil && box.people == nil)
    #expect(box.before == "denied")
    #expect(box.after == "name clear")
  }

  @Test func `a field that is shown more clearly is a widening, and one that is masked is none`() throws {
    let clear = "  - { id: a, permit: read, when: { requester: US }, view: { email: clear } }"
    let hash = "  - { id: a, permit: read, when: { requester: US }, view: { email: hash } }"
    let other = "  - { id: a, permit: read, when: { requester: US }, view: { email: hash, phone: clear } }"
    #expect(try diff(hash, clear).widens)
    let narrowing = try diff(clear, hash)
    #expect(!narrowing.widens && narrowing.narrowedCount > 0)
    let both = try diff(clear, other)
    #expect(both.widens && both.changedCount > 0 && both.widenedCount == 0)
    #expect(both.boxes.first?.before == "email clear")
    #expect(both.boxes.first?.after == "email hash, phone clear")
  }

  @Test func `a purpose that more principals may claim is a widening`() throws {
    let rules = "  - { id: a, permit: read, when: { locality: region } }"
    let old = try Fixture.policies(
      rules, replacing: ["principals.yaml": "principals:\n  - { match: \"app:*\", purposes: [support] }"])
    let new = try Fixture.policies(
      rules, replacing: ["principals.yaml": "principals:\n  - { match: \"app:*\", purposes: [support, analytics] }"])
    let diff = PolicyDiff(from: old, to: new, since: Fixture.today)
    #expect(diff.widens && diff.widenedCount == 0)
    #expect(diff.claims.map(\.purpose) == [Purpose("analytics")])
    #expect(diff.claims.allSatisfy { $0.direction == .widened && $0.principal.hasPrefix("app:") })
    let back = PolicyDiff(from: new, to: old, since: Fixture.today)
    #expect(!back.widens && !back.isEmpty)
  }

  @Test(arguments: ["diagnosis: contact", "other: profile"])
  func `a field that goes to a class that is shown is a widening`(_ field: String) throws {
    let rules = "  - { id: a, permit: [read, replicate], when: { class: [contact, profile] } }"
    let schema = Fixture.collections.replacing("diagnosis: health", with: field)
    let (old, new) = (try Fixture.policies(rules), try Fixture.policies(rules, replacing: ["collections.yaml": schema]))
    let diff = PolicyDiff(from: old, to: new, since: Fixture.today)
    #expect(diff.widens)
    let box = try #require(diff.boxes.first { $0.direction == .widened && $0.action == .read })
    #expect(box.cells?.contains("people.diagnosis (health to contact)") == true, "\(box)")
    #expect(box.before == "denied" && box.after == "diagnosis clear")
    let back = PolicyDiff(from: new, to: old, since: Fixture.today)
    #expect(back.boxes.contains { $0.direction == .narrowed && $0.before == "diagnosis clear" })
  }

  @Test func `a nested field that loses its name is compared as it is then judged`() throws {
    let rule = "  - { id: a, permit: read, when: { requester: US }, view: { address.street: drop, \"*\": clear } }"
    func schema(_ fields: String) -> String {
      """
      collections:
        people: { locality: home, audit: strict, default_class: contact, fields: { \(fields) } }
        other: { locality: home, audit: strict, default_class: contact, fields: { address.street: contact } }
      """
    }
    let old = try Fixture.policies(rule, replacing: ["collections.yaml": schema("address: contact, address.street: contact")])
    let new = try Fixture.policies(rule, replacing: ["collections.yaml": schema("address: contact")])
    let diff = PolicyDiff(from: old, to: new, since: Fixture.today)
    #expect(diff.widens)
    #expect(diff.boxes.contains { $0.direction == .widened && $0.after.contains("address.street clear") })
  }

  @Test func `a collection that becomes global is a widening, and one that comes home is none`() throws {
    let rule = "  - { id: a, permit: read, when: { locality: region } }"
    let schema = Fixture.collections.replacing("locality: home", with: "locality: global")
    let (old, new) = (try Fixture.policies(rule), try Fixture.policies(rule, replacing: ["collections.yaml": schema]))
    let diff = PolicyDiff(from: old, to: new, since: Fixture.today)
    #expect(diff.widens && diff.relocations.map(\.collection) == [CollectionName("people")])
    let back = PolicyDiff(from: new, to: old, since: Fixture.today)
    #expect(!back.widens && !back.isEmpty)
  }

  @Test func `a place of which it is not known whether it is in the home's jurisdiction is compared, too`() throws {
    let both = """
        - { id: near, permit: read, when: { locality: jurisdiction } }
        - { id: far, permit: read, unless: { locality: jurisdiction } }
      """
    let old = try Fixture.policies(both, home: "CA-QC")
    let new = try Fixture.policies("  - { id: any, permit: read }", home: "CA-QC")
    let diff = PolicyDiff(from: old, to: new, since: Fixture.today)
    #expect(diff.widens)
    #expect(
      diff.boxes.allSatisfy { $0.hops?.allSatisfy { $0.contains("perhaps") || $0.contains("CA") } ?? false }, "\(diff.boxes)")
  }

  @Test func `a home where nobody is asked for consent is not told where consent makes a difference`() throws {
    let pack = { (rule: String) in
      try Fixture.policies(
        "  - { id: local, permit: read, when: { locality: region } }", home: "\"*\"",
        replacing: ["eu.yaml": "policy: eu\nhome: $eea\nrules:\n\(rule)\n"])
    }
    let diff = PolicyDiff(
      from: try pack("  - { id: a, permit: read, when: { consent: explicit, requester: IN } }"),
      to: try pack("  - { id: a, permit: read, when: { consent: explicit, requester: US } }"), since: Fixture.today)
    #expect(!diff.boxes.isEmpty)
    for box in diff.boxes { #expect(box.homes == ["DE+1"], "\(box)") }
  }

  @Test func `what begins later is told with its day`() throws {
    let diff = try diff(Self.local, Self.local + "\n  - { id: a, permit: write, when: { requester: US }, from: 2027-05-01 }")
    #expect(diff.days.map(\.description) == ["2026-11-22", "2027-05-01"])
    #expect(Set(diff.boxes.flatMap(\.days)) == [Fixture.day("2027-05-01")])
  }

  @Test(arguments: [31, 32] as [UInt64])
  func `adding a permit is never told as narrowing, nor adding a forbid as widening`(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var widened = 0
    var narrowed = 0
    for round in 0..<12 {
      let rules = (0..<4).map { number in
        let action = random.pick(["read", "write", "export"])
        let kind = number == 0 ? "forbid" : "permit"
        return
          "  - { id: r\(number), \(kind): \(action), when: { requester: \(random.pick(["US", "IN", "DE", "$eea"])), class: \(random.pick(["profile", "contact", "health"])) } }"
      }
      let old = rules.dropLast().joined(separator: "\n")
      let permit = try diff(old, rules.joined(separator: "\n"))
      #expect(permit.narrowedCount == 0 && permit.changedCount == 0, "seed \(seed) round \(round)")
      let forbid = try diff(rules.dropFirst().joined(separator: "\n"), rules.joined(separator: "\n"))
      #expect(!forbid.widens, "seed \(seed) round \(round)")
      widened += permit.widenedCount
      narrowed += forbid.narrowedCount
    }
    #expect(widened > 0 && narrowed > 0)
  }
}
