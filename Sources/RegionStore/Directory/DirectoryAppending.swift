import Cryptography
import Directory
import Postgres
import Residency

/// Gives a batch's directory entries their places in this region's log.
///
/// All writers of placements in a region take one lock (an advisory lock for the transaction), so that what they merge with
/// cannot change under them; the head is locked after it, by everyone in that order.
struct DirectoryAppending {
  let entries: [DirectoryEntry]
  let origin: RegionOrdinal

  struct Placed {
    let records: [LogRecord]
    let changes: [PlacementChange]
    let head: AppliedHead
  }

  var steps: [PipelineStep] {
    [
      PipelineStep(.lockDirectory, []),
      PipelineStep(PlacementRow.read, [.uuidArray(entries.map(\.tag.bytes))]),
      PipelineStep(.lockHead, []),
    ]
  }

  /// - Throws: ``LostRace`` where a placement is no longer what the entries were decided on.
  func placed(from results: [PostgresResult], decidedOn facts: [SubjectTag: PlacementSet]) throws -> Placed {
    guard results.count == 3, let head = results[2].rows.first, let chain = ChainHash(try head.bytes(1)) else {
      throw StoreError.corrupt(what: "the head")
    }
    let current = try PlacementRow.sets(results[1].rows)
    guard entries.allSatisfy({ current[$0.tag] == facts[$0.tag] }) else { throw LostRace() }
    let log = LogID(origin: origin, incarnation: Incarnation(UInt32(bitPattern: try head.int32(2))))
    var own = OwnLog(
      log, head: AppliedHead(seq: try head.uint64(0), chain: chain), digest: { SHA256.hash($0) })
    let records = entries.map { own.append(.placement($0)) }
    return Placed(records: records, changes: PlacementChange.changes(for: records, current: current), head: own.head)
  }
}

extension Statement {
  static let lockDirectory = Statement("lock_directory", "SELECT pg_advisory_xact_lock(110386840764419)")
}
