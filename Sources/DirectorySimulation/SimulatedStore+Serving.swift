import Directory
import Residency

/// What a region tells others of what it holds.
extension SimulatedStore {
  func answer(_ request: PullRequest) -> PullAnswer {
    let held = held(request.log)
    guard request.from > held.start.seq else { return .trimmed }
    let skipped = Int(request.from - held.start.seq) - 1
    guard skipped < held.records.count else { return .nothing }
    let previous = skipped == 0 ? held.start.chain : held.records[skipped - 1].chain
    let batch = LogBatch(
      log: request.log, first: request.from, previousChain: previous,
      rows: held.records[skipped...].prefix(request.entriesMax).map(\.bytes))
    return batch.map { .batch($0) } ?? .nothing
  }

  /// - Returns: `nil` where the region itself does not know which branch is right.
  func answer(_ request: SnapshotRequest) -> SnapshotPage? {
    guard misled.isEmpty else { return nil }
    let documents = fault == .documentsNotInSnapshot ? [] : documentFacts
    let tags = Set(rows.keys).union(documents.map(\.tag)).filter { tag in request.after.map { tag > $0 } ?? true }.sorted()
    let page = tags.prefix(request.tagsMax)
    return SnapshotPage(
      basis: SnapshotBasis(heads: heads, cuts: cuts, floors: floors),
      after: request.after, through: page.count < tags.count ? page.last : nil,
      facts: page.flatMap { current($0)?.placements ?? [] },
      documents: documents.filter { page.contains($0.tag) }.sorted { ($0.tag, $0.version.dot) < ($1.tag, $1.version.dot) })
  }

  /// All facts of the buckets in which another region's digest is not the one here.
  func facts(differingFrom theirs: [UInt8: DigestSum]) -> [Placement] {
    sets.values.filter { theirs[$0.tag.bytes[0]] ?? .zero != digest[$0.tag.bytes[0]] ?? .zero }.flatMap(\.placements)
  }

  func documents(differingFrom theirs: [UInt8: DigestSum]) -> [DocumentFact] {
    documentFacts.filter { theirs[$0.tag.bytes[0]] ?? .zero != digest[$0.tag.bytes[0]] ?? .zero }
  }

  var documentFacts: [DocumentFact] {
    documents.flatMap { id, set in set.siblings.map { DocumentFact(id: id, version: $0, digest: simulatedDigest) } }
  }
}
