import DomicileTestKit
import FaultLab
import Postgres
import Residency
import Testing

@testable import RegionStore

/// Reads on a standby, and writes that wait for more or for less. On a real primary with one synchronous standby.
extension HazardTests {
  /// A store that knows both servers, with one subject.
  private func withStore(
    _ body: (HazardScene, TestStore, RecordAddress) async throws -> Void
  ) async throws {
    try await HazardScene.withShared { scene in
      var limits = GroupCommitter.Limits()
      limits.standbyPatience = .milliseconds(600)
      limits.silenceMax = .seconds(3)
      try await TestStore.with(on: scene.primary, of: scene.replicas.replicaSet, limits: limits) { test in
        let subject = try tag(1)
        try await test.register(subject)
        try await body(scene, test, test.address(subject))
      }
    }
  }

  private func whileReplayIsPaused(_ scene: HazardScene, _ body: () async throws -> Void) async throws {
    let standby = try await TestStore.connect(scene.standby.dsn())
    try await standby.script("SELECT pg_wal_replay_pause()")
    try await standby.awaitTrue("SELECT pg_get_wal_replay_pause_state() = 'paused'")
    let result: Result<Void, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    try await standby.script("SELECT pg_wal_replay_resume()")
    await standby.close()
    try result.get()
  }

  @Test func `a session reads its own writes, on the standby`() async throws {
    try await withStore { _, test, address in
      for number in 0..<50 {
        let written = try await test.put("v\(number)", at: address)
        let token = try #require(written.standing).token
        let read = try await test.read(address, as: .session(token))
        #expect(read.text == "v\(number)")
        guard case .session(let seen) = read.point else {
          Issue.record("read at \(read.point)")
          return
        }
        #expect(seen.position >= token.mark.position)
      }
    }
  }

  @Test func `a session is refused by a standby that is not as far, and served when it is`() async throws {
    try await withStore { scene, test, address in
      try await test.put("old", at: address)
      var token: SessionToken?
      try await whileReplayIsPaused(scene) {
        // Replaying is not needed for a write to be durable.
        token = try #require(try await test.put("new", at: address).standing).token
        await #expect(throws: StoreError.standbyBehind) { try await test.read(address, as: .session(try #require(token))) }
      }
      #expect(try await test.read(address, as: .session(try #require(token))).text == "new")
    }
  }

