import Residency

extension PullDriver {
  mutating func greet(_ now: Duration) -> [Action] {
    phase = .greeting(askedWith: local)
    rungMeanwhile = nil
    greetAt = now + configuration.pollEvery
    return [.sendHello]
  }

  mutating func greeted(
    _ hello: PeerHello, askedWith: VersionVector, _ logs: LogComparison, _ now: Duration
  ) -> [Action] {
    guard hello.region == peer else { return rest(.protocolViolation, now) }
    remote = hello.vector
    if let rungMeanwhile { remote.advance(to: rungMeanwhile) }
    skipped.removeAll()
    health.link = .reachable
    health.lastContact = now
    health.catalogDiffers = hello.catalogRevision != catalogRevision
    if hello.incarnation > peerIncarnation {
      peerIncarnation = hello.incarnation
      loading = nil
      agreements = [:]
      news = []
    }
    // A log that its region has closed may have been put in order, here or there: it is looked at again.
    fenced = fenced.filter { log in !hello.vector.positions.contains { $0.origin == log.origin && $0.log > log } }
    misled = logs.misled
    chores = loading == nil ? [] : [.loadSnapshot]
    let reports = lookForLostHistory(hello, askedWith: askedWith) + judge(logs, theirs: hello)
    return reports + proceed(now, reportsHealth: true)
  }

  /// Whether the peer's answer shows that its history, or this region's, has gone back.
  private mutating func lookForLostHistory(_ hello: PeerHello, askedWith: VersionVector) -> [Action] {
    let peerLog = LogID(origin: peer, incarnation: hello.incarnation)
    var actions: [Action] = []
    if askedWith[peerLog] > hello.vector[peerLog] {
      actions = fence(peerLog, .wentBack(held: askedWith[peerLog], theirs: hello.vector[peerLog]))
    }
    let newest = hello.vector.positions.filter { $0.origin == own.origin }.max()
    if let newest, newest.incarnation > own.incarnation || (newest.log == own && newest.seq > local[own]) {
      actions += losesOwnHistory(newest.log)
    }
    return actions
  }

  private mutating func judge(_ logs: LogComparison, theirs hello: PeerHello) -> [Action] {
    var actions: [Action] = []
    if let log = logs.misled.subtracting(hello.misled).filter({ $0.origin != own.origin }).min() {
      actions += wantsSnapshot(insteadOf: log)
    }
    for log in logs.forks.subtracting(logs.misled).subtracting(hello.misled).sorted() {
      if log == own {
        actions += losesOwnHistory(log)
        chores.append(.findFork(log))
      } else {
        actions += partsWays(log, at: LogPosition(log: log, seq: local[log]))
      }
    }
    return actions
  }

  private mutating func losesOwnHistory(_ log: LogID) -> [Action] {
    let chore = Chore.restart(after: log.incarnation)
    guard !chores.contains(chore) else { return [] }
    chores.insert(chore, at: 0)
    return [.report(.ownHistoryLost(log))]
  }

  /// Two copies of a log that this region does not write now are not one history.
  mutating func partsWays(_ log: LogID, at position: LogPosition) -> [Action] {
    guard !fenced.contains(log) else { return [] }
    if log.origin == own.origin {
      if !chores.contains(.findFork(log)) { chores.append(.findFork(log)) }
      return []
    }
    return fence(log, .chainMismatch(at: position))
  }

  mutating func fence(_ log: LogID, _ reason: FenceReason) -> [Action] {
    fenced.insert(log).inserted ? [.report(.fenced(log, reason))] : []
  }
}
