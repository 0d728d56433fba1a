/// When a batch has gathered enough to be worth a transaction.
///
/// Who was answered a moment ago often calls again: a batch that waits for them a little costs each of them less than two batches
/// would. How many there are is learned from how many operations were here at once lately; where there was one at a time, nothing waits.
struct Gathering {
  /// After which a batch goes, whoever is missing.
  let limit: Duration

  /// The most that were here at once, sinking since.
  private var peak = 0.0
  private var notedAt: ContinuousClock.Instant?

  /// In which the peak sinks to a half: many batches.
  private static let halfLife = Duration.milliseconds(100)
  /// Of those who may come, so many are enough. The last ones are the longest in coming.
  private static let share = 0.75
  /// Of them, so many make a second batch beside one that is under way: the processors then have work while that one commits. Fewer than
  /// the minimum are not worth a commit of their own.
  private static let shareBeside = 0.25
  private static let minimumBeside = 16.0
  /// Or fewer after so many times the limit.
  private static let patienceBeside = 4

  init(limit: Duration) { self.limit = limit }

  /// - Parameter present: Operations that wait or are under way.
  mutating func note(present: Int, at now: ContinuousClock.Instant) {
    if let notedAt { peak *= Self.decay(over: now - notedAt) }
    peak = max(peak, Double(present))
    notedAt = now
  }

  /// - Parameters:
  ///   - waiting: Operations that wait; at least one.
  ///   - isBeside: Whether another batch is under way. A second one pays where that takes long or many wait; else the two share between
  ///     them what one would have carried.
  ///   - oldest: When the first of those waiting came.
  /// - Returns: Until when to wait for more; `nil` for not at all.
  func pause(
    waiting: Int, isBeside: Bool, oldest: ContinuousClock.Instant, now: ContinuousClock.Instant
  ) -> ContinuousClock.Instant? {
    let until = oldest + (isBeside ? limit * Self.patienceBeside : limit)
    guard now < until else { return nil }
    let peak = peak * (notedAt.map { Self.decay(over: now - $0) } ?? 1)
    let enough = isBeside ? max(Self.minimumBeside, peak * Self.shareBeside) : (peak * Self.share).rounded(.down)
    return Double(waiting) >= enough ? nil : until
  }

  private static func decay(over time: Duration) -> Double {
    // Halves, with straight lines between them: nothing here needs more.
    let halves = max(0, time / halfLife)
    guard halves < 16 else { return 0 }
    let whole = halves.rounded(.down)
    return (1 - (halves - whole) / 2) / Double(1 << Int(whole))
  }
}
