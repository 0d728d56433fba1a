package import Residency

extension PullDriver {
  mutating func rung(_ head: LogPosition?, _ news: LogBatch?, _ now: Duration) -> [Action] {
    if let head, head.origin == peer {
      remote.advance(to: head)
      if let news, news.log == head.log { keep(news) }
    }
    switch phase {
    case .idle(let greetAt, _) where hasNextNews:
      self.greetAt = greetAt
      return proceed(now)
    case .idle(let greetAt, let wakeAt):
      let answerAt = now + configuration.doorbellWindow
      let greetAt = head == nil ? min(greetAt, answerAt) : greetAt
      guard answerAt < wakeAt else {
        phase = .idle(greetAt: greetAt, wakeAt: wakeAt)
        return []
      }
      phase = .idle(greetAt: greetAt, wakeAt: answerAt)
      return [.schedule(after: configuration.doorbellWindow)]
    case .resting: return triedEarly(now)
    case .greeting, .pulling, .applying, .loading, .storing, .adopting, .restarting, .comparing, .cuttingBack:
      if let head, head.origin == peer { rungMeanwhile = head } else { greetAt = now }
      return []
    case .stopped:
      return []
    }
  }

  /// The peer reaches this region, so the way back may be open again; but only once a rest, lest that undo the back-off.
  mutating func triedEarly(_ now: Duration) -> [Action] {
    guard case .resting(let until, wasRung: false) = phase else { return [] }
    let answerAt = min(until, now + configuration.restFirst)
    phase = .resting(until: answerAt, wasRung: true)
    return [.schedule(after: answerAt - now)]
  }

  private mutating func keep(_ batch: LogBatch) {
    switch phase {
    case .stopped, .resting: return
    default: break
    }
    let goesOn = news.last.map { $0.log == batch.log && (batch.first <= $0.last || batch.first - $0.last == 1) } ?? true
    if goesOn, news.count < Self.newsMax { news.append(batch) } else { news = [] }
  }

  /// Whether what came first goes on from what is held here.
  private var hasNextNews: Bool {
    guard let first = news.first else { return false }
    let held = local[first.log]
    return first.first <= held + 1 && first.last > held
  }

  /// What was to be pulled, if it is here already.
  mutating func takeNews(for request: PullRequest) -> LogBatch? {
    guard request.log.origin == peer else { return nil }
    news.removeAll { $0.log == request.log && $0.last < request.from }
    guard let first = news.first, first.log == request.log, first.first <= request.from else {
      news = []
      return nil
    }
    return news.removeFirst()
  }

  mutating func woken(greetAt: Duration, wakeAt: Duration, _ now: Duration) -> [Action] {
    guard now >= wakeAt else { return [.schedule(after: wakeAt - now)] }
    self.greetAt = greetAt
    return now >= greetAt ? greet(now) : proceed(now)
  }

  mutating func rest(_ failure: PeerFailure, _ now: Duration) -> [Action] {
    failures += 1
    news = []
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
