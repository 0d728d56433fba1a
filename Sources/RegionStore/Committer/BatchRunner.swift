import Cryptography
import Directory
import Logging
import Postgres
import Residency

/// One batch, one transaction: read all facts, let every operation decide, write all effects, commit.
///
/// Reads come before the commit of the leaves that speak of them, on the same connection: because that commit needs the
/// synchronous quorum, a primary that was cut off or deposed releases nothing.
struct BatchRunner: Sendable {
  typealias Completions = [Result<PendingOperation.Completion, any Error>]

  let pool: PostgresPool
  let keys: KeyVault
  let origin: RegionOrdinal
  let directoryHash: KeyedHash
  let silenceMax: Duration
  let verification: CommitVerification
  let logger: Logger
  /// Told of what this region's log has grown by, before anybody else is.
  let onAppend: @Sendable ([LogRecord]) -> Void

  /// A batch that lost a race with another coordinator is read and decided again, this often.
  private static let attemptsMax = 4

  /// - Returns: one result for each operation, in order.
  /// - Throws: `StoreError` where the batch as a whole did not commit.
  func run(_ batch: [PendingOperation]) async throws -> Completions {
    for attempt in 1... {
      do {
        return try await pool.withConnection { try await attemptOnce(batch, on: $0) }
      } catch let error as PostgresError {
        logger.warning("batch failed", metadata: ["error": "\(error)", "server": "\(error.serverMessage ?? "-")"])
        let lostRace = error.isUniqueViolation || error.isSerializationFailure
        guard lostRace, attempt < Self.attemptsMax else { throw StoreError(error) }
      } catch is LostRace where attempt < Self.attemptsMax {
        continue
      } catch let error as StoreError {
        throw error
      } catch {
        logger.error("batch failed", metadata: ["error": "\(error)"])
        throw StoreError.unavailable
      }
    }
    throw StoreError.unavailable
  }

  private func attemptOnce(_ batch: [PendingOperation], on connection: PostgresConnection) async throws -> Completions {
    let needs = batch.map(\.needs)
    let newcomers = needs.filter(\.createsKeys).flatMap(\.subjects)
    var newKeys: [SubjectTag: SubjectKeys] = [:]
    if !newcomers.isEmpty {
      // Where the key database is away, only who needs new keys fails: the facts will lack them.
      do { newKeys = try await keys.create(for: newcomers) } catch {
        logger.error("no keys could be made for new subjects", metadata: ["error": "\(error)"])
      }
    }

    // Who asked for less gets what the others of its batch asked for.
    let concern = batch.map(\.concern).max() ?? .standard
    let reading = FactsReading(needs, concern: concern)
    let answers = try await answers(to: reading.steps, on: connection)
    do {
      let facts = try await reading.facts(from: answers, keys: keys, newKeys: newKeys)
      let decided = decide(batch, on: facts)
      guard decided.contains(where: { !$0.effects.isEmpty }) else {
        _ = try await connection.execute(.rollback, [])
        return decided.map { decision in decision.outcome.map { .init(outcome: $0, receipts: [], entries: [], standing: nil) } }
      }
      return try await write(decided, facts: facts, concern: concern, on: connection)
    } catch {
      if await connection.isUsable { _ = try? await connection.execute(.rollback, []) }
      throw error
    }
  }

  /// A server that does not come to an end with a read may be one whose commits do not end: another connection may find another.
  private func answers(to steps: [PipelineStep], on connection: PostgresConnection) async throws -> [PostgresResult] {
    do {
      return try await connection.pipeline(steps, deadline: .now + silenceMax)
    } catch let error where error.kind == .timeout {
      await connection.close()
      throw error
    }
  }

  private struct Decided {
    let outcome: Result<any Sendable, any Error>
    let effects: Effects
  }

