package import Residency

extension PullDriver {
  mutating func received(_ batch: LogBatch, for request: PullRequest, _ now: Duration) -> [Action] {
    health.lastContact = now
    guard batch.log == request.log, batch.entries.count <= LogBatch.entriesMax, batch.last >= request.from,
      batch.first <= request.from
    else { return rest(.protocolViolation, now) }
    phase = .applying(request)
    return [.apply(batch)]
  }

  mutating func applied(_ outcome: BatchOutcome, for request: PullRequest, _ now: Duration) -> [Action] {
    switch outcome {
    case .applied(let position), .alreadyApplied(let position):
      local.advance(to: position)
      trimmedSince[position.log] = nil
      failures = 0
      return [.acknowledge(position)] + proceed(now)
    case .gap(let expected):
      // This region holds less than the driver believed: it was restored under it.
      guard expected.seq < request.from else { return rest(.protocolViolation, now) }
      local.withdraw(to: LogPosition(log: expected.log, seq: expected.seq - 1))
      return proceed(now)
    case .chainMismatch(let position):
      return partsWays(request.log, at: position) + proceed(now)
    case .unreadable(let position, let error):
      return fence(request.log, .unreadable(at: position, error)) + proceed(now)
    case .corrupt:
      return rest(.damaged, now)
    case .ownLog, .cutOff, .heldBack:
      skipped.insert(request.log)
      return proceed(now)
    }
  }

  /// Does what is to be done first, pulls what is missing, or waits.
  mutating func proceed(_ now: Duration, reportsHealth: Bool = false) -> [Action] {
    let behind = local.entriesMissing(from: remote)
    let reports: [Action]
    if reportsHealth || behind != health.entriesBehind {
      health.entriesBehind = behind
      reports = [.report(.health(health))]
    } else {
      reports = []
    }
    if !chores.isEmpty { return reports + begin(chores.removeFirst(), now) }
    let (log, relayAt) = nextLog(now)
    if let log {
      let request = PullRequest(log: log, from: local[log] + 1, entriesMax: configuration.entriesMax)
      if let batch = takeNews(for: request) {
        phase = .applying(request)
        return reports + [.apply(batch)]
      }
      phase = .pulling(request)
      return reports + [.pull(request)]
    }
    failures = 0
    let wakeAt = max(now, min(greetAt, relayAt ?? greetAt))
    phase = .idle(greetAt: greetAt, wakeAt: wakeAt)
    return reports + [.schedule(after: wakeAt - now)]
  }

  private mutating func begin(_ chore: Chore, _ now: Duration) -> [Action] {
    switch chore {
    case .restart(let last):
      phase = .restarting
      return [.restartHistory(after: last)]
    case .findFork(let log):
      phase = .comparing(log, nil)
      return [.compareChains(log, at: [])]
    case .loadSnapshot:
      return load(now)
    }
  }

  /// The log to pull now: the peer's own first, then any that lags long enough to be relayed, or when the next will.
  private mutating func nextLog(_ now: Duration) -> (log: LogID?, relayAt: Duration?) {
    var relayAt: Duration?
    var relayed: LogID?
    for position in remote.positions where position.seq > local[position.log] {
      let log = position.log
      guard log != own, !fenced.contains(log), !skipped.contains(log) else { continue }
      if log.origin == peer { return (log, nil) }
      guard log.origin != own.origin || log.incarnation < own.incarnation else { continue }
      let since = behindSince[log] ?? now
      behindSince[log] = since
      // Nobody but its peers can give a region back what it wrote before it was restored.
      let due = log.origin == own.origin ? now : since + configuration.relayAfter
      if due <= now { relayed = relayed ?? log } else { relayAt = min(relayAt ?? due, due) }
    }
    for log in behindSince.keys where remote[log] <= local[log] { behindSince[log] = nil }
    return (relayed, relayAt)
  }
}
