import DomicileTestKit
import FaultLab
import Postgres
import Testing

@testable import RegionStore

/// Hazards 3, 4 and 5: settings that change what an acknowledgement means.
extension HazardTests {
  @Test func `hazard 3: clearing synchronous_standby_names acknowledges all waiters; the cluster's state proves nothing`()
    async throws
  {
    try await HazardScene.withShared { scene in
      try await TestStore.with(on: scene.primary) { test in
        try await test.sql("CREATE TABLE plain (a int)")
        let connection = try await TestStore.connect(test.dsn)
        try await scene.whileStandbyIsPaused {
          let plain = Plain(test.dsn, "INSERT INTO plain VALUES (1)")
          let write = Task {
            try await connection.pipeline(
              ["BEGIN", "SET LOCAL synchronous_commit = on", "INSERT INTO plain VALUES (2)", "COMMIT"].map {
                PipelineStep(Statement($0, $0))
              }
                + [PipelineStep(ClusterState.read)])
          }
          try await scene.awaitWaiting(Plain.name)
          try await scene.awaitWaiting("test inspection")
          try await scene.setSynchronousStandbyNames("")
          #expect(try await plain.task.value.text == "INSERT 0 1\n")
          let results = try await write.value
          #expect(results.allSatisfy { $0.notices.isEmpty })

          let state = try ClusterState(try #require(results.last?.rows.first))
          let proof = try #require(CommitProof(after: state, confirmations: 1))
          #expect(proof.verdict(on: state) == .pending)
          #expect(proof.verdict(on: try await connection.clusterState()) == .pending)
          #expect(try await connection.clusterState().gaps(requiring: 1) == [.promised(confirmations: 0, required: 1)])

          // That the setting is back proves nothing either.
          try await scene.setSynchronousStandbyNames(nil)
          try await connection.awaitClusterState { $0.durability == .quorum(confirmations: 1) }
          #expect(proof.verdict(on: try await connection.clusterState()) == .pending)

          await scene.standby.resume()
          try await connection.awaitClusterState { proof.verdict(on: $0) == .proved }
        }
        await connection.close()
      }
    }
  }

  @Test func `hazard 3: what was acknowledged because the setting was cleared is no success of the store's`() async throws {
    try await HazardScene.withShared { scene in
      var limits = GroupCommitter.Limits()
      limits.silenceMax = .seconds(2)
      limits.stalledGrace = .seconds(60)
      try await TestStore.with(on: scene.primary, limits: limits) { test in
        let subject = try tag(1)
        try await test.register(subject)
        for isRead in [false, true] {
          try await scene.whileStandbyIsPaused {
            let call = Task {
              if isRead {
                _ = try await test.get(test.address(subject))
              } else {
                try await test.put("v", at: test.address(subject))
              }
            }
            try await scene.awaitWaiting("test")
            try await scene.setSynchronousStandbyNames("")
            await #expect(throws: StoreError.indeterminate) { try await call.value }
          }
          try await scene.setSynchronousStandbyNames(nil)
          try await scene.replicas.replicaSet.awaitStreaming()
          // With the standby back, all is well again.
          #expect(try await test.get(test.address(subject))?.version == 1)
        }
      }
    }
  }

  @Test func `hazard 4: statement_timeout does not bound the wait; the store's own limit does, and cancels nothing`() async throws
  {
    try await HazardScene.withShared { scene in
      var limits = GroupCommitter.Limits()
      limits.silenceMax = .seconds(1)
      try await TestStore.with(on: scene.primary, limits: limits) { test in
        let subject = try tag(1)
        try await test.register(subject)
        try await test.sql("CREATE TABLE plain (a int)")
        try await scene.whileStandbyIsPaused {
          let plain = Plain("\(test.dsn) options='-c statement_timeout=500'", "INSERT INTO plain VALUES (1)")
          try await scene.awaitWaiting(Plain.name)

          let start = ContinuousClock.now
          await #expect(throws: StoreError.indeterminate) { try await test.put("v", at: test.address(subject)) }
          #expect(start.duration(to: .now) < .seconds(10))
          // Cancelled, the row would be visible by now.
          try await scene.awaitWaiting("test")
          #expect(try await test.value("SELECT count(*) FROM record") == 0)

          try await scene.observer.awaitTrue(
            """
            SELECT bool_and(now() > query_start + interval '1 second' AND wait_event = 'SyncRep')
              FROM pg_stat_activity WHERE application_name = '\(Plain.name)'
            """)
          await scene.standby.resume()
          #expect(try await plain.task.value.status == 0)
        }
        try await test.awaitTrue("SELECT count(*) = 1 FROM record")
        #expect(try await test.get(test.address(subject))?.version == 1)
      }
    }
  }

  @Test func `hazard 5: any role may turn synchronous_commit off; the store's transactions wait all the same`() async throws {
    try await HazardScene.withShared { scene in
      try await TestStore.with(on: scene.primary, options: "-c synchronous_commit=off") { test in
        let subject = try tag(1)
        try await test.register(subject)
        try await test.sql("CREATE TABLE plain (a int); GRANT INSERT ON plain TO PUBLIC; SET synchronous_commit = on")
        let connection = try await TestStore.connect(test.dsn)
        #expect(try await connection.clusterState().gaps(requiring: 1) == [.weakDefault(.off)])
        try await scene.whileStandbyIsPaused {
          let output = try await Plain.run(
            scene.primary.dsn(), "CREATE ROLE anyone; SET ROLE anyone; SET synchronous_commit = off; SELECT current_user")
          #expect(output.hasSuffix("anyone"))
          #expect(try await Plain.run(test.dsn, "INSERT INTO plain VALUES (1)") == "INSERT 0 1")

          for isRead in [false, true] {
            let call = Task {
              if isRead {
                _ = try await test.get(test.address(subject))
              } else {
                try await test.put("v", at: test.address(subject))
              }
            }
            try await scene.awaitWaiting("test")
            await scene.standby.resume()
            try await call.value
            await scene.standby.pause()
          }
        }
        await connection.close()
      }
    }
  }
}
