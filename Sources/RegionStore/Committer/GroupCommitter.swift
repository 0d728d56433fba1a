import Logging
import Synchronization

/// Gathers the operations that arrive while earlier batches are committing, and commits each batch as one transaction.
///
/// One fsync and one round trip to the synchronous standbys serve the whole batch. An operation that comes alone is a batch of its
/// own, at once; where many come, a batch waits for them for a moment (``Gathering``).
package final class GroupCommitter: Sendable {
  package struct Limits: Sendable {
    /// Operations in one transaction; one about several subjects or records counts as many.
    package var batchMax = 1_024
    /// Operations waiting, counted in the same way; more are refused with `StoreError.overloaded`.
    package var waitingMax = 8_192
    /// How long a batch may wait for more operations.
    package var gatheringMax = Duration.milliseconds(2)
    /// How much of the directory is remembered.
    package var directory = DirectoryCache.Limits()
    /// Batches under way at once: one reads its facts while another commits.
    package var lanes = 2
    /// How many standbys must have a commit on disk, at least; more where the cluster promises more when the store is opened.
    package var confirmations = 0
    /// How long a read waits for a standby to come as far as its caller asks.
    package var standbyPatience = Duration.seconds(1)
    /// How long commits may wait for standbys that are not attached before more are refused.
    package var stalledGrace = Duration.seconds(1)
    /// Subjects whose keys are held in memory: about 600 bytes each.
    package var keysCachedMax = 65_536
    /// After which a silent PostgreSQL counts as lost.
    package var silenceMax = Duration.seconds(10)

    package init() {}
  }

  private let batches: BatchRunner
  private let limits: Limits
  private let logger: Logger
  private let queue: Mutex<Queue>

  init(batches: BatchRunner, limits: Limits, logger: Logger) {
    self.batches = batches
    self.limits = limits
    self.logger = logger
    queue = Mutex(Queue(limits: limits))
  }

  /// Commits one operation, with whatever else is waiting.
  /// - Throws: ``StoreError``, or what the operation's own `decide` threw.
  func commit<Outcome: Sendable>(_ operation: Operation<Outcome>) async throws -> Committed<Outcome> {
    let pending = PendingOperation(operation)
    act(try queue.withLock { queue throws(StoreError) in try queue.add(pending) })
    let completion = try await pending.value()
    guard let outcome = completion.outcome as? Outcome else { throw StoreError.corrupt(what: "an outcome") }
    return Committed(outcome: outcome, receipts: completion.receipts, entries: completion.entries, standing: completion.standing)
  }

  /// Commits batches until ``stop()``; then what is waiting, and returns.
  func run() async {
    await withDiscardingTaskGroup { group in
      for _ in 0..<limits.lanes { group.addTask { await self.runLane() } }
    }
  }

  /// Takes no more operations. ``run()`` returns once those already waiting are done.
  func stop() {
    for lane in queue.withLock({ $0.stop() }) { lane.resume() }
  }

  private func act(_ action: Queue.Action) {
    switch action {
    case .none: break
    case .wake(let lane): lane.resume()
    case .wakeLater(let instant):
      Task {
        try? await Task.sleep(until: instant, tolerance: .zero)
        self.act(self.queue.withLock { $0.ring() })
      }
    }
  }

  private func runLane() async {
    while let batch = await nextBatch() {
      await commit(batch)
      queue.withLock { $0.done(batch) }
    }
  }

  private func nextBatch() async -> [PendingOperation]? {
    while true {
      let (turn, action) = queue.withLock { $0.turn() }
      act(action)
      switch turn {
      case .batch(let batch): return batch
      case .ended: return nil
      case .idle:
        await withCheckedContinuation { lane in
          act(queue.withLock { $0.rest(lane) })
        }
      }
    }
  }

  private func commit(_ batch: [PendingOperation]) async {
    do {
      let results = try await batches.run(batch)
      for (pending, result) in zip(batch, results) { pending.finish(result) }
    } catch StoreError.refused(let sqlState) where batch.count > 1 {
      // One operation's effects were refused: find it by giving each a transaction of its own.
      logger.warning(
        "batch refused, committing one by one", metadata: ["sqlstate": "\(sqlState)", "operations": "\(batch.count)"])
      for pending in batch { await commit([pending]) }
    } catch {
      for pending in batch { pending.finish(.failure(error)) }
    }
  }
}
