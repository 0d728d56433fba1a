/// What may end a wait for the server, and what to do then.
struct Watch {
  enum Policy {
    /// Ask the server to stop, and give it `grace` to say that it has.
    case cancelStatement
    /// A commit may be under way: it is never cancelled, because a cancelled wait for a standby reports success. A deadline
    /// ends the connection; a cancelled task still waits `grace` for the answer.
    case awaitCommit
  }

  enum Action: Equatable {
    case ignore
    case requestCancel
    /// Give the connection up.
    case abandon
  }

  /// How long after an interruption the server's answer is still worth waiting for.
  static let grace: Duration = .seconds(3)
  /// A request to stop that comes before the server has begun the statement is lost, and so it is repeated.
  static let cancelInterval: Duration = .milliseconds(200)

  let policy: Policy
  private(set) var until: ContinuousClock.Instant?
  private(set) var heedsCancellation: Bool
  /// `.timeout` or `.canceled`, once it has happened.
  private(set) var interruption: PostgresError.Kind?
  private var graceEnd: ContinuousClock.Instant?

  init(_ policy: Policy, until: ContinuousClock.Instant?, heedsCancellation: Bool) {
    self.policy = policy
    self.until = until
    self.heedsCancellation = heedsCancellation
  }

  mutating func deadlinePassed(now: ContinuousClock.Instant) -> Action {
    guard let graceEnd else {
      interruption = .timeout
      return begin(now: now, patient: false)
    }
    guard policy == .cancelStatement, now < graceEnd else { return .abandon }
    until = min(graceEnd, now.advanced(by: Self.cancelInterval))
    return .requestCancel
  }

  mutating func taskCancelled(now: ContinuousClock.Instant) -> Action {
    guard heedsCancellation, interruption == nil else { return .ignore }
    interruption = .canceled
    return begin(now: now, patient: true)
  }

  private mutating func begin(now: ContinuousClock.Instant, patient: Bool) -> Action {
    heedsCancellation = false
    let graceEnd = now.advanced(by: Self.grace)
    self.graceEnd = graceEnd
    switch policy {
    case .cancelStatement:
      until = now.advanced(by: Self.cancelInterval)
      return .requestCancel
    case .awaitCommit:
      guard patient else { return .abandon }
      until = until.map { min($0, graceEnd) } ?? graceEnd
      return .ignore
    }
  }
}
