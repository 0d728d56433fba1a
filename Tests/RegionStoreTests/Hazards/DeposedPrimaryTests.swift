import DomicileTestKit
import FaultLab
import Postgres
import Residency
import Testing

@testable import RegionStore

extension HazardTests {
  @Test func `a store leaves a primary that was deposed, though that still takes connections and is listed first`() async throws {
    try await HazardScene.withOwn { scene in
      var limits = GroupCommitter.Limits()
      limits.silenceMax = .seconds(2)
      try await TestStore.with(on: scene.primary, of: scene.replicas.replicaSet, limits: limits) { test in
        let subject = try tag(1)
        try await test.register(subject)
        try await scene.standby.promote()
        let promoted = try await TestStore.connect(scene.standby.dsn(database: test.database))
        let history = try #require(try await promoted.clusterState().history)
        await #expect(throws: StoreError.self) { try await test.get(test.address(subject)) }
        try await promoted.awaitTrue(
          "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'test' AND NOT pg_is_in_recovery()")
        // It has no standby either: what the region was promised it does not give, and so nothing is acknowledged there.
        await #expect(throws: StoreError.quorumUnavailable) { try await test.put("v", at: test.address(subject)) }
        #expect(history.timeline == 2)
        await promoted.close()
      }
    }
  }
}
