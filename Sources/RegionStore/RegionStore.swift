import Cryptography
package import Directory
package import Logging
package import Postgres
package import Residency
import Synchronization

/// One region's strongly consistent store: its subjects' records, its copy of the directory, its audit log.
///
/// Everything that concerns a subject goes through ``commit(_:)``: read, decided, recorded and written in one transaction.
package final class RegionStore: Sendable {
  let region: RegionDescriptor
  /// For the committer alone: nobody else's waiting delays it.
  private let committerPool: PostgresPool
  private let pool: PostgresPool
  private let keysPool: PostgresPool
  private let watchPool: PostgresPool
  private let committer: GroupCommitter
  let logger: Logger
  /// How many standbys must have a commit before its outcome is told.
  private let required: ConfirmationsRequired
  private let positions = PrimaryPositions()
  let verification: CommitVerification
  private let watch: ClusterWatch
  private let standbys: StandbyReader
  let keys: KeyVault
  let kek: KeyEncryptionKey
  /// After which a silent PostgreSQL counts as lost.
  let silenceMax: Duration
  let directoryHash: KeyedHash
  package let directoryCache: DirectoryCache
  /// What batches were checked against last.
  let checkingBasis = Mutex<(own: LogID, cuts: Set<LogCut>)?>(nil)

  /// Opens the region's two databases, brings their schemas up to date and makes sure that they are this region's.
  /// - Parameters:
  ///   - digestKey: under which all regions count the directory, so that their copies can be compared: 32 bytes.
  ///   - onAppend: told how far this region's directory log reaches, after each commit that made it longer.
  /// - Throws: ``StoreError``.
  package init(
    region: RegionDescriptor, database: PostgresConfiguration, keyDatabase: PostgresConfiguration, kek: KeyEncryptionKey,
    digestKey: [UInt8], limits: GroupCommitter.Limits = .init(), logger: Logger,
    onAppend: @escaping @Sendable (LogPosition) -> Void = { _ in }
  ) async throws {
    self.region = region
    self.logger = logger
    let hmac = HMACSHA256.Keyed(key: digestKey)
    directoryHash = { hmac.code(for: $0) }
    let directoryCache = DirectoryCache(limits.directory)
    self.directoryCache = directoryCache
    let order = ServerOrder()
    let (database, keyDatabase) = (database.with(order: order), keyDatabase.with(order: order))
    committerPool = PostgresPool(
      configuration: database.with(sessionSettings: Self.committerSettings), size: limits.lanes, logger: logger)
    pool = PostgresPool(configuration: database.with(sessionSettings: Self.readerSettings), size: 3, logger: logger)
    silenceMax = limits.silenceMax
    keysPool = PostgresPool(configuration: keyDatabase, size: 2, logger: logger)
    required = ConfirmationsRequired(limits.confirmations)
    watchPool = PostgresPool(configuration: database.with(sessionSettings: Self.readerSettings), size: 1, logger: logger)
    watch = ClusterWatch(
      pool: pool, ownPool: watchPool, order: order, required: required, positions: positions, grace: limits.stalledGrace,
      silenceMax: limits.silenceMax, logger: logger)
    self.kek = kek
    let keys = KeyVault(pool: keysPool, kek: kek, silenceMax: limits.silenceMax, cachedMax: limits.keysCachedMax)
    self.keys = keys
    let standbyPool = database.ofStandbys.map {
      PostgresPool(configuration: $0.with(sessionSettings: Self.committerSettings), size: 4, logger: logger)
    }
    standbys = StandbyReader(pool: standbyPool, keys: keys, positions: positions, patience: limits.standbyPatience)
    verification = CommitVerification(required: required, positions: positions, silenceMax: limits.silenceMax)
    let batches = BatchRunner(
      pool: committerPool, keys: keys, origin: region.ordinal, directoryHash: directoryHash, silenceMax: limits.silenceMax,
      verification: verification, logger: logger,
      onAppend: { records in
        guard let first = records.first, let last = records.last else { return }
        directoryCache.followed(
          first.position.log, from: first.position.seq, to: last.position.seq, tags: records.compactMap(\.entry.tag))
        onAppend(last.position)
      })
    committer = GroupCommitter(batches: batches, limits: limits, logger: logger)
    do {
      try await prepare(logger)
      try await countDirectory(under: HMACSHA256.code(for: Array("domicile directory digest key".utf8), key: digestKey))
    } catch {
      await closeConnections()
      throw error
    }
  }

  /// Commits an operation together with whatever else is waiting, and gives its outcome once it is durable.
  /// - Throws: ``StoreError``, or what the operation's own decision threw.
  package func commit<Outcome: Sendable>(_ operation: Operation<Outcome>) async throws -> Committed<Outcome> {
    try watch.check(operation.concern)
    return try await answered(operation)
  }

  private func answered<Outcome: Sendable>(_ operation: Operation<Outcome>) async throws -> Committed<Outcome> {
    let committed = try await committer.commit(operation)
    watch.heard()
    return committed
  }

  /// Commits an operation whose records come from where `preference` says. Everything else that it decides on, and the record that it
  /// leaves, is of the primary.
  ///
  /// - Parameter operation: One that changes nothing.
  /// - Throws: as ``commit(_:)``, and `StoreError` of the standbys.
  package func commit<Outcome: Sendable>(
    _ operation: Operation<Outcome>, reading preference: ReadPreference
  ) async throws -> Committed<Outcome> {
    if preference == .linearizable { return try await commit(operation) }
    try watch.check(operation.concern)
    let found: Result<StandbyReader.Found, StoreError>
    do {
      found = .success(
        try await standbys.read(operation.needs, as: preference, deadline: operation.deadline) { try await self.watch.look() })
    } catch let error as StoreError {
      // It may be about nobody at home here: then it is another region's to say.
      found = .failure(error)
    }
    return try await answered(operation.reading(found))
  }

  /// Serves ``commit(_:)`` until ``stop()``, then finishes what is waiting and closes the connections.
  package func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.watch.run() }
      group.addTask { await self.followLogs() }
      await committer.run()
      group.cancelAll()
    }
    await closeConnections()
  }

  private func closeConnections() async {
    await committerPool.shutdown()
    await pool.shutdown()
    await keysPool.shutdown()
    await watchPool.shutdown()
    await standbys.pool?.shutdown()
  }

  package func stop() async { committer.stop() }

  /// Whether PostgreSQL answers now.
  package func isReady() async -> Bool {
    guard !watch.isSilent else { return false }
    do {
      _ = try await auditSize()
      return true
    } catch {
      return false
    }
  }

  /// Runs `body` on a connection of its own, beside the committer: nothing that concerns a subject's data.
  func reading<R: Sendable>(
    _ body: @Sendable (PostgresConnection, _ deadline: ContinuousClock.Instant) async throws -> R
  ) async throws(StoreError) -> R {
    let deadline = ContinuousClock.now + silenceMax
    do {
      return try await pool.withConnection { try await body($0, deadline) }
    } catch let error as StoreError {
      throw error
    } catch let error as PostgresError {
      throw StoreError(error)
    } catch is CancellationError {
      throw .canceled
    } catch {
      throw .unavailable
    }
  }
}

