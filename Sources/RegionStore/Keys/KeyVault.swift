import Cryptography
import DequeModule
import Logging
import Postgres
import Residency

/// What came of giving one subject's keys to another id.
package enum KeyCopy: Hashable, Sendable {
  case copied
  /// The subject has no keys.
  case nothingToCopy
  /// The other id has keys of its own, which stay.
  case othersAreThere
}

/// The subjects' keys: in a database of their own, wrapped under the region's key-encryption key, cached while they are in use.
actor KeyVault {
  private let pool: PostgresPool
  nonisolated let kek: KeyEncryptionKey
  /// After which a silent key database counts as lost.
  private let silenceMax: Duration
  private let cachedMax: Int
  private struct Cached {
    let keys: SubjectKeys
    let since: ContinuousClock.Instant
  }

  private var cached: [SubjectTag: Cached] = [:]
  /// Another coordinator may have destroyed keys: here they are forgotten after this, and so is what they could open.
  private static let cachedFor = Duration.seconds(600)
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
  /// - Parameter remembers: Whether they are likely to be asked for again: those of all subjects would push out those in use.
  func keys(for tags: [SubjectTag], remembers: Bool = true) async throws -> Found {
    // Taken now: what is cached may be gone once the others are loaded.
    var known: [SubjectTag: SubjectKeys] = [:]
    let now = ContinuousClock.now
    for tag in tags {
      guard let entry = cached[tag], now - entry.since < Self.cachedFor else { continue }
      known[tag] = entry.keys
    }
    let missing = tags.filter { known[$0] == nil }
    var found = missing.isEmpty ? Found() : try await load(missing, remembers: remembers)
    found.keys.merge(known) { loaded, _ in loaded }
    return found
  }

  /// Makes keys for those of `tags` that have none, durably, before anything is sealed under them. What is remembered here is not
  /// asked: the keys may have been destroyed by another coordinator.
  /// - Returns: the keys of all of `tags`, made now or before, by whichever coordinator.
  func create(for tags: [SubjectTag]) async throws -> [SubjectTag: SubjectKeys] {
    let new = try Set(tags).map { tag in (tag, data: try SecureRandom.bytes(32), audit: try SecureRandom.bytes(32)) }
    let made = try await insert(new)
    var keys: [SubjectTag: SubjectKeys] = [:]
    keys.reserveCapacity(new.count)
    for (tag, data, audit) in new where made.contains(tag) {
      let made = SubjectKeys(data: try key(data), audit: RootKey(try key(audit)))
      keys[tag] = made
      remember(made, of: tag)
    }
    let others = new.map(\.0).filter { keys[$0] == nil }
    guard !others.isEmpty else { return keys }
    return try await load(others).keys.merging(keys) { loaded, _ in loaded }
  }

  /// Gives `newTag` the keys of `tag`, so that what the log says of the one can be read with the other's.
  /// - Throws: `StoreError.corrupt` where the keys of `tag` do not open.
  func copy(from tag: SubjectTag, to newTag: SubjectTag) async throws -> KeyCopy {
    guard let keys = try await raw(tag) else { return .nothingToCopy }
    try await insert([(newTag, data: keys.data, audit: keys.audit)])
    guard let found = try await raw(newTag), found == keys else { return .othersAreThere }
    return .copied
  }

  private func raw(_ tag: SubjectTag) async throws -> (data: [UInt8], audit: [UInt8])? {
    let parameters: [PostgresValue] = [.bytesArray([tag.bytes])]
    let result = try await pool.withConnection { try await $0.execute(Self.select, parameters, deadline: .now + self.silenceMax) }
    guard let row = result.rows.first else { return nil }
    guard try row.text(1) == kek.id else { throw StoreError.corrupt(what: "a subject's key") }
    return (try unwrap(try row.bytes(2), tag: tag, use: .data), try unwrap(try row.bytes(3), tag: tag, use: .audit))
  }

  /// Nothing that was sealed under them can be read after this.
  func destroy(_ tag: SubjectTag) async throws {
    let steps = [
      PipelineStep(.begin, []), PipelineStep(.waitForQuorum, []), PipelineStep(Self.delete, [.bytes(tag.bytes)]),
      PipelineStep(.commit, []),
    ]
    _ = try await pool.withConnection { try await $0.pipeline(steps, deadline: .now + self.silenceMax) }
    cached[tag] = nil
  }

  /// - Returns: those that had no keys: they have these now, durably.
  @discardableResult
  private func insert(_ new: [(tag: SubjectTag, data: [UInt8], audit: [UInt8])]) async throws -> Set<SubjectTag> {
    let parameters: [PostgresValue] = [
      .bytesArray(new.map(\.tag.bytes)), .bytesArray(try new.map { try wrap($0.data, tag: $0.tag, use: .data) }),
      .bytesArray(try new.map { try wrap($0.audit, tag: $0.tag, use: .audit) }), .text(kek.id),
    ]
    let steps = [
      PipelineStep(.begin, []), PipelineStep(.waitForQuorum, []), PipelineStep(Self.insert, parameters),
      PipelineStep(.commit, []),
    ]
    let results = try await pool.withConnection { try await $0.pipeline(steps, deadline: .now + self.silenceMax) }
    return Set(
      try results[2].rows.map { row in
        guard let tag = SubjectTag(try row.bytes(0)) else { throw StoreError.corrupt(what: "a tag") }
        return tag
      })
  }

  private func load(_ tags: [SubjectTag], remembers: Bool = true) async throws -> Found {
    let parameters: [PostgresValue] = [.bytesArray(tags.map(\.bytes))]
    let result = try await pool.withConnection { try await $0.execute(Self.select, parameters, deadline: .now + self.silenceMax) }
    var found = Found()
    for row in result.rows {
      guard let tag = SubjectTag(try row.bytes(0)) else { throw StoreError.corrupt(what: "a tag") }
      do {
        guard try row.text(1) == kek.id else { throw StoreError.corrupt(what: "a subject's key") }
        let keys = SubjectKeys(
          data: try key(try unwrap(try row.bytes(2), tag: tag, use: .data)),
          audit: RootKey(try key(try unwrap(try row.bytes(3), tag: tag, use: .audit))))
        found.keys[tag] = keys
        if remembers { remember(keys, of: tag) }
      } catch {
        found.unreadable.insert(tag)
      }
    }
    return found
  }

  private func remember(_ keys: SubjectKeys, of tag: SubjectTag) {
    if cached.updateValue(Cached(keys: keys, since: .now), forKey: tag) == nil { order.append(tag) }
    while order.count > cachedMax, let oldest = order.popFirst() { cached[oldest] = nil }
  }

  private enum Use: UInt8 { case data = 1, audit = 2 }

  private func wrap(_ key: [UInt8], tag: SubjectTag, use: Use) throws -> [UInt8] {
    try AESGCM.seal(key, key: kek.key, additionalData: tag.bytes + [use.rawValue])
  }

  private func unwrap(_ wrapped: [UInt8], tag: SubjectTag, use: Use) throws -> [UInt8] {
    do { return try AESGCM.open(wrapped, key: kek.key, additionalData: tag.bytes + [use.rawValue]) } catch {
      throw StoreError.corrupt(what: "a subject's key")
    }
  }

  private func key(_ bytes: [UInt8]) throws -> SymmetricKey {
    guard let key = SymmetricKey(bytes: bytes) else { throw StoreError.corrupt(what: "a subject's key") }
    return key
  }

  private static let select = Statement(
    "keys_select", "SELECT tag, kek, wrapped_key, wrapped_audit_key FROM subject_key WHERE tag = ANY ($1::bytea[])")
  private static let delete = Statement("keys_delete", "DELETE FROM subject_key WHERE tag = $1::bytea")
  private static let insert = Statement(
    "keys_insert",
    """
    INSERT INTO subject_key (tag, wrapped_key, wrapped_audit_key, kek)
    SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[]), $4::text
    ON CONFLICT (tag) DO NOTHING RETURNING tag
    """)
}
