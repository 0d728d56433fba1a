import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Foundation
import Postgres
import Residency
import SwiftProtobuf
import Testing

@testable import Coordinator

extension Integration.Fragile {
  /// What a home's policies ask of the store, and leave in the log.
  @Suite struct HomePolicies {
    @Test func `a pack in monitor blocks nothing, and every leaf says what it would have done`() async throws {
      let world = try await World.fragile()
      let policies = try folder(
        in: world, "watching",
        """
        policy: watching
        home: $eea
        mode: monitor
        rules:
          - id: eu.nothing-to-us
            forbid: read
            when: { requester: US }

        """)
      try await world.deployment.withCoordinator(of: .euWest, policies: policies) {
        let home = try await world.app(.euWest)
        let subject = freshSubject()
        try await home.register(subject)
        try await home.put(subject, ["name": "E. U. Resident", "email": "e@example.eu"])
        let here = try await home.get(subject, "profile", purpose: "support")
        #expect(try await world.event(.euWest, here.receipt.index).monitored == nil)

        let abroad = try await world.app(.usEast)
        let answer = try await eventuallyGet(abroad, subject)
        let leaf = try await world.event(.euWest, answer.receipt.index)
        #expect(leaf.effect == .allowed)
        #expect(!leaf.rules.contains { $0.id == "eu.nothing-to-us" })
        let monitored = try #require(leaf.monitored)
        #expect(monitored.effect == .denied)
        #expect(monitored.rules.map(\.id) == ["eu.nothing-to-us"])
        #expect(monitored.rules.first?.location.hasSuffix("watching.yaml:5") == true)
      }
    }

    @Test func `people whose data leaves are counted, and the one who is too many is refused`() async throws {
      let world = try await World.fragile()
      let before = try await count(world)
      let policies = try folder(
        in: world, "limited",
        """
        policy: limited
        home: $eea
        rules:
          - id: eu.not-so-many
            forbid: read
            when: { class: contact, transferred_this_year: { at_least: \(before + 3) } }
            unless: { locality: region }

        """)
      try await world.deployment.withCoordinator(of: .euWest, policies: policies) {
        let home = try await world.app(.euWest)
        let abroad = try await world.app(.usEast)
        let subjects = (0..<3).map { _ in freshSubject() }
        for subject in subjects {
          try await home.register(subject)
          try await home.put(subject, ["name": "E. U. Resident", "email": "e@example.eu"])
        }
        for subject in subjects.prefix(2) { _ = try await eventuallyGet(abroad, subject) }
        // Once more: they are counted already. And at home nobody is counted.
        for subject in subjects.prefix(2) {
          _ = try await abroad.get(subject, "profile", purpose: "support")
          _ = try await home.get(subject, "profile", purpose: "support")
        }
        #expect(try await count(world) == before + 2)
        let denied = try await refusal { _ = try await eventuallyGet(abroad, subjects[2]) }
        #expect(denied.metadata["rule"] == "eu.not-so-many")
        #expect(try await count(world) == before + 2)
        _ = try await home.get(subjects[2], "profile", purpose: "support")
        #expect(try await world.event(of: denied).effect == .denied)
      }
    }

    private func count(_ world: World) async throws -> Int64 {
      try await world.deployment.sql(
        .euWest, "SELECT coalesce(sum(people), 0)::bigint FROM transfer_count WHERE class = 'contact'"
      ).first?.int64(0) ?? 0
    }

    /// Once the asking region's directory has the subject.
    private func eventuallyGet(_ caller: Caller, _ subject: String) async throws -> Domicile_V1_GetRecordResponse {
      try await eventually("the directory of \(caller.region) has the subject") {
        do { return try await caller.locate(subject).homeRegion == "eu-west" } catch { return false }
      }
      return try await caller.get(subject, "profile", purpose: "support")
    }

    /// The repository's policies and one pack more.
    private func folder(in world: World, _ name: String, _ pack: String) throws -> String {
      let folder = world.deployment.path("\(name)-policies")
      try FileManager.default.copyItem(atPath: "\(world.deployment.sources)/policies", toPath: folder)
      try pack.write(toFile: "\(folder)/\(name).yaml", atomically: true, encoding: .utf8)
      return folder
    }
  }
}
