import Directory
import Residency

/// A client that goes from region to region, with what it has seen.
struct SimulatedSession {
  var seen = VersionVector()
  /// Its own registrations: where they were born.
  var registered: [SubjectTag: LogPosition] = [:]
  /// What it has read of documents, wherever that was.
  var contexts: [DocumentID: VersionVector] = [:]
  /// Its last write of each document.
  var written: [DocumentID: LogPosition] = [:]
}

extension SimulatedWorld {
  /// One operation of a client at its own region: it succeeds, or is refused for what this region's copy says.
  mutating func operate(_ index: Int) throws {
    if random.chance(40) { lookUp(at: index) }
    if scenario.writesDocuments, random.chance(25) { return writeDocument(at: index) }
    let writer = PlacementWriter(region: regions[index].store.region)
    let timestamp = regions[index].timestamp(now: now)
    let subject = try chooseSubject(index)
    let current = regions[index].store.current(subject)
    do {
      let entry = try entry(for: subject, current: current, writer: writer, timestamp: timestamp, index: index)
      guard let entry else { return }
      let before = regions[index].store.vector
      let record = regions[index].store.commit(.placement(entry))
      checker.vectorMoved(from: before, to: regions[index].store.vector, of: regions[index].store.region)
      checker.committed(record, in: regions[index].store)
      announce(record, region: index)
      if entry.kind == .register, random.chance(50) {
        let session = random.below(sessions.count)
        sessions[session].seen.advance(to: record.position)
        sessions[session].registered[subject] = record.position
      }
    } catch {
      checker.refused(error, subject, at: regions[index].store)
    }
  }

  /// - Returns: `nil` where a region that leaves would take somebody in.
  private mutating func entry(
    for subject: SubjectTag, current: PlacementSet?, writer: PlacementWriter, timestamp: HybridTimestamp, index: Int
  ) throws(PlacementRefusal) -> DirectoryEntry? {
    let isDraining = regions[index].isDraining
    guard current != nil else {
      return isDraining ? nil : try writer.register(subject, current: current, timestamp: timestamp)
    }
    switch isDraining ? (current?.isContested == true ? 5 : 0) : random.below(10) {
    case 0, 1:
      let others = regions.indices.filter { !regions[$0].isGone && !regions[$0].isDraining }
      return try writer.move(current, to: regions[random.pick(others)].store.region, timestamp: timestamp)
    case 2: return try writer.freeze(current, timestamp: timestamp)
    case 3: return try writer.thaw(current, timestamp: timestamp)
    case 4: return try writer.erase(current, timestamp: timestamp)
    case 5 where current?.isContested == true:
      let births = current?.placements.map(\.birth) ?? []
      return try writer.resolve(current, keep: random.pick(births), timestamp: timestamp)
    default: return try writer.register(subject, current: current, timestamp: timestamp)
    }
  }

  /// A client writes a document at its region: over all that is there, or over what it once read, wherever that was.
  private mutating func writeDocument(at index: Int) {
    let session = random.below(sessions.count)
    let id = DocumentID.numbered(1 + random.below(3))
    let store = regions[index].store
    let held = store.documents[id] ?? DocumentSet()
    let context = random.chance(60) ? held.context : sessions[session].contexts[id] ?? held.context
    let value: [UInt8]? = random.chance(10) ? nil : JSONValue.number(Double(random.below(1_000))).canonicalBytes
    let entry = DocumentEntry(id: id, context: context, value: value, timestamp: regions[index].timestamp(now: now))
    guard held.siblings.count(where: { !context.includes($0.dot) }) < DocumentVersion.siblingsMax else { return }
    let read = held.context.joined(with: context)
    if read[store.own] > store.head(store.own).seq || read.hasLog(after: store.own) {
      let last = read.positions.filter { $0.origin == store.region }.map(\.incarnation).max() ?? store.incarnation
      let log = regions[index].store.restartHistory(after: max(last, store.incarnation))
      for other in regions[index].peers.keys.sorted() { tell(index, other, .restarted(own: log)) }
    }
    let before = regions[index].store.vector
    let record = regions[index].store.commit(.document(entry))
    checker.vectorMoved(from: before, to: regions[index].store.vector, of: store.region)
    checker.committed(record, in: regions[index].store)
    announce(record, region: index)
    guard random.chance(50) else { return }
    sessions[session].contexts[id] = regions[index].store.documents[id]?.context
    sessions[session].seen.advance(to: record.position)
    sessions[session].written[id] = record.position
  }

  /// A session looks for what it has registered: here, if this region has come far enough, and otherwise nowhere.
  private mutating func lookUp(at index: Int) {
    let number = random.below(sessions.count)
    let store = regions[index].store
    guard store.vector.dominates(sessions[number].seen) else { return }
    sessions[number].seen.join(store.vector)
    checker.sessionLooks(for: sessions[number].registered, documents: sessions[number].written, at: store)
    if scenario.writesDocuments, random.chance(50) {
      sessions[number].contexts = store.documents.mapValues(\.context)
    }
  }

  /// One of a few that all regions register, one that this region knows, or a new one. A region that leaves sees to its own.
  private mutating func chooseSubject(_ index: Int) throws -> SubjectTag {
    let store = regions[index].store
    if regions[index].isDraining {
      let own = store.sets.filter { $0.value.placements.contains { $0.home == store.region && $0.state != .erased } }
      if let tag = own.keys.min() { return tag }
    }
    switch random.below(4) {
    case 0: return try .numbered(1 + random.below(6))
    case 1:
      freshTags += 1
      return try .numbered(freshTags)
    default:
      let known = store.rows.keys.sorted()
      return known.isEmpty ? try .numbered(1) : random.pick(known)
    }
  }
}
