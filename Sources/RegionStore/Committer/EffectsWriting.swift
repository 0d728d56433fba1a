import Cryptography
import Directory
import Postgres
import Residency

/// The last round trip of a batch: advance the head, append the leaves, write the rows, commit. One vectorised statement for
/// each table, however many operations the batch has.
struct EffectsWriting {
  /// For the directory's digest.
  let hash: KeyedHash
  /// Seals the steps of workflows.
  let kek: KeyEncryptionKey
  private(set) var leaves: [LeafDraft.Leaf] = []
  private var records: [(write: Effects.RecordWrite, sealed: [UInt8]?, at: UInt64)] = []
  private var registrations: [(registration: Effects.Registration, residence: [UInt8], at: UInt64)] = []
  private var consents: [Effects.ConsentWrite] = []
  private var answers: [(answer: Effects.Answer, sealed: [UInt8], leaves: Range<Int>, at: UInt64)] = []
  private var placements: [Effects.PlacementWrite] = []
  private var states: [(tag: SubjectTag, state: SubjectState)] = []
  private var removed: [SubjectTag] = []
  private var workflows = WorkflowWriting()
  private var placed: DirectoryAppending.Placed?

  /// How long a repeat of a write finds its first answer: 24 hours.
  private static let answersKeptMilliseconds: UInt64 = 24 * 3_600 * 1_000

  init(hash: @escaping KeyedHash, kek: KeyEncryptionKey) {
    self.hash = hash
    self.kek = kek
  }

  /// - Throws: Where something cannot be written. Nothing of `effects` is then taken in.
  mutating func add(_ effects: Effects, keys: [SubjectTag: SubjectKeys], nonces: inout AESGCM.Nonces) throws {
    let newLeaves = try effects.leaves.map { draft in
      let sealed = try draft.details.map { details in
        try Sealer.sealDetails(
          details.bytes, of: details.tag, keys: try Self.keys(of: details.tag, in: keys), nonces: &nonces)
      }
      return try draft.render(sealed)
    }
    let newRecords = try effects.records.map { write in
      let sealed = try write.value.map { value in
        try Sealer.seal(
          value, at: write.address, version: write.version, keys: try Self.keys(of: write.address.tag, in: keys), nonces: &nonces)
      }
      return (write, sealed, effects.now)
    }
    let newRegistrations = try effects.registrations.map { registration in
      let keys = try Self.keys(of: registration.tag, in: keys)
      return (registration, try Sealer.seal(registration.residence, of: registration.tag, keys: keys), effects.now)
    }
    let newAnswers = try effects.answers.map { answer in
      let sealed = try Sealer.sealAnswer(
        answer.form, of: answer.tag, key: answer.key, keys: try Self.keys(of: answer.tag, in: keys))
      return (answer, sealed, leaves.count..<leaves.count + newLeaves.count, effects.now)
    }
    try workflows.add(effects.workflows, now: effects.now, kek: kek)
    answers += newAnswers
    leaves += newLeaves
    records += newRecords
    registrations += newRegistrations
    consents += effects.consents
    placements += effects.placements
    states += effects.states.map { (tag: $0.key, state: $0.value) }
    removed += effects.removed
  }

  private static func keys(of tag: SubjectTag, in keys: [SubjectTag: SubjectKeys]) throws -> SubjectKeys {
    guard let keys = keys[tag] else { throw StoreError.corrupt(what: "a subject's keys") }
    return keys
  }

  mutating func append(_ placed: DirectoryAppending.Placed) { self.placed = placed }

  /// What this region's directory log grows by.
  var directoryRecords: [LogRecord] { placed?.records ?? [] }

  /// What comes before the others.
  var openingSteps: [PipelineStep] { placed?.opening ?? [] }

