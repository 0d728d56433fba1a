import Cryptography
package import Directory
import Postgres
package import Residency

/// What the copy comes to, and how it is compared and repaired.
extension RegionStore {
  /// The digest of all subjects whose tags begin with `prefix`, by the next byte of the tags, and what the copy held when it was counted.
  ///
  /// The first level is kept up to date in every transaction; the others are counted when they are asked for.
  /// - Parameter prefix: 0 to 15 bytes.
  package func digest(under prefix: [UInt8]) async throws(StoreError) -> (standing: DirectoryStanding, sums: [DigestSum]) {
    try await reading { connection, deadline in
      let results = try await connection.pipeline(
        [PipelineStep(.beginSnapshot, [])] + DirectoryStanding.steps(for: self.region.ordinal)
          + [PipelineStep(.readDigest, [])], deadline: deadline)
      var sums = [DigestSum](repeating: .zero, count: DigestDelta.bucketCount)
      if prefix.isEmpty {
        for row in results[7].rows {
          sums[Int(try row.int32(0))] = DigestSum(xor: UInt64(bitPattern: try row.int64(1)), count: try row.int64(2))
        }
      } else {
        try await self.forEachSet(under: prefix, on: connection, deadline: deadline) { set in
          sums[Int(set.tag.bytes[prefix.count])].add(set.digest(self.directoryHash))
        }
        try await self.forEachDocument(under: prefix, on: connection, deadline: deadline) { fact in
          sums[Int(fact.tag.bytes[prefix.count])].add(fact.digest(self.directoryHash))
        }
      }
      _ = try await connection.execute(.rollback, [], deadline: deadline)
      return (try DirectoryStanding(from: Array(results[1..<7])), sums)
    }
  }

  private func forEachSet(
    under prefix: [UInt8], on connection: PostgresConnection, deadline: ContinuousClock.Instant,
    _ body: (PlacementSet) -> Void
  ) async throws {
    var (after, last) = Self.bounds(of: prefix)
    while true {
      let rows = try await connection.execute(
        .readStretchPage, [after, last, .int64(Self.countedAtOnce)], deadline: deadline
      ).rows
      let sets = try PlacementRow.sets(rows)
      for set in sets.values { body(set) }
      guard let end = sets.keys.max(), sets.count == Int(Self.countedAtOnce) else { return }
      after = .bytes(end.bytes)
    }
  }

  private func forEachDocument(
    under prefix: [UInt8], on connection: PostgresConnection, deadline: ContinuousClock.Instant,
    _ body: (DocumentFact) -> Void
  ) async throws {
    var (after, last) = Self.bounds(of: prefix)
    while true {
      let result = try await connection.pipeline([DocumentRow.readStretch(after: after, last: last)], deadline: deadline)[0]
      let stretch = try DocumentRow.stretch(result.rows)
      for fact in stretch.facts { body(fact) }
      guard let end = stretch.through else { return }
      after = .bytes(end.bytes)
    }
  }

  private static let countedAtOnce: Int64 = 16_384
  /// The most subjects in one answer.
  private static let factsMax: Int64 = 8_192

  /// What a copy holds of a part of the directory, and how far it had come when that was read.
  package struct HeldFacts: Sendable {
    package let standing: DirectoryStanding
    /// Ascending by tag.
    package let placements: [Placement]
    /// Ascending by tag.
    package let documents: [DocumentFact]
  }

  /// All facts of some subjects.
  package func facts(of tags: [SubjectTag]) async throws(StoreError) -> HeldFacts {
    let read = PipelineStep(PlacementRow.read, [.uuidArray(tags.map(\.bytes))])
    guard let held = try await facts(reading: [read]) else { throw .corrupt(what: "a placement") }
    return held
  }

  /// All facts of the subjects and documents whose tags begin with `prefix`.
  /// - Returns: `nil` where they are more than one answer holds.
  package func facts(under prefix: [UInt8]) async throws(StoreError) -> HeldFacts? {
    let (after, last) = Self.bounds(of: prefix)
    return try await facts(reading: [
      PipelineStep(.readStretchPage, [after, last, .int64(Self.factsMax + 1)]), DocumentRow.readStretch(after: after, last: last),
    ])
  }