  /// One after the other: who decides later counts the people whose data earlier ones let go.
  private func decide(_ batch: [PendingOperation], on read: Facts) -> [Decided] {
    var facts = read
    return batch.map { pending in
      var effects = Effects(now: pending.now)
      do {
        guard facts.unreadable.isDisjoint(with: pending.needs.subjects) else {
          throw StoreError.corrupt(what: "a subject's data")
        }
        let hasKeys = pending.needs.subjects.allSatisfy { facts.keys[$0] != nil }
        guard hasKeys || !pending.needs.createsKeys else { throw StoreError.unavailable }
        let outcome = try pending.decide(facts, &effects)
        facts.count(effects.transfers)
        return Decided(outcome: .success(outcome), effects: effects)
      } catch {
        // What failed leaves nothing behind: its effects are dropped, the batch goes on.
        return Decided(outcome: .failure(error), effects: Effects(now: pending.now))
      }
    }
  }

  private func write(
    _ batch: [Decided], facts: Facts, concern: WriteConcern, on connection: PostgresConnection
  ) async throws -> Completions {
    var writing = EffectsWriting(hash: directoryHash, kek: keys.kek)
    var nonces = AESGCM.Nonces(count: batch.reduce(0) { $0 + $1.effects.leaves.count + $1.effects.records.count })
    let decided = batch.map { decision in
      do {
        try writing.add(decision.effects, keys: facts.keys, nonces: &nonces)
        return decision
      } catch {
        // What cannot be recorded does not happen; the rest of the batch does.
        logger.error("an operation's effects cannot be written", metadata: ["error": "\(error)"])
        let failure = error as? StoreError ?? .unrecordable
        return Decided(outcome: .failure(failure), effects: Effects(now: decision.effects.now))
      }
    }
    let entries = decided.flatMap(\.effects.entries)
    if let counting = TransferCounting(decided.flatMap(\.effects.transfers), decidedOn: facts.transfers) {
      // The directory before what is counted, the head after it: everybody locks in that order.
      let opening = entries.isEmpty ? [] : [PipelineStep(.lockDirectory, [])]
      let results = try await connection.pipeline(opening + counting.steps, deadline: .now + silenceMax)
      try counting.check(Array(results.dropFirst(opening.count)))
    }
    if !entries.isEmpty {
      // The chain runs through every entry, so its head is read under its lock before they are placed. Only batches with
      // registrations or moves pay this round trip.
      let appending = DirectoryAppending(entries: entries, origin: origin, decidedOn: facts)
      let results = try await connection.pipeline(appending.steps, deadline: .now + silenceMax)
      writing.append(try appending.placed(from: results))
      if !writing.openingSteps.isEmpty {
        logger.critical(
          "another region knows entries of this region's log that are not here: it was restored from a backup. It begins a new incarnation"
        )
        _ = try await connection.pipeline(writing.openingSteps, deadline: .now + silenceMax)
      }
    }
    let (results, standing) = try await verification.commit(writing.steps, concern: concern, on: connection)
    onAppend(writing.directoryRecords)
    let first = try writing.firstLeafIndex(from: results)
    let receipts = writing.leaves.enumerated().map { LeafReceipt(index: first + UInt64($0.offset), hash: $0.element.hash) }
    var (receiptsLeft, entriesLeft) = (receipts[...], writing.directoryRecords.map(\.position)[...])
    return decided.map { decision in
      let receipts = Array(receiptsLeft.prefix(decision.effects.leaves.count))
      receiptsLeft = receiptsLeft.dropFirst(receipts.count)
      let entries = Array(entriesLeft.prefix(decision.effects.entries.count))
      entriesLeft = entriesLeft.dropFirst(entries.count)
      return decision.outcome.map { .init(outcome: $0, receipts: receipts, entries: entries, standing: standing) }
    }
  }
}

/// Another coordinator, or a peer's log, changed what a batch decided on. It is read and decided again.
struct LostRace: Error {}

extension Statement {
  static let begin = Statement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED")
  static let commit = Statement("commit", "COMMIT")
  static let rollback = Statement("rollback", "ROLLBACK")
  /// Any role may have switched it off for its session or database: set in every transaction.
  static let waitForQuorum = Statement("wait_for_quorum", "SET LOCAL synchronous_commit = on")
}

extension StoreError {
  init(_ error: PostgresError) {
    switch error.kind {
    case .indeterminate: self = .indeterminate
    case .server(let state) where !error.isConnectionLoss: self = .refused(sqlState: "\(state)")
    case .decoding: self = .corrupt(what: "a row")
    default: self = .unavailable
    }
  }
}
