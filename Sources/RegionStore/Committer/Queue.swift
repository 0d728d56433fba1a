import DequeModule

extension GroupCommitter {
  /// What waits to be committed, and which lanes have nothing to do. It says what is to be done; the committer does it.
  struct Queue {
    enum Action {
      case none
      case wake(CheckedContinuation<Void, Never>)
      /// Call ``Queue/ring()`` then.
      case wakeLater(ContinuousClock.Instant)
    }

    /// What a lane does next.
    enum Turn {
      case batch([PendingOperation])
      /// It rests until it is woken.
      case idle
      case ended
    }

    private let limits: Limits
    private var waiting: Deque<PendingOperation> = []
    private var waitingWeight = 0
    private var underWay = 0
    private var gathering: Gathering
    /// Whether ``ring()`` will be called.
    private var isAlarmSet = false
    private var idleLanes: [CheckedContinuation<Void, Never>] = []
    private var isStopping = false

    init(limits: Limits) {
      self.limits = limits
      gathering = Gathering(limit: limits.gatheringMax)
    }

    /// - Throws: `StoreError.stopping`, `StoreError.overloaded`: it was not taken.
    mutating func add(_ pending: PendingOperation) throws(StoreError) -> Action {
      guard !isStopping else { throw .stopping }
      guard waitingWeight < limits.waitingMax else { throw .overloaded }
      waiting.append(pending)
      waitingWeight += pending.weight
      gathering.note(present: waiting.count + underWay, at: pending.arrivedAt)
      return wakeLane()
    }

    /// - Returns: lanes to wake.
    mutating func stop() -> [CheckedContinuation<Void, Never>] {
      isStopping = true
      defer { idleLanes = [] }
      return idleLanes
    }

    /// The time that an action named has come.
    mutating func ring() -> Action {
      isAlarmSet = false
      return wakeLane()
    }

    mutating func rest(_ lane: CheckedContinuation<Void, Never>) -> Action {
      guard !isStopping else { return .wake(lane) }
      idleLanes.append(lane)
      // Something may have come since the lane looked.
      return wakeLane()
    }

    mutating func done(_ batch: [PendingOperation]) { underWay -= batch.count }

    mutating func turn() -> (Turn, Action) {
      if let oldest = waiting.first?.arrivedAt {
        if let until = pause(oldest) { return (.idle, alarm(at: until)) }
        let batch = takeBatch()
        // One that is full leaves others waiting.
        if !batch.isEmpty {
          underWay += batch.count
          return (.batch(batch), wakeLane())
        }
      }
      return (isStopping ? .ended : .idle, .none)
    }

    /// Where there is a batch for an idle lane, or will be.
    private mutating func wakeLane() -> Action {
      guard !idleLanes.isEmpty, let oldest = waiting.first?.arrivedAt else { return .none }
      if let until = pause(oldest) { return alarm(at: until) }
      return .wake(idleLanes.removeLast())
    }

    private func pause(_ oldest: ContinuousClock.Instant) -> ContinuousClock.Instant? {
      guard !isStopping, waitingWeight < limits.batchMax else { return nil }
      return gathering.pause(waiting: waiting.count, isBeside: underWay > 0, oldest: oldest, now: .now)
    }

    private mutating func alarm(at instant: ContinuousClock.Instant) -> Action {
      guard !isAlarmSet else { return .none }
      isAlarmSet = true
      return .wakeLater(instant)
    }

    private mutating func takeBatch() -> [PendingOperation] {
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
  }
}
