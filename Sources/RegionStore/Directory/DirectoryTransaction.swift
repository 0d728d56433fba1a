import Cryptography
import Directory
import Postgres
import Residency

/// One transaction that changes the directory otherwise than by an operation of this region: under the directory's lock, with all that
/// decides it read first.
struct DirectoryTransaction {
  let connection: PostgresConnection
  let deadline: ContinuousClock.Instant
  let hash: KeyedHash
  let region: RegionOrdinal

  /// What is read once the lock is held.
  struct State {
    var own: LogID
    var head: AppliedHead
    var load: SnapshotLoad?
    var loadAge: Duration
    var cuts: Set<LogCut>
    var doubtful: Set<LogCut>
    var floors: FloorLedger
  }

  static func digest(_ bytes: [UInt8]) -> [UInt8] { SHA256.hash(bytes) }

  /// Steps to begin with; ``state(from:)`` reads the answers.
  static let opening = [
    PipelineStep(.begin, []), PipelineStep(.waitForQuorum, []), PipelineStep(.lockDirectory, []),
    PipelineStep(.readDirectoryState, []), PipelineStep(.readCuts, []), PipelineStep(.readPendingFloors, []),
  ]

  func state(from results: [PostgresResult]) throws -> State {
    guard results.count >= 6, let row = results[3].rows.first, let chain = ChainHash(try row.bytes(2)) else {
      throw StoreError.corrupt(what: "the directory's state")
    }
    let own = LogID(origin: region, incarnation: Incarnation(UInt32(bitPattern: try row.int32(0))))
    var load: SnapshotLoad?
    if let basis = try row.optionalBytes(6), let peer = RegionOrdinal(Int(try row.int32(5))) {
      load = SnapshotLoad(peer: peer, basis: try SnapshotBasis(decoding: basis))
    }
    var state = State(
      own: own, head: AppliedHead(seq: try row.uint64(1), chain: chain), load: load,
      loadAge: .milliseconds(try row.int64(7)), cuts: [], doubtful: [], floors: try Self.floors(row, pending: results[5].rows))
    for row in results[4].rows {
      guard let chain = ChainHash(try row.bytes(3)) else { throw StoreError.corrupt(what: "the directory's state") }
      let cut = LogCut(first: try RegionStore.position(row), chain: chain)
      state.cuts.insert(cut)
      if try row.bool(4) { state.doubtful.insert(cut) }
    }
    return state
  }

  /// - Parameters:
  ///   - row: what `readDirectoryState` answers.
  ///   - rows: what `readPendingFloors` answers.
  static func floors(_ row: PostgresRow, pending rows: [PostgresRow]) throws -> FloorLedger {
    var pending: [LogPosition: TombstoneFloor] = [:]
    for row in rows {
      let position = try RegionStore.position(row)
      pending[position] = try TombstoneFloor(decoding: try row.bytes(3), origin: position.origin)
    }
    return FloorLedger(
      pending: pending, reached: try VersionVector(decoding: try row.bytes(3)),
      forgotten: try VersionVector(decoding: try row.bytes(4)))
  }

  func run(_ steps: [PipelineStep]) async throws -> [PostgresResult] {
    try await connection.pipeline(steps, deadline: deadline)
  }

  func sets(of tags: some Collection<SubjectTag>) async throws -> [SubjectTag: PlacementSet] {
    guard !tags.isEmpty else { return [:] }
    let result = try await connection.execute(PlacementRow.read, [.uuidArray(tags.map(\.bytes))], deadline: deadline)
    return try PlacementRow.sets(result.rows)
  }

  func documents(of ids: Set<DocumentID>) async throws -> [DocumentID: DocumentSet] {
    guard !ids.isEmpty else { return [:] }
    return try DocumentRow.sets(try await run([DocumentRow.read(ids)])[0].rows)
  }

  /// The region's own log, which nobody else appends to before this transaction ends.
  func lockLog(_ own: LogID) async throws -> OwnLog {
    guard let row = try await run([PipelineStep(.lockHead, [])])[0].rows.first else { throw StoreError.corrupt(what: "the head") }
    return OwnLog(own, head: try Self.head(row), digest: Self.digest)
  }

