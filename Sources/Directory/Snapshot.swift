package import Residency

/// What a snapshot stands for: all that a region held when it was asked for the first page.
package struct SnapshotBasis: Hashable, Sendable {
  /// How far the region held every log, with the chains there.
  package let heads: [LogID: AppliedHead]
  /// The branches that it knows not to count, and holds none of.
  package let cuts: Set<LogCut>
  package let floors: FloorLedger

  package init(heads: [LogID: AppliedHead], cuts: Set<LogCut>, floors: FloorLedger) {
    self.heads = heads
    self.cuts = cuts
    self.floors = floors
  }

  package var vector: VersionVector { VersionVector(heads.mapValues(\.seq)) }

  /// Whether every page shows what became of the fact that stands there.
  /// - Parameters:
  ///   - own: the log that the receiving region writes: nobody else knows it better.
  ///   - misled: logs of which it holds a branch that does not count.
  package func covers(_ position: LogPosition, own: LogID, misled: Set<LogID>) -> Bool {
    guard position.log != own else { return false }
    if misled.contains(position.log) { return true }
    return position.seq <= heads[position.log]?.seq ?? 0
  }
}

extension SnapshotBasis {
  /// What a region's progress becomes once all pages are stored: for each log the head to set. Logs of which the region holds as much
  /// or more keep theirs, unless that is a branch which does not count.
  /// - Parameters:
  ///   - own: the log that the receiving region writes.
  ///   - misled: logs of which it holds such a branch.
  package func heads(over held: [LogID: AppliedHead], own: LogID, misled: Set<LogID>) -> [LogID: AppliedHead] {
    heads.filter { log, head in log != own && (misled.contains(log) || head.seq > held[log]?.seq ?? 0) }
  }
}

/// A snapshot that is coming in. There is one at a time; meanwhile nothing that its basis covers is applied from the logs: the pages
/// that are stored already show what became of it.
package struct SnapshotLoad: Hashable, Sendable {
  package let peer: RegionOrdinal
  package let basis: SnapshotBasis

  package init(peer: RegionOrdinal, basis: SnapshotBasis) {
    self.peer = peer
    self.basis = basis
  }

  /// Whether it goes on where `cut` becomes known: not where the basis may hold that branch.
  package func survives(_ cut: LogCut) -> Bool {
    basis.cuts.contains(cut) || cut.first.seq > basis.heads[cut.first.log]?.seq ?? 0
  }

  /// Whether a batch has to wait until the snapshot is in.
  package func holdsBack(_ batch: LogBatch) -> Bool { batch.first <= basis.heads[batch.log]?.seq ?? 0 }
}

/// Asks for the placements and documents whose tags come after `after`; `nil` for the first page.
package struct SnapshotRequest: Hashable, Sendable {
  package let after: SubjectTag?
  package let tagsMax: Int

  package init(after: SubjectTag?, tagsMax: Int) {
    self.after = after
    self.tagsMax = tagsMax
  }
}

/// All facts of a stretch of tags, as the answering region held them when it answered: no less than the basis of the first page.
package struct SnapshotPage: Hashable, Sendable {
  /// The most tags in one page.
  package static let tagsMax = 8_192

  /// As it was when this page was read. That of the first page is the snapshot's.
  package let basis: SnapshotBasis
  package let after: SubjectTag?
  /// The last tag that the page speaks of; `nil` for all that follow: it is the last page.
  package let through: SubjectTag?
  package let facts: [Placement]
  package let documents: [DocumentFact]

  package init(
    basis: SnapshotBasis, after: SubjectTag?, through: SubjectTag?, facts: [Placement], documents: [DocumentFact] = []
  ) {
    self.basis = basis
    self.after = after
    self.through = through
    self.facts = facts
    self.documents = documents
  }

  /// Whether it speaks of `tag`.
  package func contains(_ tag: SubjectTag) -> Bool {
    if let after, tag <= after { return false }
    if let through, tag > through { return false }
    return true
  }

  /// Whether it is an answer to `request`, and of one piece.
  package func answers(_ request: SnapshotRequest) -> Bool {
    guard after == request.after, through.map({ last in after.map { $0 < last } ?? true }) ?? true else { return false }
    return facts.allSatisfy { contains($0.tag) } && Set(facts.map(\.tag)).count <= Self.tagsMax
      && documents.allSatisfy { contains($0.tag) }
  }

  /// What the page changes here.
  ///
  /// Of all that the basis covers, the page is the newer state, and what it does not show was superseded or forgotten there: it goes
  /// here too. What the basis does not cover stays, and is merged.
  /// - Parameters:
  ///   - basis: of the snapshot's first page.
  ///   - current: all that is held here of the tags that the page speaks of.
  ///   - own: the log that this region writes.
  ///   - misled: logs of which this region holds a branch that does not count.
  package func changes(
    basis: SnapshotBasis, current: [SubjectTag: PlacementSet], own: LogID, misled: Set<LogID>
  ) -> [PlacementChange] {
    var after: [SubjectTag: PlacementSet?] = [:]
    for (tag, set) in current where contains(tag) {
      after.updateValue(
        PlacementSet(merging: set.placements.filter { !basis.covers($0.position, own: own, misled: misled) }), forKey: tag)
    }
    for fact in facts {
      let known = after[fact.tag] ?? nil
      after.updateValue(known.map { merge($0, fact) } ?? PlacementSet(fact), forKey: fact.tag)
    }
    return PlacementChange.changes(from: current, to: after)
  }
}

extension SnapshotPage {
  /// What the page changes of the documents here: see ``changes(basis:current:own:misled:)``.
  /// - Parameter current: all that is held here of the documents whose tags the page speaks of.
  package func documentChanges(
    basis: SnapshotBasis, current: [DocumentID: DocumentSet], own: LogID, misled: Set<LogID>, digest: Digest
  ) -> [DocumentChange] {
    var after = current.mapValues { set in
      DocumentSet(joining: set.siblings.filter { !basis.covers($0.dot, own: own, misled: misled) })
    }
    for fact in documents { after[fact.id, default: DocumentSet()].join(fact.version) }
    return DocumentChange.changes(from: current, to: after, digest: digest)
  }
}

extension PlacementSet {
  /// - Parameter facts: of one tag.
  /// - Returns: `nil` for no facts.
  package init?(merging facts: some Sequence<Placement>) {
    var set: PlacementSet?
    for fact in facts { set = set.map { merge($0, fact) } ?? PlacementSet(fact) }
    guard let set else { return nil }
    self = set
  }
}
