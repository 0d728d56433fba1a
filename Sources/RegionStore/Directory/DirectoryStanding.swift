package import Directory
import Postgres
package import Residency

/// How far a region's copy of the directory has come, read in one snapshot: what it tells a peer that greets it.
package struct DirectoryStanding: Sendable {
  /// The log that this region writes.
  package let own: LogID
  package let heads: [LogID: AppliedHead]
  package let cuts: Set<LogCut>
  /// Logs of which this region holds a branch that does not count, or cannot tell.
  package let misled: Set<LogID>
  package let floors: FloorLedger

  package var vector: VersionVector { VersionVector(heads.mapValues(\.seq)) }
  package var basis: FactsBasis { FactsBasis(vector: vector, reached: floors.reached) }

  static func steps(for region: RegionOrdinal) -> [PipelineStep] {
    [
      PipelineStep(.selectApplied, [.int32(Int32(region.rawValue))]), PipelineStep(.readCuts, []),
      PipelineStep(.readMisled, []), PipelineStep(.readDirectoryState, []), PipelineStep(.readPendingFloors, []),
      PipelineStep(.readOrdinal, []),
    ]
  }

  static let misledSteps = [PipelineStep(.readMisled, [])]

  init(from results: [PostgresResult]) throws {
    guard results.count == 6, let state = results[3].rows.first, let ordinal = results[5].rows.first,
      let region = RegionOrdinal(Int(try ordinal.int32(0)))
    else { throw StoreError.corrupt(what: "the directory's state") }
    heads = try RegionStore.heads(results[0].rows)
    own = LogID(origin: region, incarnation: Incarnation(UInt32(bitPattern: try state.int32(0))))
    cuts = Set(
      try results[1].rows.map { row in
        guard let chain = ChainHash(try row.bytes(3)) else { throw StoreError.corrupt(what: "the directory's state") }
        return LogCut(first: try RegionStore.position(row), chain: chain)
      })
    misled = try Self.misled(results[2].rows)
    floors = try DirectoryTransaction.floors(state, pending: results[4].rows)
  }

  static func misled(_ rows: [PostgresRow]) throws -> Set<LogID> { Set(try rows.map { try RegionStore.position($0).log }) }
}

extension RegionStore {
  package func directoryStanding() async throws(StoreError) -> DirectoryStanding {
    try await reading { connection, deadline in
      let results = try await connection.pipeline(
        [PipelineStep(.beginSnapshot, [])] + DirectoryStanding.steps(for: self.region.ordinal) + [PipelineStep(.rollback, [])],
        deadline: deadline)
      return try DirectoryStanding(from: Array(results[1..<7]))
    }
  }
}

extension Statement {
  static let readOrdinal = Statement("read_ordinal", "SELECT ordinal FROM region_identity")
  /// Where the log's row at a cut is the branch that does not count, or the log does not reach back to there.
  static let readMisled = Statement(
    "read_misled",
    """
    SELECT c.origin, c.incarnation, c.seq FROM log_cut c
      LEFT JOIN directory_log l ON l.origin = c.origin AND l.incarnation = c.incarnation AND l.seq = c.seq
      LEFT JOIN log_start s ON s.origin = c.origin AND s.incarnation = c.incarnation
     WHERE c.doubtful OR (l.chain = c.chain AND l.seq > coalesce(s.seq, 0)) OR (s.seq = c.seq AND s.chain = c.chain)
    """)
}
