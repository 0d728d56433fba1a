import Postgres

/// Makes sure that the standbys have what the server has acknowledged, before anything of it is told to anybody.
///
/// In the ordinary case it costs a look at shared memory in the round trip of the commit itself.
struct CommitVerification: Sendable {
  let required: ConfirmationsRequired
  /// Told where the primary's log stood.
  let positions: PrimaryPositions
  /// After which a standby that does not confirm counts as lost.
  let silenceMax: Duration

  /// Between two looks at a standby that is behind.
  private static let pause = Duration.milliseconds(2)

  /// Runs steps of which the last is a `COMMIT`, and returns their results once the commit is what `concern` says.
  ///
  /// - Throws: `StoreError.indeterminate` where that cannot be seen: it is committed here, and may be nowhere else.
  func commit(
    _ steps: [PipelineStep], concern: WriteConcern, on connection: PostgresConnection
  ) async throws -> (results: [PostgresResult], standing: CommitStanding) {
    let confirmations = concern == .local ? 0 : required.current
    let began = ContinuousClock.now
    let verified = steps + [PipelineStep(ClusterState.read, [])]
    let results: [PostgresResult]
    do {
      results = try await connection.pipeline(verified, deadline: .now + silenceMax)
    } catch let error where error.step == steps.count {
      // The commit was acknowledged; what was asked behind it was not answered.
      throw StoreError.indeterminate
    }
    guard let row = results.last?.rows.first, let state = try? ClusterState(row),
      let proof = CommitProof(after: state, confirmations: confirmations, isApplied: concern == .applied)
    else { throw StoreError.indeterminate }
    try await wait(for: proof, seen: state, on: connection)
    positions.note(proof.mark, at: began)
    let standing = CommitStanding(
      mark: proof.mark, concern: confirmations == 0 ? .local : max(concern, .quorum), confirmations: confirmations)
    return (Array(results.dropLast()), standing)
  }

  private func wait(for proof: CommitProof, seen: ClusterState, on connection: PostgresConnection) async throws {
    let limit = ContinuousClock.now + silenceMax
    var state = seen
    while true {
      switch proof.verdict(on: state) {
      case .proved: return
      case .lost: throw StoreError.indeterminate
      case .pending: break
      }
      guard ContinuousClock.now < limit else { throw StoreError.indeterminate }
      do {
        try await Task.sleep(for: Self.pause)
        guard let row = try await connection.execute(ClusterState.read, [], deadline: limit).rows.first else {
          throw StoreError.indeterminate
        }
        state = try ClusterState(row)
      } catch {
        throw StoreError.indeterminate
      }
    }
  }
}