  @Test func `a replica may be behind, by no more than the caller allows, and never in what the caller may see`() async throws {
    try await withStore { scene, test, address in
      let first = try await test.put("old", at: address)
      _ = try await test.read(address, as: .session(try #require(first.standing).token))
      try await whileReplayIsPaused(scene) {
        try await test.put("new", at: address)
        let needs = FactsNeeded(subjects: [address.tag], mayWrite: true)
        _ = try await test.store.commit(
          Operation(needs: needs, now: now) { _, effects in
            effects.set(ConsentFacts(purpose: Purpose("support"), kind: "explicit", givenAt: now), of: address.tag)
            effects.record(leaf("consent"))
          })
        try await Task.sleep(for: .milliseconds(700))
        let read = try await test.read(address, as: .replica(maxStaleness: .seconds(60)))
        #expect(read.text == "old")
        #expect(read.subject?.consents.count == 1, "consents are of the primary")
        guard case .replica(_, let staleness) = read.point else {
          Issue.record("read at \(read.point)")
          return
        }
        #expect(staleness >= .milliseconds(700) && staleness < .seconds(60))
        await #expect(throws: StoreError.standbyBehind) {
          try await test.read(address, as: .replica(maxStaleness: .milliseconds(500)))
        }
        #expect(try await test.read(address, as: .linearizable).text == "new")
      }
      let read = try await test.read(address, as: .replica(maxStaleness: .milliseconds(500)))
      #expect(read.text == "new")
    }
  }

  @Test func `a read on a standby is recorded on the primary like any other, or is not released`() async throws {
    try await withStore { scene, test, address in
      let token = try #require(try await test.put("v", at: address).standing).token
      let before = try await test.store.auditSize()
      _ = try await test.read(address, as: .session(token))
      #expect(try await test.store.auditSize() == before + 1)
      // Nobody confirms the record: the standby is not asked about its disk any more, only read.
      try await scene.setSynchronousStandbyNames("ANY 1 (somebody_else)")
      await #expect(throws: StoreError.self) { try await test.read(address, as: .session(token)) }
      try await scene.setSynchronousStandbyNames(nil)
    }
  }

  @Test func `a session of another history is refused, and so is one of a write that only the old primary had`() async throws {
    try await withStore { _, test, address in
      let mark = try #require(try await test.put("v", at: address).standing).mark
      let foreign = ClusterHistory(systemIdentifier: mark.history.systemIdentifier ^ 1, timeline: mark.history.timeline)
      await #expect(throws: StoreError.historyLost) {
        let token = SessionToken(mark: LogMark(history: foreign, position: mark.position), isDurable: true)
        return try await test.read(address, as: .session(token))
      }
      let older = ClusterHistory(systemIdentifier: mark.history.systemIdentifier, timeline: mark.history.timeline - 1)
      let durable = SessionToken(mark: LogMark(history: older, position: mark.position), isDurable: true)
      #expect(try await test.read(address, as: .session(durable)).text == "v")
      await #expect(throws: StoreError.historyLost) {
        let local = SessionToken(mark: LogMark(history: older, position: mark.position), isDurable: false)
        return try await test.read(address, as: .session(local))
      }
    }
  }

  @Test func `a write that is to be applied is acknowledged when the standby shows it`() async throws {
    try await withStore { scene, test, address in
      let standby = try await TestStore.connect(scene.standby.dsn(database: test.database))
      for number in 1...30 {
        let written = try await test.put("v", at: address, concern: .applied)
        #expect(written.standing?.concern == .applied)
        #expect(written.standing?.confirmations == 1)
        let row = try await standby.execute(Statement("v", "SELECT version FROM record"), []).rows.first
        #expect(try row?.int64(0) == Int64(number))
      }
      await standby.close()
      try await whileReplayIsPaused(scene) {
        let durable = try await test.put("v", at: address, concern: .quorum)
        #expect(durable.standing?.concern == .quorum)
        await #expect(throws: StoreError.indeterminate) { try await test.put("v", at: address, concern: .applied) }
      }
    }
  }

  @Test func `a local write waits for nobody, and says so`() async throws {
    try await withStore { scene, test, address in
      try await scene.whileStandbyIsPaused {
        let written = try await test.put("v", at: address, concern: .local)
        #expect(written.standing?.concern == .local)
        #expect(written.standing?.confirmations == 0)
        #expect(written.standing?.token.isDurable == false)
        await #expect(throws: StoreError.indeterminate) { try await test.put("w", at: address) }
      }
    }
  }

  @Test func `while no standby is attached what would wait in vain is refused at once, until one is back`() async throws {
    try await withStore { scene, test, address in
      try await test.put("v", at: address)
      try await scene.standby.stop()
      let limit = ContinuousClock.now + .seconds(20)
      var refusal: StoreError?
      while refusal != .quorumUnavailable, .now < limit {
        do { try await test.put("w", at: address) } catch let error as StoreError { refusal = error }
      }
      #expect(refusal == .quorumUnavailable)
      let began = ContinuousClock.now
      await #expect(throws: StoreError.quorumUnavailable) { try await test.get(address) }
      #expect(ContinuousClock.now - began < .milliseconds(500))
      try await scene.standby.start()
      var written: Committed<UInt64?>?
      while written == nil, .now < limit {
        do { written = try await test.put("x", at: address) } catch is StoreError { try await Task.sleep(for: .milliseconds(50)) }
      }
      #expect(written?.standing?.confirmations == 1)
    }
  }

  @Test func `a region that requires a standby refuses a cluster that promises none`() async throws {
    var limits = GroupCommitter.Limits()
    limits.confirmations = 1
    limits.stalledGrace = .zero
    limits.silenceMax = .seconds(1)
    try await TestStore.with(limits: limits) { test in
      let subject = try tag(1)
      let limit = ContinuousClock.now + .seconds(20)
      var refusal: StoreError?
      while refusal != .quorumUnavailable, .now < limit {
        do {
          try await test.register(subject)
          Issue.record("it was acknowledged")
          return
        } catch let error as StoreError {
          #expect([.quorumUnavailable, .indeterminate].contains(error))
          refusal = error
        }
      }
      #expect(refusal == .quorumUnavailable)
    }
  }

  @Test func `a region without standbys refuses what only standbys can keep`() async throws {
    try await TestStore.with { test in
      let subject = try tag(1)
      try await test.register(subject)
      let address = test.address(subject)
      let written = try await test.put("v", at: address)
      #expect(written.standing?.concern == .local)
      let token = try #require(written.standing).token
      await #expect(throws: StoreError.noStandby) { try await test.read(address, as: .session(token)) }
      for concern in [WriteConcern.quorum, .applied] {
        await #expect(throws: StoreError.noStandbysRequired) { try await test.put("w", at: address, concern: concern) }
      }
    }
  }
}
