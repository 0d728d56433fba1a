import DequeModule
import Logging
import Postgres

/// Gathers the operations that arrive while earlier batches are committing, and commits each batch as one transaction.
///
/// One fsync and one round trip to the synchronous standbys serve the whole batch. An operation that comes alone is a batch of its
/// own, at once; where many come, a batch waits for them for a moment (``Gathering``).
package actor GroupCommitter {
  package struct Limits: Sendable {
    /// Operations in one transaction; one about several subjects or records counts as many.
    package var batchMax = 1_024
    /// Operations waiting, counted in the same way; more are refused with `StoreError.overloaded`.
    package var waitingMax = 8_192
    /// How long a batch may wait for more operations.
    package var gatheringMax = Duration.milliseconds(2)
    /// Batches under way at once: one reads its facts while another commits.
    package var lanes = 2
    /// How many standbys must have a commit on disk, at least; more where the cluster promises more when the store is opened.
    package var confirmations = 0
    /// How long a read waits for a standby to come as far as its caller asks.
    package var standbyPatience = Duration.seconds(1)
    /// How long commits may wait for standbys that are not attached before more are refused.
    package var stalledGrace = Duration.seconds(1)
    /// After which a silent PostgreSQL counts as lost.
    package var silenceMax = Duration.seconds(10)

    package init() {}
  }

  private let batches: BatchRunner
  private let limits: Limits
  private let logger: Logger
  private var waiting: Deque<PendingOperation> = []
  private var waitingWeight = 0
  private var underWay = 0
  private var gathering: Gathering
  /// Wakes a lane when a batch has waited long enough.
  private var alarm: Task<Void, Never>?
  private var idleLanes: [CheckedContinuation<Void, Never>] = []
  private var isStopping = false

  init(batches: BatchRunner, limits: Limits, logger: Logger) {
    self.batches = batches
    self.limits = limits
    gathering = Gathering(limit: limits.gatheringMax)
    self.logger = logger
  }

  /// Commits one operation, with whatever else is waiting.
  /// - Throws: ``StoreError``, or what the operation's own `decide` threw.
  nonisolated func commit<Outcome: Sendable>(_ operation: Operation<Outcome>) async throws -> Committed<Outcome> {
    let pending = PendingOperation(operation)
    await enqueue(pending)
    let completion = try await pending.value()
    guard let outcome = completion.outcome as? Outcome else { throw StoreError.corrupt(what: "an outcome") }
    return Committed(outcome: outcome, receipts: completion.receipts, standing: completion.standing)
  }

  private func enqueue(_ pending: PendingOperation) {
    guard !isStopping else { return pending.finish(.failure(StoreError.stopping)) }
    guard waitingWeight < limits.waitingMax else { return pending.finish(.failure(StoreError.overloaded)) }
    waiting.append(pending)
    waitingWeight += pending.weight
    gathering.note(present: waiting.count + underWay, at: pending.arrivedAt)
    wakeLane()
  }

  /// Wakes an idle lane where there is a batch for it, or sees to it that one is woken when the batch has waited long enough.
  private func wakeLane() {
    guard !idleLanes.isEmpty, let oldest = waiting.first?.arrivedAt else { return }
    if let until = pause(oldest) { return setAlarm(at: until) }
    idleLanes.removeLast().resume()
  }

  private func pause(_ oldest: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard !isStopping, waitingWeight < limits.batchMax else { return nil }
    return gathering.pause(waiting: waiting.count, oldest: oldest, now: .now)
  }

  private func setAlarm(at instant: ContinuousClock.Instant) {
    guard alarm == nil else { return }
    alarm = Task {
      try? await Task.sleep(until: instant, tolerance: .zero)
      self.alarm = nil
      self.wakeLane()
    }
  }

  /// Commits batches until ``stop()``; then what is waiting, and returns.
  func run() async {
    await withDiscardingTaskGroup { group in
      for _ in 0..<limits.lanes { group.addTask { await self.runLane() } }
    }
  }

  /// Takes no more operations. ``run()`` returns once those already waiting are done.
  func stop() {
    isStopping = true
    for lane in idleLanes { lane.resume() }
    idleLanes = []
  }

  private func runLane() async {
    while let batch = await nextBatch() {
      underWay += batch.count
      await commit(batch)
      underWay -= batch.count
    }
  }

  private func nextBatch() async -> [PendingOperation]? {
    while true {
      if let oldest = waiting.first?.arrivedAt {
        if let until = pause(oldest) {
          setAlarm(at: until)
        } else {
          let batch = takeBatch()
          // One that is full leaves others waiting.
          wakeLane()
          if !batch.isEmpty { return batch }
        }
      }
      if isStopping { return nil }
      await withCheckedContinuation { idleLanes.append($0) }
    }
  }

  private func takeBatch() -> [PendingOperation] {
    var selection = BatchSelection()
    var batch: [PendingOperation] = []
    var passedOver: Deque<PendingOperation> = []
    let now = ContinuousClock.now
    var weight = 0
    while weight < limits.batchMax, let pending = waiting.popFirst() {
      if let deadline = pending.deadline, deadline <= now {
        pending.finish(.failure(StoreError.deadlineExceeded))
      } else if pending.isWanted {
        if selection.admits(pending.needs) {
          batch.append(pending)
          weight += pending.weight
        } else {
          passedOver.append(pending)
          continue
        }
      }
      waitingWeight -= pending.weight
    }
    if !passedOver.isEmpty {
      passedOver.append(contentsOf: waiting)
      waiting = passedOver
    }
    return batch
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
