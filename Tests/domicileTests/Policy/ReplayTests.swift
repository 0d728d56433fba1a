import AuditTrail
import ConfigurationFiles
import PolicyEngine
import Residency
import Testing

@testable import domicile

/// Recorded decisions, made again.
@Suite struct ReplayTests {
  private static let home = AuditEvent.Place(region: RegionID("eu-west"), jurisdiction: Jurisdiction("IE"))
  private static let abroad = AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US"))

  private func event(
    _ activity: AuditActivity = .read, _ effect: AuditEvent.Effect, reason: String? = nil, redactions: [(String, View)] = []
  ) throws -> AuditEvent {
    var event = AuditEvent(
      time: UTCTime(seconds: 1_795_732_632), id: "1", activity: activity, effect: effect, requester: Self.abroad,
      salt: try #require(AuditEvent.Salt(Array(repeating: 1, count: 16))))
    event.reason = reason ?? (effect == .denied ? "POLICY_DENIED" : nil)
    event.home = Self.home
    event.hops = [AuditEvent.Hop(from: Self.home, to: Self.abroad)]
    event.collection = CollectionName("people")
    event.purpose = Purpose("support")
    event.principal = "desk"
    event.redactions = redactions.map { AuditEvent.Redaction(field: $0.0, view: $0.1) }
    return event
  }

  private func outcome(_ event: AuditEvent, _ rules: String) throws -> Replay.Outcome? {
    let files = [
      (
        "vocabulary.yaml",
        "actions: [read, write, store]\nclasses: [profile]\npurposes: [support]\nsafeguards: [scc]\nviews: [clear, last4, hash, pseudonym, drop]"
      ),
      (
        "collections.yaml",
        "collections: { people: { locality: home, audit: strict, default_class: profile, fields: { email: profile } } }"
      ),
      ("principals.yaml", "principals: [{ match: \"*\", purposes: [support] }]"),
      ("pack.yaml", "policy: pack\nhome: \"*\"\nrules:\n\(rules)"),
    ].map { PolicyFile(path: "policies/\($0.0)", text: $0.1) }
    let places = [Self.home, Self.abroad].compactMap(Replay.place)
    return Replay(event, by: try PolicyFolder.load(files, regions: places, today: PolicyInputs.today()), on: nil)?.outcome
  }

  @Test func `what is decided as it was is the same`() throws {
    #expect(try outcome(event(.read, .allowed), "  - { id: a, permit: read }") == .same)
    #expect(try outcome(event(.read, .denied), "  - { id: a, permit: write }") == .same)
  }

  @Test func `what opens and what closes is told`() throws {
    #expect(try outcome(event(.read, .denied), "  - { id: a, permit: read }") == .opens)
    #expect(try outcome(event(.read, .allowed), "  - { id: a, permit: write }") == .closes)
  }

  @Test func `a field that was withheld is compared`() throws {
    let hashed = try event(.read, .allowed, redactions: [("email", .hash)])
    #expect(try outcome(hashed, "  - { id: a, permit: read, view: { email: hash } }") == .same)
    #expect(try outcome(hashed, "  - { id: a, permit: read, view: { email: last4 } }") == .showsMore)
    #expect(try outcome(hashed, "  - { id: a, permit: read, view: { \"*\": clear, email: drop } }") == .showsLess)
  }

  @Test func `what turns on facts that a log does not tell is said to`() throws {
    let consent = "  - { id: a, permit: read, when: { consent: explicit } }"
    #expect(try outcome(event(.read, .allowed), consent) == .depends)
    let residence = "  - { id: a, permit: read, when: { residence: IE } }"
    #expect(try outcome(event(.read, .allowed), residence) == .depends)
    #expect(try outcome(event(.read, .denied), residence) == .depends)
  }

  @Test func `what policy did not decide is left out`() throws {
    #expect(try outcome(event(.locate, .allowed), "  - { id: a, permit: read }") == nil)
    #expect(try outcome(event(.importRecord, .allowed), "  - { id: a, permit: read }") == nil)
    #expect(try outcome(event(.read, .denied, reason: "SUBJECT_UNKNOWN"), "  - { id: a, permit: read }") == nil)
  }
}
