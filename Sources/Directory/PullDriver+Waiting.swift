package import Residency

extension PullDriver {
  mutating func rung(_ head: LogPosition?, _ now: Duration) -> [Action] {
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
    case .greeting, .pulling, .applying, .loading, .storing, .adopting, .restarting, .comparing, .cuttingBack:
      if let head, head.origin == peer { rungMeanwhile = head } else { greetAt = now }
      return []
    case .stopped, .resting:
      return []
    }
  }

  mutating func woken(greetAt: Duration, wakeAt: Duration, _ now: Duration) -> [Action] {
    guard now >= wakeAt else { return [.schedule(after: wakeAt - now)] }
    self.greetAt = greetAt
    return now >= greetAt ? greet(now) : proceed(now)
  }

  mutating func rest(_ failure: PeerFailure, _ now: Duration) -> [Action] {
    failures += 1
    health.link = .unreachable(failures: failures, failure)
    // A link that loses an answer here and there is not down: many calls in a row, as for a snapshot, go through by trying often.
    let losesAnswers = health.lastContact.map { $0 > restedAt } ?? false && (failure == .timedOut || failure == .unreachable)
    let pause = losesAnswers ? min(pauseAfterFailures, configuration.pollEvery) : pauseAfterFailures
    restedAt = now
    phase = .resting(until: now + pause, wasRung: false)
    return [.report(.health(health)), .schedule(after: pause)]
  }

  private var pauseAfterFailures: Duration {
    var pause = configuration.restFirst
    for _ in 1..<max(failures, 1) where pause < configuration.restMax { pause *= 2 }
    return min(pause, configuration.restMax)
  }
}
