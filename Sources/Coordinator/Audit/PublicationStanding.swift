/// Whether all that was recorded is published too, and since when it is not: a state to warn of. Calls go on meanwhile.
struct PublicationStanding: Sendable {
  /// When all of it was, the last time.
  private var soundAt: ContinuousClock.Instant
  private var failure: (why: String, toldAt: ContinuousClock.Instant)?

  /// A round that takes longer counts as one that fails: the store, or the folder, says nothing.
  static let roundMax = Duration.seconds(10)
  /// What lasts is told again after this.
  static let reminder = Duration.seconds(60)

  init(at now: ContinuousClock.Instant) { soundAt = now }

  /// - Returns: whether it is to be told: it is new, of another cause than before, or has lasted.
  mutating func failed(_ why: String, at now: ContinuousClock.Instant) -> Bool {
    if let failure, failure.why == why, failure.toldAt.duration(to: now) < Self.reminder { return false }
    failure = (why, now)
    return true
  }

  /// - Returns: for how long it had failed; `nil` where it had not.
  mutating func succeeded(at now: ContinuousClock.Instant) -> Duration? {
    defer {
      soundAt = now
      failure = nil
    }
    return failure.map { _ in soundAt.duration(to: now) }
  }

  /// For how long something has been recorded, or may have been, that is not published; zero where all is well.
  func unpublished(at now: ContinuousClock.Instant) -> Duration {
    let since = soundAt.duration(to: now)
    return failure != nil || since > Self.roundMax ? since : .zero
  }
}
