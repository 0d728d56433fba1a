import Logging
import Postgres
import Synchronization

/// Looks at the cluster a few times a second, so that what it cannot keep is refused at once instead of waited for in vain.
///
/// A hint: it spares waiting. What was committed is proved by ``CommitVerification`` alone.
final class ClusterWatch: Sendable {
  private let pool: PostgresPool
  /// For the looks that are taken regularly: they wait for nobody else's.
  private let ownPool: PostgresPool
  /// In which the store's connections look for the primary.
  private let order: ServerOrder
  private let required: ConfirmationsRequired
  private let positions: PrimaryPositions
  /// A standby that comes back within this goes unnoticed.
  private let grace: Duration
  private let silenceMax: Duration
  private let logger: Logger
  /// Since when commits wait in vain; `nil` while they do not.
  private let stalledSince = Mutex<ContinuousClock.Instant?>(nil)
  private let silence = Mutex(LookSilence())
  /// When another server was last asked for.
  private let turnedAt = Mutex<ContinuousClock.Instant?>(nil)

  /// Between two looks.
  private static let period = Duration.milliseconds(250)

  /// A primary without its standbys may have been deposed and not know it: after this, and again after this, another is looked for.
  private static let doubt = Duration.seconds(3)

  init(
    pool: PostgresPool, ownPool: PostgresPool, order: ServerOrder, required: ConfirmationsRequired, positions: PrimaryPositions,
    grace: Duration,
    silenceMax: Duration, logger: Logger
  ) {
    self.pool = pool
    self.ownPool = ownPool
    self.order = order
    self.required = required
    self.positions = positions
    self.grace = grace
    self.silenceMax = silenceMax
    self.logger = logger
  }

  /// - Throws: Where the cluster cannot keep `concern` now.
  func check(_ concern: WriteConcern) throws(StoreError) {
    if isSilent { throw .unavailable }
    if concern >= .quorum, required.current == 0 { throw .noStandbysRequired }
    guard concern > .local else { return }
    let since = stalledSince.withLock { $0 }
    if let since, ContinuousClock.now - since >= grace { throw .quorumUnavailable }
  }

  /// PostgreSQL does not answer at all. Whoever comes then is refused, and spared the wait.
  var isSilent: Bool { silence.withLock { $0.isSilent } }

  /// An operation was answered.
  func heard() { silence.withLock { $0.heard() } }

  /// Until cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.lookOftenEnough() }
      group.addTask { await self.listen() }
    }
  }

  private func lookOftenEnough() async {
    while !Task.isCancelled {
      silence.withLock { $0.began() }
      do {
        try await look(by: ownPool)
        silence.withLock { $0.ended(answered: true) }
      } catch {
        // Who uses PostgreSQL says louder that it is away.
        logger.debug("the cluster could not be looked at", metadata: ["error": "\(error)"])
        silence.withLock { $0.ended(answered: false) }
      }
      try? await Task.sleep(for: Self.period)
    }
  }

  private func listen() async {
    var wasSilent = false
    while !Task.isCancelled {
      try? await Task.sleep(for: LookSilence.tick)
      let isSilent = silence.withLock { silence in
        silence.passed()
        return silence.isSilent
      }
      guard isSilent != wasSilent else { continue }
      wasSilent = isSilent
      if isSilent {
        logger.error("PostgreSQL does not answer: calls are refused until it does")
      } else {
        logger.notice("PostgreSQL answers again, or cannot be reached")
      }
    }
  }

  /// One look. Where PostgreSQL does not answer there is nothing to say of its standbys.
  func look() async throws { try await look(by: pool) }

  private func look(by pool: PostgresPool) async throws {
    let began = ContinuousClock.now
    let state: ClusterState
    do {
      state = try await pool.withConnection { connection in
        guard let row = try await connection.execute(ClusterState.read, [], deadline: began + self.silenceMax).rows.first else {
          throw StoreError.corrupt(what: "the cluster's state")
        }
        return try ClusterState(row)
      }
    } catch {
      note(isStalled: false, at: began)
      throw error
    }
    if let history = state.history, case .primary(_, _, let flushed) = state.role {
      positions.note(LogMark(history: history, position: flushed), at: began)
    }
    note(isStalled: state.isStalled(requiring: required.current), at: began)
  }

  private func note(isStalled: Bool, at instant: ContinuousClock.Instant) {
    let change: Bool? = stalledSince.withLock { since in
      let was = since != nil
      since = isStalled ? since ?? instant : nil
      return was == isStalled ? nil : isStalled
    }
    if isStalled { lookElsewhere(at: instant) }
    guard let change else { return }
    if change {
      logger.warning("too few standbys are attached: writes and recorded reads wait, and are refused after a moment")
    } else {
      logger.notice("the standbys are attached again, or PostgreSQL is away")
    }
  }
}

extension ClusterWatch {
  private func lookElsewhere(at instant: ContinuousClock.Instant) {
    guard let since = stalledSince.withLock({ $0 }) else { return }
    let turns = turnedAt.withLock { turnedAt in
      let last = max(since, turnedAt ?? since)
      guard instant - last >= Self.doubt else { return false }
      turnedAt = instant
      return true
    }
    if turns { order.next() }
  }
}

extension ClusterState {
  /// Whether commits wait, and will not be acknowledged until another standby attaches.
  func isStalled(requiring required: Int) -> Bool {
    guard isPrimary else { return false }
    return switch durability {
    case .stalled: true
    case .quorum(let confirmations): confirmations < required
    case .local: required > 0
    case .notPrimary: false
    }
  }
}
