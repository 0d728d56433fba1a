import DomicileTestKit
import FaultLab
import Postgres
import Testing

@testable import RegionStore

/// Hazards 6, 7 and 8: two servers, of which one knows less.
extension HazardTests {
  @Test func `hazard 6: two primaries both answer plain reads; the old one's store shows nothing`() async throws {
    try await HazardScene.withOwn { scene in
      var limits = GroupCommitter.Limits()
      limits.silenceMax = .seconds(1)
      // What this shows must not be hidden by a refusal that comes first.
      limits.stalledGrace = .seconds(60)
      try await TestStore.with(on: scene.primary, limits: limits) { old in
        let subject = try tag(1)
        try await old.register(subject)
        try await old.put("before", at: old.address(subject))
        let before = try await scene.observer.clusterState()
        try await scene.standby.promote()
        try await TestStore.with(sharing: old, on: scene.standby) { new in
          try await new.put("after", at: new.address(subject))

          let query = "SELECT version FROM record"
          #expect(try await Plain.run(old.dsn, query) == "1")
          #expect(try await Plain.run(new.dsn, query) == "2")
          let discovered = scene.replicas.replicaSet.discoveryDSN(database: new.database)
          #expect(try await Plain.run(discovered, query) == "1", "the stale one is listed first, and takes writes")

          await #expect(throws: StoreError.indeterminate) { try await old.get(old.address(subject)) }
          #expect(try await new.get(new.address(subject))?.value == Array("after".utf8))

          let stale = try await scene.observer.awaitClusterState { $0.durability == .stalled(confirmations: 1, attached: 0) }
          #expect(stale.history == before.history)
          let connection = try await TestStore.connect(new.dsn)
          let fresh = try await connection.clusterState()
          #expect(fresh.systemIdentifier == stale.systemIdentifier)
          #expect(fresh.history?.timeline == 2)
          #expect(try #require(CommitProof(after: before, confirmations: 0)).verdict(on: fresh) == .lost)
          await connection.close()
        }
      }
    }
  }

  @Test func `hazard 7: after a promotion the control file still has the old timeline; the cluster's state has the new one`()
    async throws
  {
    try await HazardScene.withOwn { scene in
      // Pages for the checkpoint that follows the promotion to write, one after the other without haste.
      try await scene.run("CREATE TABLE plain AS SELECT repeat('x', 2000) AS a FROM generate_series(1, 1000)")
      let standby = try await TestStore.connect(scene.standby.dsn())
      let waits = try await standby.clusterState()
      #expect(waits.history == nil && waits.durability == .notPrimary)
      await scene.primary.kill()
      try await scene.standby.promote()
      let controlFile = "SELECT timeline_id FROM pg_control_checkpoint()"
      #expect(try await Plain.run(scene.standby.dsn(), controlFile) == "1")
      #expect(try await standby.clusterState().history?.timeline == 2)
      #expect(try await Plain.run(scene.standby.dsn(), controlFile) == "1", "still")
      try await standby.script("CHECKPOINT")
      #expect(try await Plain.run(scene.standby.dsn(), controlFile) == "2")
      await standby.close()
    }
  }

  @Test func `hazard 8: a standby shows a row before the primary does; the store shows and acknowledges nothing yet`()
    async throws
  {
    try await HazardScene.withShared { scene in
      var limits = GroupCommitter.Limits()
      limits.stalledGrace = .seconds(60)
      try await TestStore.with(on: scene.primary, limits: limits) { test in
        let subject = try tag(1)
        try await test.register(subject)
        let address = test.address(subject)
        let standby = try await TestStore.connect(scene.standby.dsn(database: test.database))
        try await standby.awaitTrue("SELECT to_regclass('record') IS NOT NULL")
        // One more confirmation than there will be.
        try await scene.setSynchronousStandbyNames("ANY 2 (standby_1, absent)")
        let write = Task { try await test.put("v", at: address) }
        try await scene.awaitWaiting("test")
        try await standby.awaitTrue("SELECT count(*) = 1 FROM record")
        #expect(try await test.value("SELECT count(*) FROM record") == 0)

        // The standby's position is beyond the row, which its primary shows nobody: a position alone is no snapshot.
        let state = try await scene.observer.clusterState()
        guard case .primary(_, _, let flushed) = state.role else { throw StoreError.corrupt(what: "the role") }
        try await standby.awaitClusterState { if case .standby(let replayed?) = $0.role { replayed >= flushed } else { false } }
        #expect(state.durability == .stalled(confirmations: 2, attached: 1))
        #expect(!state.proves(flushedUpTo: flushed, confirmations: 2))

        let read = Task { try await test.get(address) }
        try await scene.observer.awaitTrue(
          "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'test'")
        try await scene.setSynchronousStandbyNames(nil)
        #expect(try await write.value.outcome == 1)
        // It was read while the write was under way, and came before it.
        #expect(try await read.value == nil)
        #expect(try await test.get(address)?.version == 1)
        await standby.close()
      }
    }
  }
}
