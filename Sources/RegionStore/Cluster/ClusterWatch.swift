import Logging
import Postgres
import Synchronization

/// Looks at the cluster a few times a second, so that what it cannot keep is refused at once instead of waited for in vain.
///
/// A hint: it spares waiting. What was committed is proved by ``CommitVerification`` alone.
final class ClusterWatch: Sendable {
  private let pool: PostgresPool
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
  /// When another server was last asked for.
  private let turnedAt = Mutex<ContinuousClock.Instant?>(nil)

  /// Between two looks.
  private static let period = Duration.milliseconds(250)

  /// A primary without its standbys may have been deposed and not know it: after this, and again after this, another is looked for.
  private static let doubt = Duration.seconds(3)

  init(
    pool: PostgresPool, order: ServerOrder, required: ConfirmationsRequired, positions: PrimaryPositions, grace: Duration,
    silenceMax: Duration, logger: Logger
  ) {
    self.pool = pool
    self.order = order
    self.required = required
    self.positions = positions
    self.grace = grace
    self.silenceMax = silenceMax
    self.logger = logger
  }

  /// - Throws: Where the cluster cannot keep `concern` now.
  func check(_ concern: WriteConcern) throws(StoreError) {
    if concern >= .quorum, required.current == 0 { throw .noStandbysRequired }
    guard concern > .local else { return }
    let since = stalledSince.withLock { $0 }
    if let since, ContinuousClock.now - since >= grace { throw .quorumUnavailable }
  }

  /// Until cancelled.
  func run() async {
    while !Task.isCancelled {
      // Who uses PostgreSQL says louder that it is away.
      do { try await look() } catch { logger.debug("the cluster could not be looked at", metadata: ["error": "\(error)"]) }
      try? await Task.sleep(for: Self.period)
    }
  }

  /// One look. Where PostgreSQL does not answer there is nothing to say of its standbys.
  func look() async throws {
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