  private func facts(reading steps: [PipelineStep]) async throws(StoreError) -> HeldFacts? {
    try await reading { connection, deadline in
      let results = try await connection.pipeline(
        [PipelineStep(.beginSnapshot, [])] + DirectoryStanding.steps(for: self.region.ordinal)
          + steps + [PipelineStep(.rollback, [])], deadline: deadline)
      let sets = try PlacementRow.sets(results[7].rows)
      let documents = steps.count > 1 ? try DocumentRow.stretch(results[8].rows) : nil
      guard sets.count <= Int(Self.factsMax), documents?.through == nil else { return nil }
      return HeldFacts(
        standing: try DirectoryStanding(from: Array(results[1..<7])),
        placements: sets.sorted { $0.key < $1.key }.flatMap(\.value.placements), documents: documents?.facts ?? [])
    }
  }

  /// Takes a peer's documents in: see ``DocumentLearning``.
  package func learn(_ documents: [DocumentFact]) async throws(StoreError) -> DocumentLearning {
    try await directoryTransaction { transaction, state, _ in
      let held = try await self.heads(on: transaction.connection, deadline: transaction.deadline)
      let current = try await transaction.documents(of: Set(documents.map(\.id)))
      let learning = DocumentLearning(
        documents, here: VersionVector(held.mapValues(\.seq)), own: state.own, current: current)
      guard !learning.facts.isEmpty else { return (false, learning) }
      _ = try await transaction.run(
        DocumentRow.write(
          DocumentChange.changes(for: learning.facts, current: current, digest: DirectoryTransaction.digest),
          hash: transaction.hash))
      return (true, learning)
    }
  }

  /// Returns once this region's standbys have confirmed a commit that begins now: what was read before was then no older than this call,
  /// since a primary that was cut off or deposed gets no confirmation.
  package func barrier() async throws(StoreError) {
    try await reading { connection, _ in
      _ = try await self.verification.commit(
        [PipelineStep(.begin, []), PipelineStep(.waitForQuorum, []), PipelineStep(.leaveMark, []), PipelineStep(.commit, [])],
        concern: .quorum, on: connection)
    }
  }

  /// Takes a peer's facts in: see ``Learning``.
  /// - Returns: what was taken, and this region's own log if it grew.
  package func learn(
    _ facts: [Placement], theirs: FactsBasis, timestamp: HybridTimestamp
  ) async throws(StoreError) -> (learning: Learning, own: LogPosition?) {
    let tags = Set(facts.map(\.tag))
    return try await directoryTransaction(reading: [PipelineStep(PlacementRow.read, [.uuidArray(tags.map(\.bytes))])]) {
      transaction, state, results in
      let held = try await self.heads(on: transaction.connection, deadline: transaction.deadline)
      let current = try PlacementRow.sets(Array(results)[0].rows)
      let learning = Learning(
        facts, theirs: theirs, here: FactsBasis(vector: VersionVector(held.mapValues(\.seq)), reached: state.floors.reached),
        own: state.own, current: current)
      guard !learning.facts.isEmpty else { return (false, (learning, nil)) }
      var steps: [PipelineStep] = [PipelineStep(.noteUnlogged, [])]
      var restated: [LogRecord] = []
      if !learning.recovered.isEmpty {
        var own = try await transaction.lockLog(state.own)
        restated = learning.recovered.map { own.append(.placement(DirectoryEntry(restating: $0, timestamp: timestamp))) }
        steps += Self.append(restated, head: own.head)
      }
      let changes = PlacementChange.changes(for: learning.facts + restated.compactMap(\.placement), current: current)
      _ = try await transaction.run(steps + PlacementRow.write(state.floors.pruning(changes), hash: transaction.hash))
      return (true, (learning, restated.last?.position))
    }
  }

  /// The tags that begin with `prefix`: those after the first, up to the last. Both may be open.
  private static func bounds(of prefix: [UInt8]) -> (after: PostgresValue, last: PostgresValue) {
    let first = prefix + [UInt8](repeating: 0, count: SubjectTag.byteCount - prefix.count)
    let last = prefix + [UInt8](repeating: 0xff, count: SubjectTag.byteCount - prefix.count)
    guard let before = first.predecessor else { return (.null, .bytes(last)) }
    return (.bytes(before), .bytes(last))
  }

