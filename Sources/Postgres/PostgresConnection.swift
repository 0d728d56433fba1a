import CLibPQ
package import Logging

/// One connection to PostgreSQL: an actor that runs on a thread of its own, because libpq blocks.
///
/// Each call is one round trip and has the connection to itself; calls queue. A connection that was lost, or whose state is
/// unknown after an interruption, answers every further call with `.connection`: the caller (or the pool) opens a new one.
package actor PostgresConnection {
  private let thread: ConnectionThread
  private let wake: WakeUp
  private let logger: Logger
  /// What the pool may know without a change of thread.
  nonisolated let standing = ConnectionStanding()
  private var link: Link?

  package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Of the order of servers in which it was opened.
  nonisolated let turn: Int

  private init(turn: Int, logger: Logger) throws(PostgresError) {
    self.turn = turn
    wake = try WakeUp()
    thread = try ConnectionThread()
    self.logger = logger
  }

  deinit { thread.end() }

  /// Opens a connection.
  ///
  /// A cancelled task gets its answer at once; the attempt ends in the background, within the connect timeout.
  /// - Throws: `.connection`, `.canceled`.
  package static func connect(
    _ configuration: PostgresConfiguration, logger: Logger
  ) async throws(PostgresError) -> PostgresConnection {
    let connection = try PostgresConnection(turn: configuration.turn, logger: logger)
    let answer = FirstAnswer<Result<Void, PostgresError>>()
    Task { answer.give(await connection.open(configuration)) }
    try await withTaskCancellationHandler {
      await answer.value
    } onCancel: {
      answer.give(.failure(PostgresError(.canceled, "while connecting")))
    }.get()
    return connection
  }

  private func open(_ configuration: PostgresConfiguration) -> Result<Void, PostgresError> {
    do throws(PostgresError) {
      link = try Link.open(configuration, wake: wake)
      publish()
      logger.debug("connected to PostgreSQL", metadata: ["server": "\(configuration)"])
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  /// Whether a call has a chance. A cut that nobody has noticed yet still reads as usable.
  package var isUsable: Bool {
    do { try link?.absorbIdleInput() } catch { drop(because: error) }
    return link != nil
  }

  /// Runs one statement. Outside a transaction it commits by itself.
  ///
  /// - Parameters:
  ///   - parameters: `$1`, `$2`… in order.
  ///   - deadline: When to stop waiting, time spent in the queue included.
  /// - Throws: `PostgresError` of any kind. After `.timeout` and `.canceled` the server was told to stop and nothing of this
  ///   call is committed; `.indeterminate` says that it may be.
  package func execute(
    _ statement: Statement, _ parameters: [PostgresValue] = [], deadline: ContinuousClock.Instant? = nil
  ) async throws(PostgresError) -> PostgresResult {
    let results = try await perform([PipelineStep(statement, parameters)], deadline, numbersSteps: false)
    guard let result = results.first else { throw PostgresError(.protocol, "the statement had no result") }
    return result
  }

  /// Runs all steps in one round trip.
  ///
  /// When a step fails, the server skips the rest, the error names the step, and the connection is usable again; a
  /// transaction that was open then has failed and wants `rollback()`.
  /// - Throws: As `execute`. A pipeline with a `COMMIT` is never cancelled on the server: when its deadline passes, the
  ///   connection is closed and the outcome is `.indeterminate`.
  package func pipeline(
    _ steps: [PipelineStep], deadline: ContinuousClock.Instant? = nil
  ) async throws(PostgresError) -> [PostgresResult] {
    try await perform(steps, deadline, numbersSteps: true)
  }

  /// Runs several statements without parameters, outside the pipeline: for migrations.
  ///
  /// - Parameter deadline: When to stop waiting: the connection is then closed, and the outcome is `.indeterminate`.
  /// - Throws: As `execute`; the server is never told to stop.
  package func script(_ sql: String, deadline: ContinuousClock.Instant? = nil) async throws(PostgresError) {
    try await interruptibly { runScript(sql, deadline) }.get()
  }

  /// Ends the open transaction, if there is one, whether or not the task is cancelled.
  package func rollback() async throws(PostgresError) {
    guard standing.transaction != .none else { return }
    let limit = ContinuousClock.now.advanced(by: .seconds(5))
    let outcome = run([PipelineStep(Self.rollbackStatement)], limit, numbersSteps: false, heedsCancellation: false)
    settle(outcome)
    _ = try outcome.get()
  }

  /// Closes the connection; further calls fail with `.connection`.
  package func close() async { drop(because: nil) }
}

extension PostgresConnection {
  private static let rollbackStatement = Statement("rollback", "ROLLBACK")
  private static let closed = PostgresError(.connection, "the connection is closed")

  private func perform(
    _ steps: [PipelineStep], _ deadline: ContinuousClock.Instant?, numbersSteps: Bool
  ) async throws(PostgresError) -> [PostgresResult] {
    try await interruptibly {
      run(steps, deadline, numbersSteps: numbersSteps, heedsCancellation: true)
    }.get()
  }

  /// Runs `body` on the connection's thread; a cancelled task ends its wait.
  private func interruptibly<R>(_ body: () -> Result<R, PostgresError>) async -> Result<R, PostgresError> {
    await withTaskCancellationHandler {
      let outcome = body()
      settle(outcome)
      return outcome
    } onCancel: { [wake] in
      wake.signal()
    }
  }

  private func run(
    _ steps: [PipelineStep], _ deadline: ContinuousClock.Instant?, numbersSteps: Bool, heedsCancellation: Bool
  ) -> Result<[PostgresResult], PostgresError> {
    do throws(PostgresError) {
      let results = try link?.run(
        steps, until: deadline, numbersSteps: numbersSteps, heedsCancellation: heedsCancellation)
      return results.map { .success($0) } ?? .failure(Self.closed)
    } catch {
      return .failure(error)
    }
  }

  private func runScript(_ sql: String, _ deadline: ContinuousClock.Instant?) -> Result<Void, PostgresError> {
    guard link != nil else { return .failure(Self.closed) }
    do throws(PostgresError) {
      try link?.script(sql, until: deadline)
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  /// Takes note of how a call has left the connection.
  private func settle<R>(_ outcome: Result<R, PostgresError>) {
    if link?.isAlive == false { drop(because: outcome.error) } else { publish() }
  }

  private func drop(because error: PostgresError?) {
    if let error { logger.info("a PostgreSQL connection was dropped", metadata: ["error": "\(error)"]) }
    link = nil
    publish()
  }

  private func publish() {
    guard let status = link?.transactionStatus, let socket = link?.socket else {
      standing.set(.unknown, socket: -1)
      return
    }
    switch status {
    case PQTRANS_IDLE: standing.set(.none, socket: socket)
    case PQTRANS_INTRANS: standing.set(.open, socket: socket)
    case PQTRANS_INERROR: standing.set(.failed, socket: socket)
    default: standing.set(.unknown, socket: -1)
    }
  }
}

extension Result {
  fileprivate var error: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
