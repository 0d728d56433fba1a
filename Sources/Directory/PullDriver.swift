package import Residency

/// Brings one peer's entries here: greets it, pulls what it has and this region lacks, batch by batch, and does so again each
/// second or when the peer rings. One driver a peer; a shell runs its actions.
///
/// ```
/// stopped → greeting → pulling → applying → (pulling …) → idle → greeting
///               └─────────┴──────────┴── failed → resting → greeting
/// ```
/// One call or transaction is under way at a time, and one batch is held at most. An event that does not fit the phase (an
/// answer that came after its deadline, a timer that was replaced) changes nothing.
///
/// `now` is monotonic time since some fixed start. The shell gives every call a deadline and reports ``Event/failed(_:)``.
package struct PullDriver: Sendable {
  package struct Configuration: Hashable, Sendable {
    package var pollEvery: Duration = .seconds(1)
    /// How long doorbells are gathered before they are answered.
    package var doorbellWindow: Duration = .milliseconds(5)
    /// How long a log must lag before it is taken from another region than its own.
    package var relayAfter: Duration = .seconds(1)
    /// The wait after the first failure; it doubles with each further one.
    package var restFirst: Duration = .milliseconds(100)
    package var restMax: Duration = .seconds(10)
    package var entriesMax = 1_024

    package init() {}
  }

  package enum Event: Hashable, Sendable {
    /// - Parameter local: how far this region holds each log, its own included.
    case started(local: VersionVector)
    /// - Parameter local: read after the answer had come: a peer may know of an entry of this region before this driver does.
    case helloAnswered(PeerHello, local: VersionVector)
    case batchReceived(LogBatch)
    /// The peer had no entries for the request.
    case nothingToPull
    case applied(BatchOutcome)
    /// The call, or the transaction, that was under way.
    case failed(PeerFailure)
    /// The peer has something new: its own log reaches `head`, where it says so.
    case doorbell(head: LogPosition?)
    /// Another driver, or this region's own committer, moved a log forward.
    case localAdvanced(LogPosition)
    case tick
    /// An operator lifted a fence.
    case unfenced(LogID)
  }

  package enum Action: Hashable, Sendable {
    /// Greet the peer, with this region's vector as it is then.
    case sendHello
    case pull(PullRequest)
    /// Decide with ``BatchVerifier``, commit, and report ``Event/applied(_:)``.
    case apply(LogBatch)
    /// Tell the peer that this region holds the log durably up to here. Its failure needs no report: the next hello says it too.
    case acknowledge(LogPosition)
    /// Send ``Event/tick`` after this time; replaces the timer before.
    case schedule(after: Duration)
    case report(PeerReport)
  }

  enum Phase: Hashable, Sendable {
    case stopped
    /// `askedWith` is what this region held when it asked: the origin of a log held no less when it answered.
    case greeting(askedWith: VersionVector)
    case pulling(PullRequest)
    case applying(PullRequest)
    case idle(greetAt: Duration, wakeAt: Duration)
    case resting(until: Duration, wasRung: Bool)
  }

  package let own: LogID
  package let peer: RegionOrdinal
  package let configuration: Configuration
  package private(set) var health = PeerHealth()
  /// Logs of which nothing is taken from this peer.
  package private(set) var fenced: Set<LogID> = []

  private var phase: Phase = .stopped
  /// A lower bound of what this region holds.
  private var local = VersionVector()
  /// What the peer has said it holds.
  private var remote = VersionVector()
  /// Logs that the peer could not give; asked for again after the next hello.
  private var skipped: Set<LogID> = []
  /// Since when a log lags that is not the peer's own.
  private var behindSince: [LogID: Duration] = [:]
  private var greetAt: Duration = .zero
  /// What a doorbell named while the peer was answering a greeting: the answer may be older.
  private var rungMeanwhile: LogPosition?
  /// Failures since something last went through as a whole.
  private var failures = 0
  private var reportedLost: Set<LogID> = []
  private let catalogRevision: CatalogRevision

  /// - Parameters:
  ///   - own: the log that this region writes now.
  ///   - catalogRevision: the catalog that this region runs with.
  package init(own: LogID, peer: RegionOrdinal, catalogRevision: CatalogRevision, configuration: Configuration = .init()) {
    self.own = own
    self.peer = peer
    self.catalogRevision = catalogRevision
    self.configuration = configuration
  }

  package mutating func receive(_ event: Event, now: Duration) -> [Action] {
    switch (event, phase) {
    case (.started(let vector), .stopped):
      local.join(vector)
      return greet(now)
    case (.helloAnswered(let hello, let vector), .greeting(let askedWith)):
      local.join(vector)
      return greeted(hello, askedWith: askedWith, now)
    case (.batchReceived(let batch), .pulling(let request)):
      return received(batch, for: request, now)
    case (.nothingToPull, .pulling(let request)):
      skipped.insert(request.log)
      return proceed(now)
    case (.applied(let outcome), .applying(let request)):
      return applied(outcome, for: request, now)
    case (.failed(let failure), .greeting), (.failed(let failure), .pulling), (.failed(let failure), .applying):
      return rest(failure, now)
    case (.doorbell(let head), _):
      return rung(head, now)
    case (.localAdvanced(let position), _):
      local.advance(to: position)
      behindSince[position.log] = nil
      return []
    case (.tick, .idle(let greetAt, let wakeAt)):
      return woken(greetAt: greetAt, wakeAt: wakeAt, now)
    case (.tick, .resting(let until, _)):
      return now >= until ? greet(now) : [.schedule(after: until - now)]
    case (.unfenced(let log), _):
      fenced.remove(log)
      return []
    case (.started, _), (.helloAnswered, _), (.batchReceived, _), (.nothingToPull, _), (.applied, _), (.failed, _), (.tick, _):
      return []
    }
  }
}

