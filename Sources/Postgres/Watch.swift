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

  let policy: Policy
  private(set) var until: ContinuousClock.Instant?
  private(set) var heedsCancellation: Bool
  /// `.timeout` or `.canceled`, once it has happened.
  private(set) var interruption: PostgresError.Kind?

  init(_ policy: Policy, until: ContinuousClock.Instant?, heedsCancellation: Bool) {
    self.policy = policy
    self.until = until
    self.heedsCancellation = heedsCancellation
  }

  mutating func deadlinePassed(now: ContinuousClock.Instant) -> Action {
    if interruption == nil { interruption = .timeout } else { return .abandon }
    return begin(now: now, patient: false)
  }

  mutating func taskCancelled(now: ContinuousClock.Instant) -> Action {
    guard heedsCancellation, interruption == nil else { return .ignore }
    interruption = .canceled
    return begin(now: now, patient: true)
  }

  private mutating func begin(now: ContinuousClock.Instant, patient: Bool) -> Action {
    heedsCancellation = false
    let graceEnd = now.advanced(by: Self.grace)
    switch policy {
    case .cancelStatement:
      until = graceEnd
      return .requestCancel
    case .awaitCommit:
      guard patient else { return .abandon }
      until = until.map { min($0, graceEnd) } ?? graceEnd
      return .ignore
    }
  }
}
