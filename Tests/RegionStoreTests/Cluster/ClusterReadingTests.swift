import DomicileTestKit
import FaultLab
import Postgres
import RegionStore
import Testing

struct ClusterReadingTests {
  @Test func `a primary and its standby are read as they are`() async throws {
    try await withThrowawayReplicaSet { replicas in
      let primary = try await TestStore.connect(replicas.primary.dsn())
      let standby = try await TestStore.connect(replicas.standbys[0].dsn())
      try await primary.script("CREATE TABLE t (a int)")

      let results = try await primary.pipeline([
        PipelineStep(Statement("b", "BEGIN")), PipelineStep(Statement("i", "INSERT INTO t VALUES (1)")),
        PipelineStep(Statement("c", "COMMIT")), PipelineStep(ClusterState.read),
      ])
      let state = try ClusterState(try #require(results[3].rows.first))
      #expect(state.history?.timeline == 1)
      #expect(state.synchronousStandbyNames == "ANY 1 (standby_1)")
      #expect(state.commitWait == .on)
      #expect(state.standbys.map(\.standing) == [.quorum])
      #expect(state.hiddenStandbys == 0)
      #expect(state.durability == .quorum(confirmations: 1))
      #expect(state.gaps(requiring: 1).isEmpty)
      let proof = try #require(CommitProof(after: state, confirmations: 1))
      let limit = ContinuousClock.now + .seconds(20)
      var verdict = proof.verdict(on: state)
      while verdict == .pending, .now < limit { verdict = proof.verdict(on: try await primary.clusterState()) }
      #expect(verdict == .proved)

      let other = try await standby.clusterState()
      #expect(other.systemIdentifier == state.systemIdentifier)
      #expect(!other.isPrimary && other.history == nil)
      #expect(other.durability == .notPrimary)

      // Whoever may not see the standbys proves nothing.
      try await primary.script("CREATE ROLE plain LOGIN; GRANT SELECT ON t TO plain; SET ROLE plain")
      let blind = try await primary.clusterState()
      #expect(blind.hiddenStandbys == 1)
      #expect(blind.gaps(requiring: 1) == [.standbysHidden, .stalled(confirmations: 1, attached: 0)])
      try await primary.script("RESET ROLE; GRANT pg_monitor TO plain; SET ROLE plain")
      #expect(try await primary.clusterState().gaps(requiring: 1).isEmpty)
      try await primary.script("RESET ROLE; SET synchronous_commit = off")
      #expect(try await primary.clusterState().gaps(requiring: 1) == [.weakDefault(.off)])

      await replicas.standbys[0].kill()
      await standby.close()
      try await primary.awaitClusterState { $0.durability == .stalled(confirmations: 1, attached: 0) }
      await primary.close()
    }
  }
}

extension PostgresConnection {
  func clusterState() async throws -> ClusterState {
    try ClusterState(try #require(try await execute(ClusterState.read).rows.first))
  }

  /// Returns the first state that fits. Fails the test after 30 s.
  @discardableResult
  func awaitClusterState(
    sourceLocation: SourceLocation = #_sourceLocation, _ fits: (ClusterState) -> Bool
  ) async throws -> ClusterState {
    let limit = ContinuousClock.now + .seconds(30)
    while true {
      let state = try await clusterState()
      if fits(state) { return state }
      try #require(ContinuousClock.now < limit, "the cluster stays \(state)", sourceLocation: sourceLocation)
    }
  }
}
