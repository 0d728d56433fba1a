import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Residency
import SwiftProtobuf
import Testing

extension Domicile_V1_ReadPreference {
  static func session(_ token: String) -> Self {
    .with {
      $0.level = .session
      $0.sessionToken = token
    }
  }

  static func replica(_ milliseconds: Int64) -> Self {
    .with {
      $0.level = .replica
      $0.maxStaleness = .init(seconds: milliseconds / 1_000, nanos: Int32(milliseconds % 1_000) * 1_000_000)
    }
  }
}

extension Integration {
  /// What a caller may choose of consistency, and what it is told it got.
  @Suite struct Consistency {
    /// With a synchronous standby in each region.
    private static let replicated = Task { try await World(TestDeployment.start(standbys: 1)) }

    @Test func `a session reads on a standby what it wrote, from home and from abroad`() async throws {
      let world = try await Self.replicated.value
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      for number in 1...10 {
        let written = try await home.put(subject, ["name": .init(stringValue: "\(number)")])
        // In one batch with a call that asks for more, it gets that.
        #expect([.quorum, .applied].contains(written.evidence.writeConcern))
        #expect(written.evidence.confirmations == 1)
        let read = try await home.get(subject, .session(written.evidence.sessionToken))
        #expect(read.record.version == UInt64(number))
        #expect(read.evidence.readLevel == .session)
        #expect(read.evidence.epoch == 1)
        #expect(read.evidence.lsn.contains("/"))
        let far = try await abroad.get(subject, .session(read.evidence.sessionToken), purpose: "support")
        #expect(far.record.version == UInt64(number))
        #expect(far.evidence.readLevel == .session)
        #expect(far.receipt.region == "eu-west", "decided and recorded at home like any other")
      }
    }

    @Test func `a replica says how far behind it may be`() async throws {
      let world = try await Self.replicated.value
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "a"])
      let read = try await home.get(subject, .replica(5_000))
      #expect(read.evidence.readLevel == .replica)
      #expect(read.evidence.hasStaleness && read.evidence.staleness.seconds < 5)
      let applied = try await home.put(subject, ["name": "b"], concern: .applied)
      #expect(applied.evidence.writeConcern == .applied)
      let primary = try await home.get(subject, .with { $0.level = .primary })
      #expect(primary.evidence.readLevel == .linearizable)
      #expect(primary.record.version == 2)
    }

    @Test func `consent that was withdrawn opens nothing on a standby either`() async throws {
      let world = try await Self.replicated.value
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.apSouth)
      let subject = freshSubject()
      try await home.register(subject)
      let written = try await home.put(subject, ["name": "a"])
      try await eventually("ap-south knows the subject") { try await isKnown(subject, to: abroad) }
      try await home.consent(subject, to: "support", kind: "explicit")
      let preferences: [Domicile_V1_ReadPreference] = [.session(written.evidence.sessionToken), .replica(60_000)]
      for preference in preferences {
        #expect(try await abroad.get(subject, preference, purpose: "support").decision.rules.first == "eu.consent")
      }
      try await home.withdrawConsent(subject, to: "support")
      for preference in preferences {
        let error = try await refusal { try await abroad.get(subject, preference, purpose: "support") }
        #expect(error.reason == "POLICY_DENIED")
      }
    }

    @Test func `what the collection does not allow is refused, and recorded`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      let local = try await refusal { try await home.put(subject, ["name": "a"], concern: .local) }
      #expect(local.code == .failedPrecondition)
      #expect(local.reason == "CONSISTENCY_NOT_ALLOWED")
      let commit = try await refusal {
        try await home.commit(subject, [.put("profile", "main", ["name": "a"])], concern: .local)
      }
      #expect(commit.reason == "CONSISTENCY_NOT_ALLOWED")
      #expect(try await home.list(subject).records.isEmpty)
    }

    @Test func `what the cluster cannot keep is refused`() async throws {
      let home = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      let written = try await home.put(subject, ["name": "a"])
      #expect(written.evidence.writeConcern == .local, "there is no standby: the answer does not pretend")
      let token = written.evidence.sessionToken
      for preference in [Domicile_V1_ReadPreference.session(token), .replica(1_000)] {
        let error = try await refusal { try await home.get(subject, preference) }
        #expect(error.reason == "STANDBY_UNAVAILABLE")
      }
      for concern in [Domicile_V1_WriteConcern.quorum, .applied] {
        let error = try await refusal { try await home.put(subject, ["name": "b"], concern: concern) }
        #expect(error.reason == "QUORUM_UNAVAILABLE")
      }
      #expect(try await home.get(subject).record.version == 1)
    }

    @Test(arguments: [
      Domicile_V1_ReadPreference.session(""), .session("nonsense"), .replica(0), .replica(99), .replica(600_001),
      .with { $0.sessionToken = "AA" }, .with { $0.maxStaleness = .init(seconds: 1, nanos: 0) },
    ])
    func `a preference of the wrong form is refused`(preference: Domicile_V1_ReadPreference) async throws {
      let home = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      let error = try await refusal { try await home.get(subject, preference) }
      #expect(error.code == .invalidArgument)
    }
  }
}
