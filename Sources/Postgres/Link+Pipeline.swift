import CLibPQ

extension Link {
  /// Sends all steps at once and reads all answers. The connection is usable afterwards unless `isBroken`.
  ///
  /// - Parameters:
  ///   - numbersSteps: Whether errors name their step.
  ///   - heedsCancellation: Whether a cancelled task stops the call.
  mutating func run(
    _ steps: [PipelineStep], until deadline: ContinuousClock.Instant?, numbersSteps: Bool, heedsCancellation: Bool
  ) throws(PostgresError) -> [PostgresResult] {
    try begin(deadline, heedsCancellation)
    guard !steps.isEmpty else { return [] }
    let newlyPrepared = try check(steps)
    let blocks = try steps.enumerated().map { (index, step) throws(PostgresError) in
      do throws(PostgresError) { return try ParameterBlock(step.parameters) } catch {
        throw error.at(step: numbersSteps ? index : nil)
      }
    }
    var exchange = Exchange(steps, inTransaction: transactionStatus != PQTRANS_IDLE, numbersSteps: numbersSteps)
    var watch = Watch(exchange.policy, until: deadline, heedsCancellation: heedsCancellation)
    var cancel: CancelRequest?
    do throws(PostgresError) {
      try send(steps, blocks, newlyPrepared)
      try collect(steps, newlyPrepared, &exchange, &watch, &cancel)
    } catch {
      markBroken()
      return try exchange.outcome(lost: error).get()
    }
    settle(cancel)
    if exchange.failure?.sqlState == .featureNotSupported || exchange.failure?.sqlState == .invalidStatementName {
      // A prepared statement's tables have changed under it, or it is gone: only a new connection prepares it anew.
      markBroken()
    }
    return try exchange.outcome(interruption: watch.interruption, replicationWasCutShort: inbox.replicationWasCutShort).get()
  }

  /// Nothing has been sent: what fails here has surely done nothing.
  mutating func begin(_ deadline: ContinuousClock.Instant?, _ heedsCancellation: Bool) throws(PostgresError) {
    try absorbIdleInput()
    inbox.clear()
    if heedsCancellation, Task.isCancelled { throw PostgresError(.canceled, "before anything was sent") }
    if let deadline, deadline <= .now { throw PostgresError(.timeout, "the deadline had passed before anything was sent") }
  }

  /// - Returns: For each step, whether it must prepare its statement first.
  private func check(_ steps: [PipelineStep]) throws(PostgresError) -> [Bool] {
    var known = prepared
    return try steps.map { step throws(PostgresError) in
      let statement = step.statement
      guard let sql = known[statement.name] else {
        known[statement.name] = statement.sql
        return true
      }
      guard sql == statement.sql else {
        throw PostgresError(.protocol, "two statements share the name \(statement.name)")
      }
      return false
    }
  }

  private mutating func send(
    _ steps: [PipelineStep], _ blocks: [ParameterBlock], _ newlyPrepared: [Bool]
  ) throws(PostgresError) {
    for (index, step) in steps.enumerated() {
      let statement = step.statement
      if newlyPrepared[index], PQsendPrepare(raw, statement.name, statement.sql, 0, nil) == 0 { throw lost() }
      let sent = blocks[index].withArrays { count, values, lengths, formats in
        PQsendQueryPrepared(raw, statement.name, count, values, lengths, formats, 1)
      }
      guard sent == 1 else { throw lost() }
    }
    guard PQpipelineSync(raw) == 1 else { throw lost() }
  }

  private mutating func collect(
    _ steps: [PipelineStep], _ newlyPrepared: [Bool], _ exchange: inout Exchange, _ watch: inout Watch,
    _ cancel: inout CancelRequest?
  ) throws(PostgresError) {
    for (index, step) in steps.enumerated() {
      if newlyPrepared[index] {
        while let result = try nextResult(&watch, &cancel).map(ResultStorage.init) {
          if try judge(result, at: index, &exchange) { prepared[step.statement.name] = step.statement.sql }
        }
      }
      while let result = try nextResult(&watch, &cancel).map(ResultStorage.init) {
        guard try judge(result, at: index, &exchange) else { continue }
        if step.statement.effect == .commits, result.commandTag == "ROLLBACK" {
          let error = PostgresError(.server(.inFailedTransaction), "the transaction had failed and was rolled back")
          exchange.failed(error, at: index, fatal: false)
        } else {
          exchange.succeeded(PostgresResult(result, notices: inbox.take()))
        }
      }
    }
    // At most one `nil` stands between two results.
    var nils = 0
    while nils < 2 {
      guard let result = try nextResult(&watch, &cancel).map(ResultStorage.init) else {
        nils += 1
        continue
      }
      nils = 0
      if result.status == PGRES_PIPELINE_SYNC { return exchange.ended() }
      _ = try judge(result, at: steps.count, &exchange)
    }
    throw PostgresError(.protocol, "the round trip had no end")
  }

  /// - Returns: Whether the statement succeeded.
  /// - Throws: Where the connection must be given up.
  func judge(_ result: ResultStorage, at position: Int, _ exchange: inout Exchange) throws(PostgresError) -> Bool {
    switch result.status {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return true
    case PGRES_PIPELINE_ABORTED: return false
    case PGRES_FATAL_ERROR:
      guard let state = ResultField.sqlState.read(from: result.raw) else {
        throw PostgresError(.connection, "the connection was lost", serverMessage: libpqMessage)
      }
      let error = PostgresError(
        .server(SQLState(state)), serverMessage: ResultField.message.read(from: result.raw),
        constraint: ResultField.constraint.read(from: result.raw))
      let severity = ResultField.severity.read(from: result.raw)
      exchange.failed(error, at: position, fatal: severity != "ERROR")
      return false
    default:
      throw PostgresError(.protocol, "COPY is not for this interface")
    }
  }
}

extension ResultStorage {
  var status: ExecStatusType { PQresultStatus(raw) }
  var commandTag: String { PQcmdStatus(raw).map { String(cString: $0) } ?? "" }
}