  /// The first step answers the new head.
  var steps: [PipelineStep] {
    var steps = [advanceHead]
    if let placed {
      steps.append(LogRow.insert(placed.records))
      steps += PlacementRow.write(placed.changes, hash: hash) + DocumentRow.write(placed.documentChanges, hash: hash)
    }
    if !registrations.isEmpty { steps.append(insertSubjects) }
    if !records.isEmpty { steps.append(upsertRecords) }
    if !consents.isEmpty { steps.append(upsertConsents) }
    if !answers.isEmpty {
      steps.append(PipelineStep(Self.dropExpiredAnswers, [.bytesArray(answers.map(\.answer.key))]))
      steps.append(keepAnswers)
    }
    if !placements.isEmpty { steps.append(setEpochs) }
    if !states.isEmpty { steps.append(setStates) }
    if !removed.isEmpty {
      steps += Self.removeStatements.map { PipelineStep($0, [.bytesArray(removed.map(\.bytes))]) }
    }
    steps += workflows.steps
    steps.append(PipelineStep(.commit, []))
    return steps
  }

  func firstLeafIndex(from results: [PostgresResult]) throws -> UInt64 {
    guard let head = results.first?.rows.first else { throw StoreError.corrupt(what: "the head") }
    return try head.uint64(0) - UInt64(leaves.count)
  }

  private var advanceHead: PipelineStep {
    let chain: PostgresValue = placed.map { .bytes($0.head.chain.bytes) } ?? .null
    let values: [PostgresValue] = [.int64(Int64(leaves.count)), .int64(Int64(placed?.records.count ?? 0)), chain]
    guard !leaves.isEmpty else { return PipelineStep(Self.advanceHeadStatement, values) }
    let packs = LeafPack.packs(of: leaves)
    var starts: [Int64] = []
    for pack in packs.dropLast() { starts.append((starts.last ?? 0) + Int64(pack.count)) }
    return PipelineStep(
      Self.appendLeavesStatement,
      values + [.int64Array([0] + starts), .bytesArray(packs.map(\.leaves)), .bytesArray(packs.map(\.hashes))])
  }

  private var insertSubjects: PipelineStep {
    PipelineStep(
      Self.insertSubjectsStatement,
      [
        .bytesArray(registrations.map(\.registration.tag.bytes)), .bytesArray(registrations.map(\.residence)),
        .timestampArray(registrations.map { Int64($0.at) }),
      ])
  }

  private var upsertRecords: PipelineStep {
    PipelineStep(
      Self.upsertRecordsStatement,
      [
        .bytesArray(records.map(\.write.address.tag.bytes)), .textArray(records.map(\.write.address.collection.rawValue)),
        .textArray(records.map(\.write.address.key)), .int64Array(records.map { Int64($0.write.version) }),
        .bytesArray(records.map(\.sealed)), .timestampArray(records.map { Int64($0.at) }),
      ])
  }

  private var upsertConsents: PipelineStep {
    PipelineStep(
      Self.upsertConsentsStatement,
      [
        .bytesArray(consents.map(\.tag.bytes)), .textArray(consents.map(\.consent.purpose.rawValue)),
        .textArray(consents.map(\.consent.kind)), .timestampArray(consents.map { Int64($0.consent.givenAt) }),
        .timestampArray(consents.map { $0.consent.withdrawnAt.map(Int64.init) }),
      ])
  }

  private var setEpochs: PipelineStep {
    PipelineStep(
      Self.setEpochsStatement,
      [.bytesArray(placements.map(\.tag.bytes)), .int64Array(placements.map { Int64(bitPattern: $0.entry.epoch.rawValue) })])
  }

  private var setStates: PipelineStep {
    PipelineStep(Self.setStatesStatement, [.bytesArray(states.map(\.tag.bytes)), .textArray(states.map(\.state.rawValue))])
  }