  /// Counts one bucket anew: rows that were damaged or lost under the digest are noticed then.
  /// - Returns: whether the digest that was kept was another.
  package func recount(bucket: UInt8) async throws(StoreError) -> Bool {
    try await directoryTransaction(reading: [PipelineStep(.readDigest, [])]) { transaction, _, results in
      var sum = DigestSum.zero
      try await self.forEachSet(under: [bucket], on: transaction.connection, deadline: transaction.deadline) {
        sum.add($0.digest(transaction.hash))
      }
      try await self.forEachDocument(under: [bucket], on: transaction.connection, deadline: transaction.deadline) {
        sum.add($0.digest(transaction.hash))
      }
      let kept = try Array(results)[0].rows.first { try $0.int32(0) == Int32(bucket) }
      guard let kept, try kept.int64(1) != Int64(bitPattern: sum.xor) || kept.int64(2) != sum.count else { return (false, false) }
      _ = try await transaction.run([
        PipelineStep(.setDigest, [.int32(Int32(bucket)), .int64(Int64(bitPattern: sum.xor)), .int64(sum.count)])
      ])
      return (true, true)
    }
  }

  /// For a directory of a thousand million subjects.
  private static let countingMax = Duration.seconds(6 * 3_600)

  /// Counts all placements and documents, unless they have been under this key.
  /// - Parameter check: tells the key apart from others, and not what it is.
  package func countDirectory(under check: [UInt8]) async throws {
    // A count that is lost is made again.
    try await directoryTransaction(reading: [PipelineStep(.readDigestKey, [])], concern: .local) { transaction, _, results in
      guard try Array(results)[0].rows.first?.bytes(0) != check else { return (false, ()) }
      var delta = DigestDelta()
      try await self.forEachSet(under: [], on: transaction.connection, deadline: .now + Self.countingMax) {
        delta.add($0, hash: transaction.hash)
      }
      try await self.forEachDocument(under: [], on: transaction.connection, deadline: .now + Self.countingMax) {
        delta.add($0, hash: transaction.hash)
      }
      _ = try await transaction.run(
        [PipelineStep(.clearDigest, [])] + DigestRow.fold(delta) + [PipelineStep(.writeDigestKey, [.bytes(check)])])
      return (true, ())
    }
  }
}

extension [UInt8] {
  /// The number before this one, in network byte order; `nil` before zero.
  fileprivate var predecessor: [UInt8]? {
    var bytes = self
    for index in bytes.indices.reversed() {
      if bytes[index] > 0 {
        bytes[index] -= 1
        return bytes
      }
      bytes[index] = 0xff
    }
    return nil
  }
}

extension Statement {
  static let readStretchPage = Statement(
    "read_stretch_page",
    """
    WITH page AS (
      SELECT \(PlacementRow.columns) FROM placement
       WHERE ($1::uuid IS NULL OR tag > $1::uuid) AND tag <= $2::uuid ORDER BY tag LIMIT $3::bigint
    )
    SELECT * FROM page
    UNION ALL
    SELECT \(PlacementRow.columns) FROM placement_sibling s WHERE s.tag IN (SELECT tag FROM page)
    """)
  /// Something to commit: what changes nothing is not waited for.
  static let leaveMark = Statement("leave_mark", "SELECT pg_logical_emit_message(true, 'domicile', '')")
  static let readDigest = Statement("read_digest", "SELECT bucket, xor, count FROM directory_digest")
  static let setDigest = Statement(
    "set_digest", "UPDATE directory_digest SET xor = $2::bigint, count = $3::bigint WHERE bucket = $1::integer")
  static let clearDigest = Statement("clear_digest", "UPDATE directory_digest SET xor = 0, count = 0")
  static let readDigestKey = Statement("read_digest_key", "SELECT digest_key FROM directory_state")
  static let writeDigestKey = Statement("write_digest_key", "UPDATE directory_state SET digest_key = $1::bytea")
}
