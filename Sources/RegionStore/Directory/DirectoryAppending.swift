import Directory
import Postgres
import Residency

/// Gives a batch's directory entries their places in this region's log.
///
/// All writers of placements and documents in a region take one lock (an advisory lock for the transaction), so that what they merge with
/// cannot change under them; the head is locked after it, by everyone in that order.
struct DirectoryAppending {
  let entries: [LogEntry]
  let origin: RegionOrdinal
  private let facts: Facts
  /// Those of which something was known. Of the others, whoever knew something meanwhile makes their insert fail: the table has one row a
  /// subject.
  private let tags: [SubjectTag]
  private let documents: Set<DocumentID>

  struct Placed {
    /// To be run before all else.
    let opening: [PipelineStep]
    let records: [LogRecord]
    let changes: [PlacementChange]
    let documentChanges: [DocumentChange]
    let head: AppliedHead
  }

  /// - Parameter facts: what the entries were decided on.
  init(entries: [LogEntry], origin: RegionOrdinal, decidedOn facts: Facts) {
    self.entries = entries
    self.origin = origin
    self.facts = facts
    tags = entries.compactMap(\.tag).filter { facts.placements[$0] != nil }
    documents = Set(
      entries.compactMap { entry in
        guard case .document(let document) = entry else { return nil }
        return document.id
      })
  }

  var steps: [PipelineStep] {
    [
      PipelineStep(.lockDirectory, []), PipelineStep(.lockHead, []),
      PipelineStep(PlacementRow.read, [.uuidArray(tags.map(\.bytes))]),
    ] + (documents.isEmpty ? [] : [DocumentRow.read(documents)])
  }

  /// - Throws: ``LostRace`` where a placement or a document is no longer what the entries were decided on.
  func placed(from results: [PostgresResult]) throws -> Placed {
    guard results.count == steps.count, let head = results[1].rows.first else {
      throw StoreError.corrupt(what: "the head")
    }
    let current = try PlacementRow.sets(results[2].rows)
    let documents = results.count > 3 ? try DocumentRow.sets(results[3].rows) : [:]
    guard tags.allSatisfy({ current[$0] == facts.placements[$0] }),
      self.documents.allSatisfy({ documents[$0] == facts.documents[$0] })
    else { throw LostRace() }
    var log = LogID(origin: origin, incarnation: Incarnation(UInt32(bitPattern: try head.int32(2))))
    var end = try DirectoryTransaction.head(head)
    var opening: [PipelineStep] = []
    let written = entries.compactMap { entry in
      if case .document(let document) = entry { document.context } else { nil }
    }
    // Somebody may have read more of this region's logs than is here.
    let read = (documents.values.map(\.context) + written).reduce(into: VersionVector()) { $0.join($1) }
    if read[log] > end.seq || read.hasLog(after: log) {
      let last = read.positions.filter { $0.origin == origin }.map(\.incarnation.rawValue).max() ?? 0
      let next = LogID(origin: origin, incarnation: Incarnation(max(last, log.incarnation.rawValue) + 1))
      opening = RegionStore.restart(closing: log, at: end, beginning: next)
      (log, end) = (next, .start(of: next, digest: DirectoryTransaction.digest))
    }
    var own = OwnLog(log, head: end, digest: DirectoryTransaction.digest)
    let records = entries.map { own.append($0) }
    return Placed(
      opening: opening, records: records, changes: PlacementChange.changes(for: records, current: current),
      documentChanges: DocumentChange.changes(for: records, current: documents, digest: DirectoryTransaction.digest),
      head: own.head)
  }
}

extension Statement {
  static let lockDirectory = Statement("lock_directory", "SELECT pg_advisory_xact_lock(110386840764419)")
}
