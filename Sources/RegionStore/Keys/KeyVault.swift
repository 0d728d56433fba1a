import Cryptography
import DequeModule
import Logging
import Postgres
import Residency

/// The subjects' keys: in a database of their own, wrapped under the region's key-encryption key, cached while they are in use.
actor KeyVault {
  private let pool: PostgresPool
  private let kek: KeyEncryptionKey
  /// After which a silent key database counts as lost.
  private let silenceMax: Duration
  private let cachedMax: Int
  private var cached: [SubjectTag: SubjectKeys] = [:]
  /// In order of arrival: the oldest is dropped first when the cache is full.
  private var order: Deque<SubjectTag> = []

  init(pool: PostgresPool, kek: KeyEncryptionKey, silenceMax: Duration, cachedMax: Int) {
    self.pool = pool
    self.kek = kek
    self.silenceMax = silenceMax
    self.cachedMax = cachedMax
  }

  /// What the vault holds of some subjects.
  struct Found {
    fileprivate(set) var keys: [SubjectTag: SubjectKeys] = [:]
    /// Subjects whose keys do not open: wrapped under another key-encryption key, or damaged.
    fileprivate(set) var unreadable: Set<SubjectTag> = []
  }

  /// The keys of those of `tags` that have any.
  func keys(for tags: [SubjectTag]) async throws -> Found {
    // Taken now: what is cached may be gone once the others are loaded.
    var known: [SubjectTag: SubjectKeys] = [:]
    for tag in tags { known[tag] = cached[tag] }
    let missing = tags.filter { known[$0] == nil }
    var found = missing.isEmpty ? Found() : try await load(missing)
    found.keys.merge(known) { loaded, _ in loaded }
    return found
  }

  /// Makes keys for those of `tags` that have none, durably, before anything is sealed under them.
  /// - Returns: the keys of all of `tags`, made now or before, by whichever coordinator.
  func create(for tags: [SubjectTag]) async throws -> [SubjectTag: SubjectKeys] {
    let existing = try await keys(for: tags)
    let missing = tags.filter { existing.keys[$0] == nil && !existing.unreadable.contains($0) }
    guard !missing.isEmpty else { return existing.keys }
    var data: [[UInt8]] = []
    var audit: [[UInt8]] = []
    for tag in missing {
      data.append(try wrap(try SecureRandom.bytes(32), tag: tag, use: .data))
      audit.append(try wrap(try SecureRandom.bytes(32), tag: tag, use: .audit))
    }
    let parameters: [PostgresValue] = [
      .bytesArray(missing.map(\.bytes)), .bytesArray(data), .bytesArray(audit), .text(kek.id),
    ]
    let steps = [
      PipelineStep(.begin, []), PipelineStep(.waitForQuorum, []), PipelineStep(Self.insert, parameters),
      PipelineStep(.commit, []),
    ]
    _ = try await pool.withConnection { try await $0.pipeline(steps, deadline: .now + self.silenceMax) }
    return try await keys(for: tags).keys
  }

  private func load(_ tags: [SubjectTag]) async throws -> Found {
    let parameters: [PostgresValue] = [.bytesArray(tags.map(\.bytes))]
    let result = try await pool.withConnection { try await $0.execute(Self.select, parameters, deadline: .now + self.silenceMax) }
    var found = Found()
    for row in result.rows {
      guard let tag = SubjectTag(try row.bytes(0)) else { throw StoreError.corrupt(what: "a tag") }
      do {
        guard try row.text(1) == kek.id else { throw StoreError.corrupt(what: "a subject's key") }
        let keys = SubjectKeys(
          data: try unwrap(try row.bytes(2), tag: tag, use: .data),
          audit: RootKey(try unwrap(try row.bytes(3), tag: tag, use: .audit)))
        found.keys[tag] = keys
        remember(keys, of: tag)
      } catch {
        found.unreadable.insert(tag)
      }
    }
    return found
  }

  private func remember(_ keys: SubjectKeys, of tag: SubjectTag) {
    if cached.updateValue(keys, forKey: tag) == nil { order.append(tag) }
    while order.count > cachedMax, let oldest = order.popFirst() { cached[oldest] = nil }
  }

  private enum Use: UInt8 { case data = 1, audit = 2 }

  private func wrap(_ key: [UInt8], tag: SubjectTag, use: Use) throws -> [UInt8] {
    try AESGCM.seal(key, key: kek.key, additionalData: tag.bytes + [use.rawValue])
  }

  private func unwrap(_ wrapped: [UInt8], tag: SubjectTag, use: Use) throws -> SymmetricKey {
    let context = tag.bytes + [use.rawValue]
    guard let bytes = try? AESGCM.open(wrapped, key: kek.key, additionalData: context), let key = SymmetricKey(bytes: bytes)
    else {
      throw StoreError.corrupt(what: "a subject's key")
    }
    return key
  }

  private static let select = Statement(
    "keys_select", "SELECT tag, kek, wrapped_key, wrapped_audit_key FROM subject_key WHERE tag = ANY ($1::bytea[])")
  private static let insert = Statement(
    "keys_insert",
    """
    INSERT INTO subject_key (tag, wrapped_key, wrapped_audit_key, kek)
    SELECT t.tag, t.data, t.audit, $4::text FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS t (tag, data, audit)
    ON CONFLICT (tag) DO NOTHING
    """)
}