  private var keepAnswers: PipelineStep {
    PipelineStep(
      Self.keepAnswersStatement,
      [
        .bytesArray(answers.map(\.answer.key)), .bytesArray(answers.map(\.answer.tag.bytes)), .bytesArray(answers.map(\.sealed)),
        .int64Array(answers.map { Int64($0.leaves.lowerBound - leaves.count) }),
        .bytesArray(answers.map { answer in leaves[answer.leaves].flatMap(\.hash) }),
        .timestampArray(answers.map { Int64($0.at + Self.answersKeptMilliseconds) }),
      ])
  }

  private static let advanceHeadText = """
    UPDATE head SET audit_size = audit_size + $1::bigint, directory_seq = directory_seq + $2::bigint,
                    directory_chain = coalesce($3::bytea, directory_chain)
    RETURNING audit_size
    """
  private static let advanceHeadStatement = Statement("advance_head", advanceHeadText)
  /// In one statement with the head: nearly every batch has leaves.
  private static let appendLeavesStatement = Statement(
    "append_leaves",
    """
    WITH grown AS (\(advanceHeadText)), appended AS (
      INSERT INTO audit_leaf (index, leaf, leaf_hash)
      SELECT grown.audit_size - $1::bigint + unnest($4::bigint[]), unnest($5::bytea[]), unnest($6::bytea[]) FROM grown)
    SELECT audit_size FROM grown
    """)
  private static let insertSubjectsStatement = Statement(
    "insert_subjects",
    """
    INSERT INTO subject (tag, epoch, state, residence, registered_at)
    SELECT unnest($1::bytea[]), 1, 'active', unnest($2::bytea[]), unnest($3::timestamptz[])
    """)
  private static let setEpochsStatement = Statement(
    "set_epochs",
    """
    UPDATE subject s SET epoch = t.epoch FROM unnest($1::bytea[], $2::bigint[]) AS t (tag, epoch) WHERE s.tag = t.tag
    """)
  private static let setStatesStatement = Statement(
    "set_states",
    """
    UPDATE subject s SET state = t.state FROM unnest($1::bytea[], $2::text[]) AS t (tag, state) WHERE s.tag = t.tag
    """)
  private static let removeStatements = ["record", "consent", "idempotency", "subject"].map { table in
    Statement("remove_\(table)", "DELETE FROM \(table) WHERE tag = ANY ($1::bytea[])")
  }
  private static let upsertRecordsStatement = Statement(
    "upsert_records",
    """
    INSERT INTO record (tag, collection, key, version, sealed, updated_at)
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::timestamptz[])
    ON CONFLICT (tag, collection, key)
    DO UPDATE SET version = excluded.version, sealed = excluded.sealed, updated_at = excluded.updated_at
    """)
  private static let upsertConsentsStatement = Statement(
    "upsert_consents",
    """
    INSERT INTO consent (tag, purpose, kind, given_at, withdrawn_at)
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
    ON CONFLICT (tag, purpose)
    DO UPDATE SET kind = excluded.kind, given_at = excluded.given_at, withdrawn_at = excluded.withdrawn_at
    """)
  private static let keepAnswersStatement = Statement(
    "keep_answers",
    """
    INSERT INTO idempotency (key, tag, sealed, leaf_index, leaf_hash, expires_at)
    SELECT t.key, t.tag, t.sealed, head.audit_size + t.leaf, t.leaf_hash, t.expires_at
      FROM head, unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::timestamptz[])
             AS t (key, tag, sealed, leaf, leaf_hash, expires_at)
    """)
  /// Before the insert, so that an id may be used again after its time; one still in use makes the insert fail, and the batch is
  /// decided again with the answer in its facts. Others that have expired go too, some with each batch.
  private static let dropExpiredAnswers = Statement(
    "drop_expired_answers",
    """
    DELETE FROM idempotency WHERE expires_at <= now() AND (key = ANY ($1::bytea[]) OR key IN (
      SELECT key FROM idempotency WHERE expires_at <= now() ORDER BY expires_at LIMIT 200 FOR UPDATE SKIP LOCKED))
    """)
}
