import Directory
import Synchronization

/// An operation on its way through the committer. Completed exactly once, whoever comes first: its batch, or a caller that gave up.
final class PendingOperation: Sendable {
  struct Completion: Sendable {
    let outcome: any Sendable
    let receipts: [LeafReceipt]
    let entries: [LogPosition]
    let standing: CommitStanding?
  }

  let needs: FactsNeeded
  let deadline: ContinuousClock.Instant?
  let concern: WriteConcern
  let now: UInt64
  let arrivedAt = ContinuousClock.now
  let decide: @Sendable (Facts, inout Effects) throws -> any Sendable

  private enum State {
    case waiting
    case awaited(CheckedContinuation<Completion, any Error>)
    case done(Result<Completion, any Error>)
  }
  private let state = Mutex(State.waiting)

  init<Outcome: Sendable>(_ operation: Operation<Outcome>) {
    needs = operation.needs
    deadline = operation.deadline
    concern = operation.concern
    now = operation.now
    let decide = operation.decide
    self.decide = { facts, effects in try decide(facts, &effects) }
  }

  /// How much of a batch it takes. A document may have many large versions, and a page of them takes a mebibyte.
  var weight: Int {
    max(1, needs.subjects.count, needs.records.count) + needs.documents.count * 4 + needs.documentPages.count * 64
  }

  /// Whether somebody still waits for the outcome. One that nobody waits for is not begun.
  var isWanted: Bool {
    state.withLock {
      if case .done = $0 { return false }
      return true
    }
  }

  func finish(_ result: Result<Completion, any Error>) {
    let continuation: CheckedContinuation<Completion, any Error>? = state.withLock { state in
      switch state {
      case .waiting:
        state = .done(result)
        return nil
      case .awaited(let continuation):
        state = .done(result)
        return continuation
      case .done:
        return nil
      }
    }
    continuation?.resume(with: result)
  }

  /// The outcome. Called once.
  func value() async throws -> Completion {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let early: Result<Completion, any Error>? = state.withLock { state in
          if case .done(let result) = state { return result }
          state = .awaited(continuation)
          return nil
        }
        if let early { continuation.resume(with: early) }
      }
    } onCancel: {
      finish(.failure(StoreError.canceled))
    }
  }
}