  /// - Parameter row: what `lockHead` answers.
  static func head(_ row: PostgresRow) throws -> AppliedHead {
    guard let chain = ChainHash(try row.bytes(1)) else { throw StoreError.corrupt(what: "the head") }
    return AppliedHead(seq: try row.uint64(0), chain: chain)
  }

  /// Whether a tombstone that this region wrote after a place is still held.
  func holdsTombstone(after position: LogPosition) async throws -> Bool {
    let last = LogPosition(log: position.log, seq: UInt64(Int64.max))
    let result = try await connection.execute(
      .hasTombstoneBetween, [.bytes(position.encoded), .bytes(last.encoded)], deadline: deadline)
    return try result.rows.first?.bool(0) ?? false
  }

  /// Carries out the floors that are due now that `vector` is held.
  func forget(_ floors: inout FloorLedger, heldNow vector: VersionVector, before: FloorLedger) async throws {
    let members = try await RegionStore.memberVectors(on: connection, deadline: deadline)
    let isMore = floors.advance(to: vector, members: members.values)
    if isMore || floors.forgotten != before.forgotten {
      let tombstones = try await connection.execute(.readTombstones, [], deadline: deadline)
      let tags = try tombstones.rows.map { row in
        guard let tag = SubjectTag(try row.uuid(0)) else { throw StoreError.corrupt(what: "a tag") }
        return tag
      }
      let changes = floors.changes(current: try await sets(of: tags))
      _ = try await run(PlacementRow.write(changes, hash: hash))
    }
    if floors != before { _ = try await run(Self.write(floors)) }
  }

  static func write(_ floors: FloorLedger) -> [PipelineStep] {
    let pending = floors.pending.sorted { $0.key < $1.key }
    return [
      PipelineStep(.clearPendingFloors, []),
      PipelineStep(
        .insertPendingFloors,
        [
          .int32Array(pending.map { Int32($0.key.origin.rawValue) }),
          .int32Array(pending.map { Int32(bitPattern: $0.key.incarnation.rawValue) }),
          .int64Array(pending.map { Int64(bitPattern: $0.key.seq) }), .bytesArray(pending.map(\.value.encoded)),
        ]),
      PipelineStep(.writeFloorVectors, [.bytes(floors.reached.encoded), .bytes(floors.forgotten.encoded)]),
    ]
  }

  static func note(_ cuts: some Collection<LogCut>, doubtful: Bool) -> [PipelineStep] {
    guard !cuts.isEmpty else { return [] }
    return [
      PipelineStep(
        .insertCuts,
        [
          .int32Array(cuts.map { Int32($0.first.origin.rawValue) }),
          .int32Array(cuts.map { Int32(bitPattern: $0.first.incarnation.rawValue) }),
          .int64Array(cuts.map { Int64(bitPattern: $0.first.seq) }), .bytesArray(cuts.map(\.chain.bytes)), .bool(doubtful),
        ])
    ]
  }

  static func advance(_ log: LogID, to head: AppliedHead) -> PipelineStep {
    PipelineStep(
      .upsertApplied, RegionStore.parameters(of: log) + [.int64(Int64(bitPattern: head.seq)), .bytes(head.chain.bytes)])
  }

  static func setStart(_ log: LogID, to start: AppliedHead) -> PipelineStep {
    PipelineStep(
      .upsertStart, RegionStore.parameters(of: log) + [.int64(Int64(bitPattern: start.seq)), .bytes(start.chain.bytes)])
  }
}

