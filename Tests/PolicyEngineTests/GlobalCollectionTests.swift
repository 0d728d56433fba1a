import Residency
import Testing

@testable import PolicyEngine

/// What every region holds has to be permitted to go everywhere.
@Suite struct GlobalCollectionTests {
  private func errors(
    _ rules: String, collections: String = Fixture.collections, from places: [Place] = Fixture.places
  ) -> [String] {
    do {
      _ = try PolicySet.load(
        Fixture.files(rules, home: "\"*\"", replacing: ["collections.yaml": collections]), regions: places, today: Fixture.today,
        digest: Fixture.digest)
      return []
    } catch {
      return error.diagnostics.filter { $0.severity == .error }.map {
        "\($0.location.fileAndLine) \($0.message) | \($0.help ?? "")"
      }
    }
  }

  private static let everywhere = "  - { id: copies, permit: replicate, when: { collection: notes } }"

  @Test func `policies that let a global collection go everywhere are served`() throws {
    #expect(errors(Self.everywhere).isEmpty)
  }

  @Test func `policies that nowhere permit it are refused, with the way that is closed and what is missing`() throws {
    let found = errors("  - { id: local, permit: read, when: { locality: region } }")
    #expect(found.count == 1)
    #expect(
      found.first?.hasPrefix(
        "policies/collections.yaml:8 collection 'notes' is global, and policy does not let it be replicated from ap-south to ca-east: no rule permits it"
      ) == true, "\(found)")
    #expect(found.first?.contains("permit 'replicate' for its classes (profile)") == true, "\(found)")
    // With one region there is nowhere to go.
    #expect(errors("  - { id: local, permit: read, when: { locality: region } }", from: [Fixture.place("eu-west")]).isEmpty)
  }

  @Test func `one way that is closed is enough, whoever closes it`() throws {
    let forbidden = Self.everywhere + "\n  - { id: stays, forbid: replicate, when: { home: IN, requester: US } }"
    #expect(errors(forbidden).first?.contains("from ap-south to us-east: forbid 'stays' at policies/pack.yaml") == true)
    // It goes whole or not at all.
    let masked = Self.everywhere + "\n  - { id: masked, require: { author: hash }, when: { requester: US } }"
    let signed = Fixture.collections + "\n    fields: { author: profile }"
    #expect(errors(masked, collections: signed).first?.contains("to us-east: require 'masked'") == true)
    #expect(errors(Self.everywhere, collections: signed).isEmpty)
  }

  @Test func `a permit that has ended is a warning, since a region that starts anew must not stay away for it`() throws {
    func load(_ rule: String) throws -> PolicySet {
      try PolicySet.load(
        Fixture.files("  - { id: copies, permit: replicate, when: { collection: notes }, \(rule) }", home: "\"*\""),
        regions: Fixture.places, today: Fixture.today, digest: Fixture.digest)
    }
    let ended = try load("until: 2026-11-22").warnings.map(\.message).filter { $0.contains("any more") }
    #expect(ended.count == 1)
    #expect(
      ended.first?.hasPrefix("collection 'notes' is global, and may not be replicated from ap-south to ca-east any more") == true)
    #expect(try load("until: 2026-11-23").warnings.allSatisfy { !$0.message.contains("any more") })
    // One that is yet to come opens nothing.
    #expect(throws: ConfigurationError.self) { try load("from: 2026-11-23") }
  }

  @Test func `every class in it counts, the one of unnamed fields too`() throws {
    let rule = "  - { id: copies, permit: replicate, when: { collection: notes, class: profile } }"
    #expect(errors(rule).isEmpty)
    let schema = Fixture.collections.replacing(
      "audit: relaxed\n    default_class: profile",
      with: "audit: relaxed\n    default_class: profile\n    fields: { by: contact }")
    #expect(schema != Fixture.collections)
    #expect(errors(rule, collections: schema).first?.contains("lacks class") == true)
  }

  @Test func `a resolver is for global collections, and one of three`() throws {
    func resolver(_ text: String) throws -> DocumentResolver? {
      let schema = Fixture.collections.replacing("locality: global", with: "locality: global\n    \(text)")
      return try Fixture.policies(Self.everywhere, replacing: ["collections.yaml": schema]).collection(CollectionName("notes"))?
        .resolver
    }
    #expect(try resolver("description: x") == .app, "nothing is lost where nobody said what to do")
    for known in DocumentResolver.allCases { #expect(try resolver("resolver: \(known.rawValue)") == known) }
    #expect(throws: ConfigurationError.self) { try resolver("resolver: newest") }
    let atHome = Fixture.collections.replacing("locality: home", with: "locality: home\n    resolver: latest")
    #expect(errors(Self.everywhere, collections: atHome).first?.contains("lives at home, where nobody else writes") == true)
    #expect(try Fixture.policies(Self.everywhere).collection(CollectionName("people"))?.resolver == nil)
  }
}