extension RegionStore {
  /// Everything that the committer reads, it finds by key. Planned once for each connection, whatever the statistics of a table that was
  /// empty a minute ago: planning anew costs more than reading.
  private static let committerSettings = [
    "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
    "enable_bitmapscan": "off", "jit": "off",
  ]

  /// Before a table's first statistics its reads look expensive enough to be compiled, which takes a hundred times as long as reading.
  private static let readerSettings = ["jit": "off"]

  private func prepare(_ logger: Logger) async throws {
    let region = self.region
    try await Self.typed {
      try await self.keysPool.withConnection { connection in
        try await Migrator.keys.run(on: connection, logger: logger)
        _ = try await connection.execute(Self.claimKeys, [.text(region.id.rawValue)])
        let found = try await connection.execute(Self.readKeysIdentity, []).rows.first?.text(0)
        guard found == region.id.rawValue else {
          throw StoreError.foreignDatabase(expected: "the keys of \(region.id)", found: "the keys of \(found ?? "nobody")")
        }
      }
      try await self.pool.withConnection { connection in
        try await Migrator.region.run(on: connection, logger: logger)
        try await Self.claim(connection, for: region)
        try await self.noteDurability(connection)
      }
    }
  }

  private func noteDurability(_ connection: PostgresConnection) async throws {
    guard let row = try await connection.execute(ClusterState.read, []).rows.first else {
      throw StoreError.corrupt(what: "the cluster's state")
    }
    let state = try ClusterState(row)
    for gap in state.gaps(requiring: required.current) {
      logger.warning(
        "the cluster does not keep what the region requires, and is refused until it does", metadata: ["gap": "\(gap)"])
    }
    required.raise(to: state.durability.confirmations)
  }

  /// A data directory that was copied or restored elsewhere is another cluster: refused, since its history may not be the
  /// newest one.
  private static func claim(_ connection: PostgresConnection, for region: RegionDescriptor) async throws {
    let start = ChainHash.start(of: LogID(origin: region.ordinal, incarnation: .first), digest: { SHA256.hash($0) })
    _ = try await connection.execute(
      claimRegion, [.text(region.id.rawValue), .int32(Int32(region.ordinal.rawValue))])
    _ = try await connection.execute(claimHead, [.bytes(start.bytes)])
    guard let row = try await connection.execute(readIdentity, []).rows.first else {
      throw StoreError.corrupt(what: "the region's identity")
    }
    let expected = "\(region.id) (ordinal \(region.ordinal), this cluster)"
    let cluster = try row.bool(2) ? "this cluster" : "another cluster"
    guard try row.text(0) == region.id.rawValue, try row.int32(1) == Int32(region.ordinal.rawValue), try row.bool(2) else {
      throw StoreError.foreignDatabase(expected: expected, found: "\(try row.text(0)) (ordinal \(try row.int32(1)), \(cluster))")
    }
  }

  private static func typed(_ body: () async throws -> Void) async throws(StoreError) {
    do {
      try await body()
    } catch let error as StoreError {
      throw error
    } catch let error as PostgresError {
      throw StoreError(error)
    } catch {
      throw .unavailable
    }
  }

  /// Where another coordinator claims at this moment, this waits for it and does nothing. Who has claimed is read by a statement of its
  /// own: the snapshot of this one is older than the other's commit.
  private static let claimKeys = Statement(
    "claim_keys", "INSERT INTO key_identity (region) VALUES ($1::text) ON CONFLICT DO NOTHING")
  private static let readKeysIdentity = Statement("read_keys_identity", "SELECT region FROM key_identity")
  private static let claimRegion = Statement(
    "claim_region",
    """
    INSERT INTO region_identity (region, ordinal, system_identifier)
    SELECT $1::text, $2::integer, system_identifier FROM pg_control_system() ON CONFLICT DO NOTHING
    """)
  private static let claimHead = Statement(
    "claim_head",
    """
    INSERT INTO head (audit_size, directory_seq, directory_chain, incarnation) VALUES (0, 0, $1::bytea, 1) ON CONFLICT DO NOTHING
    """)
  private static let readIdentity = Statement(
    "read_identity",
    """
    SELECT i.region, i.ordinal, i.system_identifier = c.system_identifier FROM region_identity i, pg_control_system() c
    """)
}