extension RegionStore {
  /// Runs `body` in a transaction under the directory's lock. It commits where `body` says so, and then the standbys have it, and all that
  /// was read.
  /// - Parameter concern: how durable it has to be.
  func directoryTransaction<R: Sendable>(
    reading steps: [PipelineStep] = [], concern: WriteConcern = .standard,
    _ body:
      @Sendable (DirectoryTransaction, inout DirectoryTransaction.State, ArraySlice<PostgresResult>) async throws -> (
        commits: Bool, R
      )
  ) async throws(StoreError) -> R {
    try await reading { connection, deadline in
      let transaction = DirectoryTransaction(
        connection: connection, deadline: deadline, hash: self.directoryHash, region: self.region.ordinal)
      do {
        let results = try await connection.pipeline(DirectoryTransaction.opening + steps, deadline: deadline)
        var state = try transaction.state(from: results)
        let (commits, outcome) = try await body(transaction, &state, results.dropFirst(DirectoryTransaction.opening.count))
        guard commits else {
          _ = try await connection.execute(.rollback, [], deadline: deadline)
          return outcome
        }
        _ = try await self.verification.commit([PipelineStep(.commit, [])], concern: concern, on: connection)
        return outcome
      } catch {
        if await connection.isUsable { _ = try? await connection.execute(.rollback, []) }
        throw error
      }
    }
  }

  static func memberVectors(
    on connection: PostgresConnection, deadline: ContinuousClock.Instant
  ) async throws -> [RegionOrdinal: VersionVector] {
    let result = try await connection.execute(.readMemberVectors, [], deadline: deadline)
    var vectors: [RegionOrdinal: VersionVector] = [:]
    for row in result.rows {
      guard let peer = RegionOrdinal(Int(try row.int32(3))) else { continue }
      vectors[peer, default: VersionVector()].advance(to: try position(row))
    }
    return vectors
  }
}

extension Statement {
  static let readDirectoryState = Statement(
    "read_directory_state",
    """
    SELECT h.incarnation, h.directory_seq, h.directory_chain, s.reached, s.forgotten, l.peer, l.basis,
           coalesce((extract(epoch FROM clock_timestamp() - l.stored_at) * 1000)::bigint, 0)
      FROM head h, directory_state s LEFT JOIN snapshot_load l ON true
    """)
  static let readCuts = Statement("read_cuts", "SELECT origin, incarnation, seq, chain, doubtful FROM log_cut")
  static let insertCuts = Statement(
    "insert_cuts",
    """
    INSERT INTO log_cut (origin, incarnation, seq, chain, doubtful)
    SELECT t.*, $5::boolean FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bytea[]) AS t ON CONFLICT DO NOTHING
    """)
  static let readPendingFloors = Statement("read_pending_floors", "SELECT origin, incarnation, seq, floor FROM floor_pending")
  static let clearPendingFloors = Statement("clear_pending_floors", "DELETE FROM floor_pending")
  static let insertPendingFloors = Statement(
    "insert_pending_floors",
    """
    INSERT INTO floor_pending (origin, incarnation, seq, floor)
    SELECT * FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bytea[])
    """)
  static let writeFloorVectors = Statement(
    "write_floor_vectors", "UPDATE directory_state SET reached = $1::bytea, forgotten = $2::bytea")
  static let readTombstones = Statement(
    "read_tombstones",
    "SELECT tag FROM placement WHERE state = 3 UNION SELECT tag FROM placement_sibling WHERE state = 3")
  /// A tombstone's own place is what its `later` begins with, in an order of bytes that is that of the places in one log.
  static let hasTombstoneBetween = Statement(
    "has_tombstone_between",
    """
    SELECT EXISTS (SELECT 1 FROM placement WHERE state = 3 AND substr(later, 1, 14) > $1::bytea AND substr(later, 1, 14) <= $2::bytea)
        OR EXISTS (SELECT 1 FROM placement_sibling
                    WHERE state = 3 AND substr(later, 1, 14) > $1::bytea AND substr(later, 1, 14) <= $2::bytea)
    """)
  static let readMemberVectors = Statement(
    "read_member_vectors", "SELECT origin, incarnation, seq, peer FROM peer_vector")
  static let upsertStart = Statement(
    "upsert_start",
    """
    INSERT INTO log_start (origin, incarnation, seq, chain) VALUES ($1::integer, $2::integer, $3::bigint, $4::bytea)
    ON CONFLICT (origin, incarnation) DO UPDATE SET seq = excluded.seq, chain = excluded.chain
    """)
  /// The copy changed otherwise than by an entry of a log: who remembers parts of it forgets them.
  static let noteUnlogged = Statement(
    "note_unlogged", "UPDATE directory_state SET unlogged_changes = unlogged_changes + 1")
}