extension PullDriver {
  private mutating func greet(_ now: Duration) -> [Action] {
    phase = .greeting(askedWith: local)
    rungMeanwhile = nil
    greetAt = now + configuration.pollEvery
    return [.sendHello]
  }

  private mutating func greeted(_ hello: PeerHello, askedWith: VersionVector, _ now: Duration) -> [Action] {
    guard hello.region == peer else { return rest(.protocolViolation, now) }
    remote = hello.vector
    if let rungMeanwhile { remote.advance(to: rungMeanwhile) }
    skipped.removeAll()
    health.link = .reachable
    health.lastContact = now
    health.catalogDiffers = hello.catalogRevision != catalogRevision
    let reports = historyReports(hello, askedWith: askedWith)
    return reports + proceed(now, reportsHealth: true)
  }

  /// Whether the peer's answer shows that its history, or this region's, has gone back.
  private mutating func historyReports(_ hello: PeerHello, askedWith: VersionVector) -> [Action] {
    var actions: [Action] = []
    let peerLog = LogID(origin: peer, incarnation: hello.incarnation)
    let held = askedWith[peerLog]
    if held > hello.vector[peerLog] {
      actions += fence(peerLog, .wentBack(held: held, theirs: hello.vector[peerLog]))
    }
    for position in hello.vector.positions where position.origin == own.origin && position.incarnation >= own.incarnation {
      guard position.seq > local[position.log], reportedLost.insert(position.log).inserted else { continue }
      actions.append(.report(.ownHistoryLost(position.log, held: local[position.log], peerHolds: position.seq)))
    }
    return actions
  }

  private mutating func received(_ batch: LogBatch, for request: PullRequest, _ now: Duration) -> [Action] {
    health.lastContact = now
    guard batch.log == request.log, batch.entries.count <= LogBatch.entriesMax, batch.last >= request.from else {
      return rest(.protocolViolation, now)
    }
    guard batch.first <= request.from else {
      skipped.insert(request.log)
      return [.report(.needsSnapshot(request.log, from: request.from))] + proceed(now)
    }
    phase = .applying(request)
    return [.apply(batch)]
  }

