/// What one round trip has brought so far, and what that says about the transaction. No I/O: `Link` feeds it.
struct Exchange {
  /// Whether losing the connection now would leave open what was committed.
  private enum CommitPoint {
    case none
    /// At this step, a `COMMIT`.
    case step(Int)
    /// After the last step: statements outside a transaction commit together at the end of the round trip.
    case end
  }

  private let stepCount: Int
  private let numbersSteps: Bool
  private let commitPoint: CommitPoint
  private(set) var results: [PostgresResult] = []
  private(set) var failure: PostgresError?
  private var failedAt = Int.max
  private var failureWasFatal = false
  private var reachedEnd = false

  /// - Parameter numbersSteps: Whether errors name their step: in a pipeline.
  init(_ steps: [PipelineStep], inTransaction: Bool, numbersSteps: Bool) {
    stepCount = steps.count
    self.numbersSteps = numbersSteps
    results.reserveCapacity(steps.count)
    var inTransaction = inTransaction
    var point = CommitPoint.none
    for (index, step) in steps.enumerated() {
      switch step.statement.effect {
      case .begins: inTransaction = true
      case .commits:
        inTransaction = false
        if case .step = point {} else { point = .step(index) }
      case .rollsBack: inTransaction = false
      case .reads: break
      case .writes: if !inTransaction, case .none = point { point = .end }
      }
    }
    commitPoint = point
  }

  /// Statements in the simple protocol may do anything.
  init(script: Void) {
    stepCount = 1
    numbersSteps = false
    commitPoint = .end
  }

  var policy: Watch.Policy {
    if case .step = commitPoint { .awaitCommit } else { .cancelStatement }
  }

  mutating func succeeded(_ result: PostgresResult) { results.append(result) }

  /// - Parameter position: The step, or the number of steps for the end of the round trip.
  mutating func failed(_ error: PostgresError, at position: Int, fatal: Bool) {
    guard failure == nil else { return }
    failure = error.at(step: numbersSteps ? min(position, stepCount - 1) : nil)
    failedAt = position
    failureWasFatal = fatal
  }

  mutating func ended() { reachedEnd = true }

  /// The call's outcome, where the round trip came to its end.
  func outcome(interruption: PostgresError.Kind?, replicationWasCutShort: Bool) -> Result<[PostgresResult], PostgresError> {
    if replicationWasCutShort {
      return .failure(PostgresError(.indeterminate, "committed here, but the wait for a standby was cut short"))
    }
    guard let failure else { return .success(results) }
    if failureWasFatal, mayHaveCommitted { return .failure(indeterminate(failure)) }
    guard let interruption, failure.sqlState == .queryCanceled else { return .failure(failure) }
    return .failure(PostgresError(interruption, "the statement was stopped", step: failure.step))
  }

  /// The call's outcome, where the connection was lost or given up on the way.
  func outcome(lost error: PostgresError) -> Result<[PostgresResult], PostgresError> {
    if failure == nil, results.count == stepCount {
      if case .step(stepCount - 1) = commitPoint { return .success(results) }
    }
    if mayHaveCommitted { return .failure(indeterminate(failure ?? error)) }
    return .failure(failure ?? error)
  }

  /// Not so when the server has refused a step up to the commit, or has ended the session before it came to the commit.
  private var mayHaveCommitted: Bool {
    switch commitPoint {
    case .none: false
    case .step(let commit): failedAt > commit || (failedAt == commit && failureWasFatal)
    case .end: !reachedEnd && (failedAt > stepCount || (failedAt == stepCount && failureWasFatal))
    }
  }

  private func indeterminate(_ cause: PostgresError) -> PostgresError {
    PostgresError(
      .indeterminate, "the connection ended while a commit may have been under way", step: cause.step,
      serverMessage: cause.serverMessage)
  }
}
