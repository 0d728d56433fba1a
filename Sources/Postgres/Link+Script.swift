import CLibPQ

extension Link {
  /// Runs several statements in the simple protocol. Not to be cancelled: it may commit anywhere.
  mutating func script(_ sql: String, until deadline: ContinuousClock.Instant?) throws(PostgresError) {
    try begin(deadline, true)
    guard PQexitPipelineMode(raw) == 1 else { throw lost() }
    var exchange = Exchange(script: ())
    var watch = Watch(.awaitCommit, until: deadline, heedsCancellation: true)
    var cancel: CancelRequest?
    do throws(PostgresError) {
      guard PQsendQuery(raw, sql) == 1 else { throw lost() }
      while let result = try nextResult(&watch, &cancel).map(ResultStorage.init) {
        _ = try judge(result, at: 0, &exchange)
        if isBroken { throw lost() }
      }
      exchange.ended()
      guard PQenterPipelineMode(raw) == 1 else { throw lost() }
    } catch {
      markBroken()
      _ = try exchange.outcome(lost: error).get()
      throw error
    }
    _ = try exchange.outcome(interruption: nil, replicationWasCutShort: inbox.replicationWasCutShort).get()
  }
}
