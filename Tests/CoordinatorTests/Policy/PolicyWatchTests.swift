import Cryptography
import Foundation
import Logging
import PolicyEngine
import Residency
import ServiceLifecycle
import Synchronization
import Testing

@testable import Coordinator

/// Policies that change while they serve.
@Suite struct PolicyFreshnessTests {
  private let start = ContinuousClock.now
  private func hour(_ hours: Int) -> ContinuousClock.Instant { start + .seconds(hours * 3_600) }

  @Test func `what changes is loaded once it has settled, and what is as it was is confirmed`() {
    var freshness = PolicyFreshness(known: "a", at: start, ageMax: .seconds(3_600))
    #expect(freshness.look("a", at: hour(5)) == .nothing)
    // A copy under way: each look sees other files.
    #expect(freshness.look("a third of b", at: hour(5)) == .nothing)
    #expect(freshness.look("half of b", at: hour(5)) == .nothing)
    #expect(freshness.look("b", at: hour(5)) == .nothing)
    #expect(freshness.look("b", at: hour(5)) == .load)
    freshness.loaded("b", at: hour(6))
    #expect(freshness.look("b", at: hour(6)) == .nothing)
    #expect(freshness.isConfirmed)
  }

  @Test func `what was refused is tried again when it changes, or a minute later, and the last good ones grow old meanwhile`() {
    var freshness = PolicyFreshness(known: "a", at: start, ageMax: .seconds(7_200))
    _ = freshness.look("wrong", at: hour(0))
    #expect(freshness.look("wrong", at: hour(0)) == .load)
    freshness.refused("wrong", at: hour(0))
    #expect(freshness.look("wrong", at: hour(0) + .seconds(59)) == .nothing)
    #expect(!freshness.isConfirmed)
    // What was wrong may have been the disk: it is tried again.
    #expect(freshness.look("wrong", at: hour(0) + .seconds(60)) == .load)
    freshness.refused("wrong", at: hour(2))
    #expect(freshness.look("wrong", at: hour(2)) == .outdated)
    #expect(freshness.look("a", at: hour(3)) == .nothing)
    #expect(freshness.isConfirmed)
    _ = freshness.look("wrong", at: hour(3))
    #expect(freshness.look("wrong", at: hour(3)) == .load)
  }

  @Test func `what cannot be read is said once, and after a time nothing leaves any more`() {
    var freshness = PolicyFreshness(known: "a", at: start, ageMax: .seconds(7_200))
    #expect(freshness.look(nil, at: hour(0)) == .complain)
    #expect(freshness.look(nil, at: hour(1)) == .nothing)
    #expect(freshness.look(nil, at: hour(2)) == .outdated)
    #expect(freshness.look("a", at: hour(2)) == .nothing)
    #expect(freshness.look(nil, at: hour(3)) == .complain)
  }

  @Test func `a source that never stays as it is grows old, too`() {
    var freshness = PolicyFreshness(known: "a", at: start, ageMax: .seconds(7_200))
    #expect(freshness.look("1", at: hour(0)) == .nothing)
    #expect(freshness.look("2", at: hour(1)) == .nothing)
    #expect(freshness.look("3", at: hour(2)) == .outdated)
    // One that settles, and is wrong each time, as well.
    #expect(freshness.look("3", at: hour(2)) == .load)
    freshness.refused("3", at: hour(2))
    #expect(freshness.isTooOld(at: hour(2)))
  }
}

@Suite(.timeLimit(.minutes(2))) struct PolicyWatchTests {
  private struct Broken: Error {}

  private static func policies(_ rule: String) throws -> PolicySet {
    try PolicySet.load(
      [
        ("vocabulary.yaml", "actions: [read]\nclasses: [profile]\npurposes: [support]\nsafeguards: [scc]\nviews: [clear, drop]"),
        ("collections.yaml", "collections: { people: { locality: home, audit: strict, default_class: profile } }"),
        ("principals.yaml", "principals: [{ match: \"*\", purposes: [support] }]"),
        ("pack.yaml", "policy: pack\nhome: \"*\"\nrules:\n  - { id: \(rule), permit: read }"),
      ].map { PolicyFile(path: "policies/\($0.0)", text: $0.1) },
      regions: [], today: CalendarDate(secondsSince1970: 0), digest: SHA256.hash)
  }

  private static func request(to country: String) throws -> AccessRequest {
    let home = Place(region: nil, jurisdiction: try #require(Jurisdiction("IE")))
    return AccessRequest(
      action: .read, home: home, hops: [Place(region: nil, jurisdiction: try #require(Jurisdiction(country)))],
      collection: CollectionName("people"), purpose: Purpose("support"), principal: "desk", now: CalendarDate(secondsSince1970: 0)
    )
  }

  private func eventually(_ condition: () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(50)) }
  }

  @Test func `a change is taken up whole, a wrong one is not, and one that stays away closes the border`() async throws {
    let (first, second) = (try Self.policies("first"), try Self.policies("second"))
    let offered = Mutex<(name: String?, set: PolicySet?)>(("first", first))
    let holder = PolicyHolder(first)
    let source = PolicySource(name: "test", ageMax: .seconds(5)) {
      offered.withLock { $0.name }
    } load: {
      guard let set = offered.withLock({ $0.set }) else { throw Broken() }
      return set
    }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    // The log is not there at first: then nothing is taken up.
    let recorded = Mutex<(isThere: Bool, attempts: Int, revisions: [String])>((false, 0, []))
    let watch = PolicyWatch(source: source, holder: holder, logger: logger) { policies in
      try recorded.withLock { recorded in
        recorded.attempts += 1
        guard recorded.isThere else { throw Broken() }
        recorded.revisions.append(policies.revision)
      }
    }
    let services = ServiceGroup(configuration: .init(services: [watch], logger: logger))
    async let ended: Void = services.run()

    offered.withLock { $0 = ("second", second) }
    try await eventually { recorded.withLock { $0.attempts } > 0 }
    #expect(holder.current.revision == first.revision)
    recorded.withLock { $0.isThere = true }
    try await eventually { holder.current.revision == second.revision }
    #expect(recorded.withLock { $0.revisions } == [second.revision])
    #expect(try holder.inForce.decide(Self.request(to: "US")).rule?.id == "second")

    offered.withLock { $0 = ("wrong", nil) }
    try await eventually { holder.inForce.isOutdated }
    #expect(holder.current.revision == second.revision)
    let abroad = try holder.inForce.decide(Self.request(to: "US"))
    #expect(abroad.effect == .deny && abroad.reason == .policiesOutdated)
    #expect(try holder.inForce.decide(Self.request(to: "IE")).effect == .permit)

    offered.withLock { $0 = ("second", second) }
    try await eventually { !holder.inForce.isOutdated }
    #expect(try holder.inForce.decide(Self.request(to: "US")).effect == .permit)
    await services.triggerGracefulShutdown()
    try await ended
  }
}