  private mutating func applied(_ outcome: BatchOutcome, for request: PullRequest, _ now: Duration) -> [Action] {
    switch outcome {
    case .applied(let position), .alreadyApplied(let position):
      local.advance(to: position)
      failures = 0
      return [.acknowledge(position)] + proceed(now)
    case .gap(let expected):
      // This region holds less than the driver believed: it was restored under it.
      guard expected.seq < request.from else { return rest(.protocolViolation, now) }
      local.withdraw(to: LogPosition(log: expected.log, seq: expected.seq - 1))
      return proceed(now)
    case .chainMismatch(let position):
      return fence(request.log, .chainMismatch(at: position)) + proceed(now)
    case .unreadable(let position, let error):
      return fence(request.log, .unreadable(at: position, error)) + proceed(now)
    case .corrupt:
      return rest(.damaged, now)
    case .ownLog:
      skipped.insert(request.log)
      return proceed(now)
    }
  }

  private mutating func fence(_ log: LogID, _ reason: FenceReason) -> [Action] {
    fenced.insert(log).inserted ? [.report(.fenced(log, reason))] : []
  }

  /// Pulls what is missing, or waits.
  private mutating func proceed(_ now: Duration, reportsHealth: Bool = false) -> [Action] {
    let behind = local.entriesMissing(from: remote)
    let reports: [Action]
    if reportsHealth || behind != health.entriesBehind {
      health.entriesBehind = behind
      reports = [.report(.health(health))]
    } else {
      reports = []
    }
    let (log, relayAt) = nextLog(now)
    if let log {
      let request = PullRequest(log: log, from: local[log] + 1, entriesMax: configuration.entriesMax)
      phase = .pulling(request)
      return reports + [.pull(request)]
    }
    failures = 0
    let wakeAt = max(now, min(greetAt, relayAt ?? greetAt))
    phase = .idle(greetAt: greetAt, wakeAt: wakeAt)
    return reports + [.schedule(after: wakeAt - now)]
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

  private mutating func rung(_ head: LogPosition?, _ now: Duration) -> [Action] {
    if let head, head.origin == peer { remote.advance(to: head) }
    switch phase {
    case .idle(let greetAt, let wakeAt):
      let answerAt = now + configuration.doorbellWindow
      let greetAt = head == nil ? min(greetAt, answerAt) : greetAt
      guard answerAt < wakeAt else {
        phase = .idle(greetAt: greetAt, wakeAt: wakeAt)
        return []
      }
      phase = .idle(greetAt: greetAt, wakeAt: answerAt)
      return [.schedule(after: configuration.doorbellWindow)]
    case .resting(let until, wasRung: false):
      // The peer reaches this region, so the way back may be open again; but only once a rest, lest rings undo the back-off.
      let answerAt = min(until, now + configuration.restFirst)
      phase = .resting(until: answerAt, wasRung: true)
      return [.schedule(after: answerAt - now)]
    case .greeting, .pulling, .applying:
      if let head, head.origin == peer { rungMeanwhile = head } else { greetAt = now }
      return []
    case .stopped, .resting:
      return []
    }
  }

  private mutating func woken(greetAt: Duration, wakeAt: Duration, _ now: Duration) -> [Action] {
    guard now >= wakeAt else { return [.schedule(after: wakeAt - now)] }
    self.greetAt = greetAt
    return now >= greetAt ? greet(now) : proceed(now)
  }

  private mutating func rest(_ failure: PeerFailure, _ now: Duration) -> [Action] {
    failures += 1
    health.link = .unreachable(failures: failures, failure)
    let pause = pauseAfterFailures
    phase = .resting(until: now + pause, wasRung: false)
    return [.report(.health(health)), .schedule(after: pause)]
  }

  private var pauseAfterFailures: Duration {
    var pause = configuration.restFirst
    for _ in 1..<max(failures, 1) where pause < configuration.restMax { pause *= 2 }
    return min(pause, configuration.restMax)
  }
}
