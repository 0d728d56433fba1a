import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  /// Invariant 3. The synchronous standby that a commit has to wait for is one that is not there: the primary is cut off.
  @Suite struct ReadBarrier {
    @Test func `a read is not released before its record is on the standby, and is afterwards`() async throws {
      let world = try await World.fragile()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])

      try await world.withoutStandby(in: .euWest) {
        for caller in [home, abroad] {
          let error = try await refusal { try await caller.with(timeout: .seconds(1)).get(subject, purpose: "support") }
          #expect(Self.isWaitInVain(error), "\(error)")
        }
        let unwritten = try await refusal { try await home.with(timeout: .seconds(1)).put(subject, ["name": "Another"]) }
        #expect(Self.isWaitInVain(unwritten), "\(unwritten)")
      }
      let read = try await home.get(subject)
      #expect(read.evidence.readLevel == .linearizable)
      try await world.expectDenseLog(.euWest)
    }

    /// The caller's time runs out, or the coordinator knows by then that nobody will confirm.
    private static func isWaitInVain(_ error: ConnectError) -> Bool {
      error.code == .deadlineExceeded || error.reason == "QUORUM_UNAVAILABLE"
    }

    @Test func `a wait for the standby that an operator cancels releases nothing`() async throws {
      let world = try await World.fragile()
      let home = try await world.app(.euWest)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])

      try await world.withoutStandby(in: .euWest) {
        async let outcome = refusal { try await home.get(subject) }
        // PostgreSQL then answers the commit with success and a warning.
        try await eventually("the read waits for the standby") {
          try await !world.deployment.sql(
            .euWest, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
          ).isEmpty
        }
        let error = try await outcome
        #expect(error.code == .unavailable)
        #expect(error.reason == "AUDIT_UNAVAILABLE")
      }
      #expect(try await home.get(subject).record.version == 1)
    }
  }
}

extension World {
  /// Runs `body` while no commit of a region can reach its synchronous standby.
  func withoutStandby<Answer>(in region: RegionID, _ body: () async throws -> Answer) async throws -> Answer {
    try await during(
      {
        try await deployment.sql(region, "ALTER SYSTEM SET synchronous_standby_names = 'absent'")
        try await deployment.sql(region, "SELECT pg_reload_conf()")
        // The server takes up a setting when it gets to it: from then on, commits wait.
        let probe = try await app(region).with(timeout: .milliseconds(300))
        let subject = freshSubject()
        try await eventually("commits wait for the standby") {
          do {
            try await probe.register(subject)
            return false
          } catch let error as ConnectError {
            return error.code == .deadlineExceeded
          }
        }
      },
      undoing: {
        try await deployment.sql(region, "ALTER SYSTEM RESET synchronous_standby_names")
        try await deployment.sql(region, "SELECT pg_reload_conf()")
        let probe = try await app(region)
        let subject = freshSubject()
        try await eventually("commits no longer wait") {
          do {
            try await probe.register(subject)
            return true
          } catch is ConnectError {
            return false
          }
        }
      }, body)
  }
}
