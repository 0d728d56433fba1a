package import Residency

/// What a region says of itself with facts that it gives outside of a log.
package struct FactsBasis: Hashable, Sendable {
  /// How far it holds each log.
  package let vector: VersionVector
  /// See ``FloorLedger/reached``.
  package let reached: VersionVector

  package init(vector: VersionVector, reached: VersionVector) {
    self.vector = vector
    self.reached = reached
  }
}

/// Which of a peer's facts are taken in outside of the logs: for a look-up that asks several regions, and to repair a copy.
///
/// State is joined, and no version vector moves: the entry itself comes by its log. Taken in is
/// - what stands beyond what is held here of its log;
/// - what should be here by this region's own vector and is not, if the peer has forgotten all that was forgotten here: else it may
///   be what a tombstone stood for;
/// - what this region wrote once and does not know any more.
///
/// The last, where the peer does not have it by its log either, is all that is left of a history that this region lost: it is written
/// anew, so that all regions come to hold it. If it is of the log that this region writes, that log has to be closed first.
package struct Learning: Hashable, Sendable {
  /// To merge.
  package private(set) var facts: [Placement] = []
  /// Of the facts, those to write anew in this region's own log.
  package private(set) var recovered: [Placement] = []
  /// How many facts were missing here that this region's vector says it holds: its copy was damaged.
  package private(set) var repairs = 0
  /// Whether this region's current log is not what it was: it must begin a new one, and then look at the facts again.
  package private(set) var ownHistoryIsLost = false

  /// - Parameters:
  ///   - offered: the peer's facts.
  ///   - theirs: read no later than the facts.
  ///   - here: this region's own, read in the transaction that takes the facts in.
  ///   - own: the log that this region writes.
  ///   - current: what is held here of the tags of the facts.
  package init(
    _ offered: [Placement], theirs: FactsBasis, here: FactsBasis, own: LogID, current: [SubjectTag: PlacementSet]
  ) {
    let mayRepair = theirs.vector.dominates(here.reached)
    for fact in offered {
      if let known = current[fact.tag], merge(known, fact) == known { continue }
      let log = fact.position.log
      let isHeld = here.vector.includes(fact.position)
      guard !isHeld || mayRepair else { continue }
      if log.origin == own.origin, !theirs.vector.includes(fact.position) {
        guard log < own else {
          ownHistoryIsLost = true
          continue
        }
        recovered.append(fact)
      } else if isHeld {
        repairs += 1
      } else if log.origin == own.origin {
        // It comes by its log.
        continue
      }
      facts.append(fact)
    }
  }
}

/// Which of a peer's documents are taken in outside of the logs, where two copies are compared: all that say something new. What is on its way
/// by a log may come early, since joining it again changes nothing, and no version vector moves. Deletions are never forgotten, so nothing
/// that was deleted comes back.
///
/// A page of a snapshot may show more than the snapshot stands for. Where that went with its region's history, the page is all that is left
/// of it, and no log brings it to the others: this does.
package struct DocumentLearning: Hashable, Sendable {
  package private(set) var facts: [DocumentFact] = []
  /// How many of them this region's vector says it holds: its copy was damaged.
  package private(set) var repairs = 0
  /// Whether this region's current log is not what it was: it must begin a new one, and then look at the facts again.
  package private(set) var ownHistoryIsLost = false

  /// - Parameters:
  ///   - here: how far this region holds each log.
  ///   - own: the log that it writes.
  ///   - current: what is held here of the offered documents.
  package init(_ offered: [DocumentFact], here: VersionVector, own: LogID, current: [DocumentID: DocumentSet]) {
    for fact in offered {
      let held = current[fact.id] ?? DocumentSet()
      var joined = held
      joined.join(fact.version)
      guard joined != held else { continue }
      let isHeld = here.includes(fact.version.dot)
      guard isHeld || fact.version.dot.log != own else {
        ownHistoryIsLost = true
        continue
      }
      if isHeld { repairs += 1 }
      facts.append(fact)
    }
  }
}

extension DirectoryEntry {
  /// Says again what is left of a history that the fact's region has lost.
  package init(restating fact: Placement, timestamp: HybridTimestamp) {
    self.init(
      kind: .restate, tag: fact.tag, birth: fact.birth, epoch: fact.epoch, home: fact.home, state: fact.state,
      covers: fact.covers, timestamp: timestamp)
  }
}
