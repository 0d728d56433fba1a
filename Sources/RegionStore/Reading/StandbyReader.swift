import Postgres
import Residency

/// Reads records on a standby that is as far as the caller asks, waiting a little for it where it is not.
struct StandbyReader: Sendable {
  /// Of connections to standbys; `nil` where the region's connection string names a single server.
  let pool: PostgresPool?
  let keys: KeyVault
  let positions: PrimaryPositions
  /// After which a standby that is behind, or silent, is given up.
  let patience: Duration

  /// What a standby showed.
  struct Found: Sendable {
    let facts: Facts
    let point: ReadPoint
  }

  /// Between two looks at a standby that is behind.
  private static let pause = Duration.milliseconds(3)

  /// - Parameters:
  ///   - needs: Of which records and pages are read.
  ///   - askPrimary: Notes where the primary's log stands now.
  /// - Throws: ``StoreError``: `noStandby`, `standbyBehind`, `historyLost` where the token stands for what no standby will ever have.
  func read(
    _ needs: FactsNeeded, as preference: ReadPreference, deadline: ContinuousClock.Instant?,
    askPrimary: @Sendable () async throws -> Void
  ) async throws -> Found {
    guard let pool else { throw StoreError.noStandby }
    let now = ContinuousClock.now
    let limit = min(now + patience, deadline ?? now + patience)
    let reading = FactsReading([FactsNeeded(subjects: [], records: needs.records, pages: needs.pages)])
    do {
      return try await pool.withConnection { connection in
        while true {
          if let seen = try await look(on: connection, reading),
            let point = try point(from: seen.before, to: seen.after, as: preference)
          {
            let keys = try await keys.keys(for: reading.tagsOfRecords)
            var facts = Facts()
            facts.unreadable = keys.unreadable
            try reading.add(seen.rows, to: &facts, keys: keys.keys)
            return Found(facts: facts, point: point)
          }
          guard ContinuousClock.now + Self.pause < limit else { throw StoreError.standbyBehind }
          if case .replica = preference { try await askPrimary() }
          try await Task.sleep(for: Self.pause)
        }
      }
    } catch let error as PostgresError {
      throw error.isConnectionLoss || error.kind == .timeout ? StoreError.noStandby : StoreError(error)
    } catch is CancellationError {
      throw StoreError.canceled
    }
  }

  /// What a standby shows, and how far it was before and after that.
  private struct Look {
    let before: StandbyState
    let rows: [PostgresRow]
    let after: StandbyState
  }

  /// - Returns: `nil` where the standby has not even come to where the tables were made.
  private func look(
    on connection: PostgresConnection, _ reading: FactsReading
  ) async throws -> Look? {
    let steps = [PipelineStep(StandbyState.read, []), reading.factsStep, PipelineStep(StandbyState.read, [])]
    do {
      let results = try await connection.pipeline(steps, deadline: .now + patience)
      if let before = try results[0].rows.first.flatMap(StandbyState.init),
        let after = try results[2].rows.first.flatMap(StandbyState.init)
      {
        return Look(before: before, rows: results[1].rows, after: after)
      }
    } catch let error as PostgresError where error.sqlState == .undefinedTable {
      return nil
    }
    // It was promoted: the next connection finds another.
    await connection.close()
    throw StoreError.noStandby
  }

  /// - Returns: `nil` for a standby that is not far enough yet.
  private func point(
    from before: StandbyState, to after: StandbyState, as preference: ReadPreference
  ) throws(StoreError) -> ReadPoint? {
    switch preference {
    case .linearizable: return nil
    case .session(let token):
      let history = token.mark.history
      guard history.systemIdentifier == before.history.systemIdentifier else { throw .historyLost }
      if !token.isDurable, before.history.timeline > history.timeline { throw .historyLost }
      return before.covers(token.mark) ? .session(seen: after.mark) : nil
    case .replica(let maxStaleness):
      guard let instant = positions.lastSeen(by: before) else { return nil }
      let staleness = ContinuousClock.now - instant
      return staleness <= maxStaleness ? .replica(seen: after.mark, staleness: staleness) : nil
    }
  }
}
