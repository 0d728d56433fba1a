package import Logging
import Synchronization

/// A few connections that many tasks share.
///
/// Connections open when they are first needed, up to `size`; callers beyond that wait in line. A broken connection gives its
/// place to a new one. A failed attempt to connect is the caller's error: the pool does not retry by itself.
package final class PostgresPool: Sendable {
  private typealias Turn = Result<PoolGrant<PostgresConnection>, PostgresError>
  private typealias State = PoolState<PostgresConnection, CheckedContinuation<Turn, Never>>

  private let configuration: PostgresConfiguration
  private let logger: Logger
  private let state: Mutex<State>
  private let drained = FirstAnswer<Void>()

  /// - Parameters:
  ///   - size: Connections at most; 1 at least.
  ///   - waitersMax: Callers in line at most; one more fails at once with `.connection`.
  package init(configuration: PostgresConfiguration, size: Int, waitersMax: Int = 1_024, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
    state = Mutex(State(size: max(1, size), waitersMax: waitersMax))
  }

  /// Lends a connection to `body`. A transaction that `body` leaves open is rolled back.
  ///
  /// - Throws: `PostgresError` where there is no connection to lend: `.connection`, `.canceled`; whatever `body` throws.
  package func withConnection<R: Sendable>(
    isolation: isolated (any Actor)? = #isolation, _ body: (PostgresConnection) async throws -> R
  ) async throws -> R {
    let connection = try await lease()
    do {
      let value = try await body(connection)
      await takeBack(connection)
      return value
    } catch {
      await takeBack(connection)
      throw error
    }
  }

  /// Refuses new callers, closes what is idle, and returns when the last lent connection is back. Safe to call again.
  package func shutdown() async {
    let (idle, waiters) = state.withLock { $0.shutDown() }
    for waiter in waiters { waiter.resume(returning: .failure(Self.error(.shutDown))) }
    for connection in idle { await connection.close() }
    noteDrained()
    await drained.value
  }

  private func lease() async throws(PostgresError) -> PostgresConnection {
    switch try await turn() {
    case .connection(let connection):
      let isInOrder = connection.turn == configuration.turn
      // An idle connection that has something to say has most often come to its end.
      if isInOrder, !connection.standing.hasUnreadInput { return connection }
      if isInOrder, await connection.isUsable { return connection }
      await connection.close()
      return try await connect()
    case .slot: return try await connect()
    }
  }

  /// Opens a connection in a slot that is the caller's.
  private func connect() async throws(PostgresError) -> PostgresConnection {
    do {
      return try await PostgresConnection.connect(configuration, logger: logger)
    } catch {
      await act(state.withLock { $0.freeSlot() })
      throw error
    }
  }

  private func turn() async throws(PostgresError) -> PoolGrant<PostgresConnection> {
    if let grant = state.withLock({ $0.tryAcquire() }) { return grant }
    let ticket = state.withLock { $0.ticket() }
    let turn = await withTaskCancellationHandler {
      await withCheckedContinuation { (waiter: CheckedContinuation<Turn, Never>) in
        switch state.withLock({ $0.park(waiter, ticket: ticket) }) {
        case .parked: break
        case .granted(let grant): waiter.resume(returning: .success(grant))
        case .refused(let refusal): waiter.resume(returning: .failure(Self.error(refusal)))
        }
      }
    } onCancel: {
      state.withLock { $0.cancel(ticket: ticket) }?.resume(returning: .failure(Self.error(.canceled)))
    }
    return try turn.get()
  }

  private func takeBack(_ connection: PostgresConnection) async {
    switch connection.standing.transaction {
    case .none: break
    case .open, .failed:
      logger.debug("a connection came back inside a transaction, which is rolled back")
      do { try await connection.rollback() } catch { await connection.close() }
    case .unknown: await connection.close()
    }
    let isClean = connection.standing.transaction == .none
    await act(state.withLock { isClean ? $0.giveBack(connection) : $0.freeSlot() })
  }

  private func act(_ action: State.Return) async {
    switch action {
    case .none: break
    case .grant(let grant, let waiter): waiter.resume(returning: .success(grant))
    case .close(let connection): await connection.close()
    }
    noteDrained()
  }

  private func noteDrained() {
    if state.withLock({ $0.isDrained }) { drained.give(()) }
  }

  private static func error(_ refusal: State.Refusal) -> PostgresError {
    switch refusal {
    case .shutDown: PostgresError(.connection, "the pool is shut down")
    case .tooManyWaiters: PostgresError(.connection, "too many callers wait for a connection")
    case .canceled: PostgresError(.canceled, "while waiting for a connection")
    }
  }
}
