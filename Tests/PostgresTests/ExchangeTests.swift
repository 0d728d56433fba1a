import Testing

@testable import Postgres

/// What a lost connection says about the transaction, without a server.
struct ExchangeTests {
  private static func exchange(_ steps: String..., inTransaction: Bool = false) -> Exchange {
    Exchange(steps.map { PipelineStep(Statement($0, $0)) }, inTransaction: inTransaction, numbersSteps: true)
  }

  private static let cut = PostgresError(.connection, "cut")
  private static let refusal = PostgresError(.server(.uniqueViolation))
  private static let farewell = PostgresError(.server(.adminShutdown))

  private static func kind(_ outcome: Result<[PostgresResult], PostgresError>) -> PostgresError.Kind? {
    if case .failure(let error) = outcome { error.kind } else { nil }
  }

  @Test func `a cut with a COMMIT under way is indeterminate`() {
    #expect(Self.kind(Self.exchange("BEGIN", "INSERT", "COMMIT").outcome(lost: Self.cut)) == .indeterminate)
    #expect(Self.kind(Self.exchange("COMMIT", inTransaction: true).outcome(lost: Self.cut)) == .indeterminate)
    #expect(Self.kind(Self.exchange("END", inTransaction: true).outcome(lost: Self.cut)) == .indeterminate)
  }

  @Test func `a cut before any COMMIT was sent is a lost connection`() {
    #expect(Self.kind(Self.exchange("BEGIN", "INSERT").outcome(lost: Self.cut)) == .connection)
    #expect(Self.kind(Self.exchange("INSERT", inTransaction: true).outcome(lost: Self.cut)) == .connection)
    #expect(Self.kind(Self.exchange("SELECT 1").outcome(lost: Self.cut)) == .connection)
  }

  @Test func `a write outside a transaction commits by itself, and so a cut is indeterminate`() {
    #expect(Self.kind(Self.exchange("INSERT").outcome(lost: Self.cut)) == .indeterminate)
    #expect(Self.kind(Self.exchange("BEGIN", "ROLLBACK", "DELETE").outcome(lost: Self.cut)) == .indeterminate)
    #expect(Self.kind(Exchange(script: ()).outcome(lost: Self.cut)) == .indeterminate)
  }

  @Test func `a step refused before the COMMIT is a refusal, cut or no cut`() {
    var exchange = Self.exchange("BEGIN", "INSERT", "COMMIT")
    exchange.failed(Self.refusal, at: 1, fatal: false)
    #expect(Self.kind(exchange.outcome(lost: Self.cut)) == .server(.uniqueViolation))
    #expect(Self.kind(exchange.outcome(interruption: nil, replicationWasCutShort: false)) == .server(.uniqueViolation))
  }

  @Test func `a session ended before the COMMIT is definite, during it is not`() {
    var before = Self.exchange("BEGIN", "INSERT", "COMMIT")
    before.failed(Self.farewell, at: 1, fatal: true)
    #expect(Self.kind(before.outcome(lost: Self.cut)) == .server(.adminShutdown))
    var during = Self.exchange("BEGIN", "INSERT", "COMMIT")
    during.failed(Self.farewell, at: 2, fatal: true)
    #expect(Self.kind(during.outcome(lost: Self.cut)) == .indeterminate)
    var implicit = Self.exchange("INSERT")
    implicit.failed(Self.farewell, at: 1, fatal: true)
    #expect(Self.kind(implicit.outcome(lost: Self.cut)) == .indeterminate)
  }

  @Test func `a wait for a standby that was cut short is never a success`() {
    var exchange = Self.exchange("BEGIN", "COMMIT")
    exchange.ended()
    #expect(Self.kind(exchange.outcome(interruption: nil, replicationWasCutShort: true)) == .indeterminate)
    #expect(Self.kind(exchange.outcome(interruption: nil, replicationWasCutShort: false)) == nil)
  }

  @Test func `an interruption explains a cancelled statement, and no other error`() {
    var stopped = Self.exchange("SELECT 1")
    stopped.failed(PostgresError(.server(.queryCanceled)), at: 0, fatal: false)
    #expect(Self.kind(stopped.outcome(interruption: .timeout, replicationWasCutShort: false)) == .timeout)
    #expect(Self.kind(stopped.outcome(interruption: nil, replicationWasCutShort: false)) == .server(.queryCanceled))
    var refused = Self.exchange("SELECT 1")
    refused.failed(Self.refusal, at: 0, fatal: false)
    #expect(Self.kind(refused.outcome(interruption: .timeout, replicationWasCutShort: false)) == .server(.uniqueViolation))
  }

  @Test func `only a round trip without COMMIT may be cancelled on the server`() {
    #expect(Self.exchange("BEGIN", "INSERT", "COMMIT").policy == .awaitCommit)
    #expect(Self.exchange("BEGIN", "INSERT").policy == .cancelStatement)
    #expect(Exchange(script: ()).policy == .cancelStatement)
  }
}

struct WatchTests {
  private let start = ContinuousClock.now

  @Test func `a deadline first asks the server to stop, then gives up after the grace`() {
    var watch = Watch(.cancelStatement, until: start, heedsCancellation: true)
    #expect(watch.deadlinePassed(now: start) == .requestCancel)
    #expect(watch.interruption == .timeout)
    #expect(watch.until == start + Watch.cancelInterval)
    #expect(watch.taskCancelled(now: start) == .ignore)
    #expect(watch.deadlinePassed(now: start + Watch.cancelInterval) == .requestCancel)
    #expect(watch.deadlinePassed(now: start + Watch.grace - .milliseconds(1)) == .requestCancel)
    #expect(watch.until == start + Watch.grace)
    #expect(watch.deadlinePassed(now: start + Watch.grace) == .abandon)
  }

  @Test func `a commit is never cancelled`() {
    var late = Watch(.awaitCommit, until: start, heedsCancellation: true)
    #expect(late.deadlinePassed(now: start) == .abandon)
    #expect(late.interruption == .timeout)
    var cancelled = Watch(.awaitCommit, until: nil, heedsCancellation: true)
    #expect(cancelled.taskCancelled(now: start) == .ignore)
    #expect(cancelled.until == start + Watch.grace)
    #expect(cancelled.deadlinePassed(now: start + Watch.grace) == .abandon)
    #expect(cancelled.interruption == .canceled)
  }

  @Test func `a nearer deadline counts for a cancelled task's commit`() {
    let deadline = start + .milliseconds(10)
    var watch = Watch(.awaitCommit, until: deadline, heedsCancellation: true)
    _ = watch.taskCancelled(now: start)
    #expect(watch.until == deadline)
  }

  @Test func `a rollback does not heed a cancelled task`() {
    var watch = Watch(.cancelStatement, until: nil, heedsCancellation: false)
    #expect(watch.taskCancelled(now: start) == .ignore)
    #expect(watch.interruption == nil)
  }
}
