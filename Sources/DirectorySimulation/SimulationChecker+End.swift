import Directory
import Residency

/// What has to be true when all is healed, of every region that is left.
extension SimulationChecker {
  mutating func checkEnd(of regions: [SimulatedRegion], gone: Set<RegionOrdinal>) throws {
    let stores = regions.map(\.store)
    guard let first = stores.first, needsOperator.isEmpty else { return }
    for store in stores.dropFirst() {
      forbid(store.heads != first.heads, "regions \(first.region) and \(store.region) hold different logs a minute after healing")
      forbid(store.rows != first.rows, "regions \(first.region) and \(store.region) hold different placements")
      forbid(store.documents != first.documents, "regions \(first.region) and \(store.region) hold different documents")
    }
    for store in stores { checkRetained(store) }
    let history = history(of: first)
    checkNothingLost(in: history)
    for store in stores where store.heads == first.heads {
      checkPlacements(store, history)
      checkDocuments(store, history)
      checkDigest(store)
    }
    contestedAtEnd = first.sets.values.count { $0.isContested }
    for region in drainedRegions {
      forbid(
        first.sets.values.contains { $0.isAtHome(in: region) }, "somebody is at home in region \(region), which has left")
    }
  }

  /// What the region's heads stand for, back to the beginning of every log.
  private mutating func history(of store: SimulatedStore) -> [LogRecord] {
    var records: [LogRecord] = []
    for (log, head) in store.heads {
      var (chain, count) = (head.chain, UInt64(0))
      while let (record, previous) = written[chain] {
        records.append(record)
        chain = previous
        count += 1
      }
      forbid(
        count != head.seq || chain != .start(of: log, digest: simulatedDigest),
        "region \(store.region): log \(log) is at \(head.seq), and \(count) entries lead there")
    }
    return records
  }

  /// What is still held of a log ends at its head, has no gaps, and is what was written.
  private mutating func checkRetained(_ store: SimulatedStore) {
    for (log, held) in store.logs {
      forbid(
        held.start.seq + UInt64(held.records.count) != store.head(log).seq,
        "region \(store.region): log \(log) does not end at its head")
      for (index, record) in held.records.enumerated() {
        forbid(record.position.seq != held.start.seq + UInt64(index + 1), "log \(log) has a gap at \(record.position)")
        forbid(written[record.chain]?.record.bytes != record.bytes, "\(record.position) holds what nobody wrote")
      }
    }
  }

  private mutating func checkNothingLost(in history: [LogRecord]) {
    let chains = Set(history.map(\.chain))
    // An entry written anew has another place, and the same author, time and subject.
    let contents = Set(history.compactMap(\.content))
    for record in committedRecords where !chains.contains(record.chain) {
      if let kept = setBack[record.position.log], record.position.seq > kept || incomparable.contains(record.position.log) {
        continue
      }
      guard let content = record.content, !isWrittenOver(record) else { continue }
      forbid(!contents.contains(content), "the acknowledged entry \(record.position) is lost")
    }
  }

  /// Whether somebody read that write of a document, and wrote it anew.
  private func isWrittenOver(_ record: LogRecord) -> Bool {
    guard let id = record.documentID else { return false }
    return committedRecords.contains { $0.documentID == id && $0.documentEntry?.context.includes(record.position) == true }
  }

  private mutating func checkDigest(_ store: SimulatedStore) {
    var expected: [UInt8: DigestSum] = [:]
    for set in store.sets.values {
      for fact in set.placements {
        let hash = simulatedDigest(fact.encoded).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        expected[fact.tag.bytes[0], default: .zero].xor ^= hash
        expected[fact.tag.bytes[0], default: .zero].count += 1
      }
    }
    for (id, set) in store.documents {
      for version in set.siblings {
        let fact = DocumentFact(id: id, version: version, digest: simulatedDigest)
        let hash = simulatedDigest(fact.encoded).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        expected[fact.tag.bytes[0], default: .zero].xor ^= hash
        expected[fact.tag.bytes[0], default: .zero].count += 1
      }
    }
    forbid(
      store.digest.filter { !$0.value.isZero } != expected,
      "the digest of region \(store.region) is not that of its placements and documents")
  }

  /// The documents of a store against what its own logs say: all that nobody who wrote later had seen.
  private mutating func checkDocuments(_ store: SimulatedStore, _ history: [LogRecord]) {
    var writes: [DocumentID: [LogRecord]] = [:]
    for record in history { if let id = record.documentID { writes[id, default: []].append(record) } }
    for (id, set) in store.documents {
      for version in set.siblings where !(writes[id] ?? []).contains(where: { $0.position == version.dot }) {
        guard setBack[version.dot.log] != nil,
          let relic = writtenAt[version.dot]?.first(where: { $0.documentEntry?.version(at: version.dot) == version })
        else {
          forbid(true, "region \(store.region) knows \(version.dot) of \(id) from nowhere")
          continue
        }
        writes[id, default: []].append(relic)
      }
    }
    for (id, records) in writes {
      let expected = Set(
        records.filter { record in
          !records.contains { $0.position != record.position && $0.documentEntry?.context.includes(record.position) == true }
        }.map(\.position))
      let held = Set((store.documents[id]?.siblings ?? []).map(\.dot))
      // Who wrote on a branch that did not count wrote anew without what was seen there: what that replaced may be back beside it.
      forbid(
        setBack.isEmpty ? held != expected : !held.isSuperset(of: expected),
        "region \(store.region) holds \(held.sorted()) of \(expected.sorted()) for \(id)")
    }
  }
}

/// What an entry that is written anew has in common with the one that was lost.
private struct EntryContent: Hashable {
  let author: RegionOrdinal
  let timestamp: HybridTimestamp
  let about: SubjectTag
}

extension LogRecord {
  fileprivate var content: EntryContent? {
    switch entry {
    case .placement(let entry): EntryContent(author: position.origin, timestamp: entry.timestamp, about: entry.tag)
    case .document(let entry):
      EntryContent(author: position.origin, timestamp: entry.timestamp, about: entry.id.tag(simulatedDigest))
    case .floor: nil
    }
  }
}

extension PlacementSet {
  fileprivate func isAtHome(in region: RegionOrdinal) -> Bool {
    guard case .settled(let placement) = self else { return false }
    return placement.home == region && placement.state != .erased
  }
}
