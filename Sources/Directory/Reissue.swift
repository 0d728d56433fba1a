package import Residency

/// Writes anew, in another log, what a region wrote after the place to which its log must be cut back.
///
/// A region that was restored without knowing it wrote on at places that its log had already held before. Its peers have those
/// entries; what it wrote since belongs into its next incarnation.
package struct Reissue: Sendable {
  /// The entries as they are written again, in order.
  package private(set) var records: [LogRecord] = []
  /// What becomes of the subjects that they speak of.
  package private(set) var changes: [PlacementChange]
  package private(set) var documentChanges: [DocumentChange]

  /// - Parameters:
  ///   - orphans: the entries to cut off, in order.
  ///   - log: this region's own log, which they are appended to.
  ///   - current: what is held of the tags that they speak of.
  ///   - documents: what is held of the documents that they write.
  ///   - digest: SHA-256.
  package init(
    _ orphans: [LogRecord], to log: inout OwnLog, current: [SubjectTag: PlacementSet], documents: [DocumentID: DocumentSet],
    digest: Digest
  ) {
    let start = Set(orphans.first.map { [$0.position] } ?? [])
    for orphan in orphans {
      switch orphan.entry {
      case .placement(let entry): records.append(log.append(.placement(entry.restated(from: orphan.position))))
      case .document(let entry):
        guard !Self.isWrittenOver(orphan, by: orphans) else { continue }
        records.append(log.append(.document(entry.restated(withoutBranchFrom: start))))
      case .floor(let floor):
        // Who followed the branch has forgotten by it.
        if let kept = floor.restated(withoutBranchFrom: orphans[0].position) { records.append(log.append(.floor(kept))) }
      }
    }
    let cut = Set(orphans.map(\.position))
    var after: [SubjectTag: PlacementSet?] = current.mapValues { set in
      PlacementSet(merging: set.placements.filter { !cut.contains($0.position) })
    }
    for fact in records.compactMap(\.placement) {
      let known = after[fact.tag] ?? nil
      after.updateValue(known.map { merge($0, fact) } ?? PlacementSet(fact), forKey: fact.tag)
    }
    changes = PlacementChange.changes(from: current, to: after)
    var sets = documents.mapValues { set in DocumentSet(joining: set.siblings.filter { !cut.contains($0.dot) }) }
    for fact in records.compactMap({ $0.document(digest) }) { sets[fact.id, default: DocumentSet()].join(fact.version) }
    documentChanges = DocumentChange.changes(from: documents, to: sets, digest: digest)
  }
}

extension Reissue {
  /// Whether somebody on the branch itself had read a write of a document, and wrote it anew. Elsewhere, who names its place may have read the
  /// entry that counts there.
  private static func isWrittenOver(_ orphan: LogRecord, by orphans: [LogRecord]) -> Bool {
    orphans.contains { other in
      guard case .document(let entry) = other.entry, entry.id == orphan.documentID else { return false }
      return entry.context.includes(orphan.position)
    }
  }
}

extension TombstoneFloor {
  /// What it says of the tombstones before the branch; `nil` for none.
  fileprivate func restated(withoutBranchFrom start: LogPosition) -> TombstoneFloor? {
    let isBeyond = upTo.log == start.log && upTo.seq >= start.seq
    let seq = isBeyond ? start.seq - 1 : upTo.seq
    guard seq > 0 else { return nil }
    return TombstoneFloor(upTo: LogPosition(log: upTo.log, seq: seq), after: after.before([start]))
  }
}

extension DocumentEntry {
  /// The same write, of one who has not seen the branch that does not count: the entries that do will stand at its places.
  fileprivate func restated(withoutBranchFrom start: Set<LogPosition>) -> DocumentEntry {
    DocumentEntry(id: id, context: context.before(start), value: value, timestamp: timestamp)
  }
}

extension DirectoryEntry {
  /// The same fact. Its birth stays where it was, though nothing stands there any more: what was written since speaks of it.
  fileprivate func restated(from position: LogPosition) -> DirectoryEntry {
    DirectoryEntry(
      kind: .restate, tag: tag, birth: birth ?? position, epoch: epoch, home: home, state: state, covers: covers,
      timestamp: timestamp)
  }
}
