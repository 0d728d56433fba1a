import Cryptography
import Directory
import DomicileTestKit
import FaultLab
import Logging
import Postgres
import RegionStore
import Residency
import Synchronization
import Testing

/// A region's store on databases of its own, in the shared cluster unless another is given.
struct TestStore {
  let store: RegionStore
  let region: RegionDescriptor
  let dsn: String
  let keysDSN: String
  let kek: KeyEncryptionKey

  private let databases: Databases

  /// The name of the data's database.
  var database: String { databases.data }

  private struct Databases {
    let data: String
    let keys: String

    private static let made = Atomic(0)

    init(in cluster: PrivatePostgres) async throws {
      let number = Self.made.add(1, ordering: .relaxed).newValue
      (data, keys) = ("store_\(number)", "store_\(number)_keys")
      try await cluster.createDatabase(data)
      try await cluster.createDatabase(keys)
    }
  }

  /// Opens a store, serves it while `body` runs, and stops it.
  /// - Parameters:
  ///   - other: whose databases are used.
  ///   - set: a replica set whose servers are all listed in the connection string; `on` is its primary.
  ///   - options: command-line options of its sessions, e.g. `-c statement_timeout=200`.
  static func with(
    _ name: String = "eu-west", sharing other: TestStore? = nil, on cluster: PrivatePostgres? = nil,
    of set: PrivateReplicaSet? = nil, options: String = "",
    kek: KeyEncryptionKey? = nil, limits: GroupCommitter.Limits = .init(), _ body: (TestStore) async throws -> Void
  ) async throws {
    let cluster = if let cluster { cluster } else { try await ThrowawayPostgres.shared().server }
    let databases = if let other { other.databases } else { try await Databases(in: cluster) }
    let server = set?.discoveryDSN(database: databases.data) ?? cluster.dsn(database: databases.data)
    let dsn = options.isEmpty ? server : "\(server) options='\(options)'"
    let keysDSN = "\(cluster.dsn(database: databases.keys)) options='\(options)'"
    let region = try region(name)
    let key = try kek ?? other?.kek ?? KeyEncryptionKey(id: "test", key: SymmetricKey.random())
    let store = try await RegionStore(
      region: region, database: PostgresConfiguration(dsn: dsn, applicationName: "test"),
      keyDatabase: PostgresConfiguration(dsn: keysDSN, applicationName: "test keys"), kek: key,
      digestKey: [UInt8](repeating: 5, count: 32), limits: limits,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let serving = Task { await store.run() }
    do {
      try await body(TestStore(store: store, region: region, dsn: dsn, keysDSN: keysDSN, kek: key, databases: databases))
    } catch {
      await store.stop()
      await serving.value
      throw error
    }
    await store.stop()
    await serving.value
  }

  /// The log that it writes until its history is restarted.
  var log: LogID { LogID(origin: region.ordinal, incarnation: .first) }

  private static func region(_ name: String) throws -> RegionDescriptor {
    let ordinals = ["us-east": (1, "US"), "eu-west": (2, "IE"), "ap-south": (3, "IN")]
    let files = ordinals.map { id, place in
      (
        path: "regions/\(id).yaml",
        text: """
        region: \(id)
        ordinal: \(place.0)
        jurisdiction: \(place.1)
        name: \(id)
        location: { latitude: 0, longitude: 0 }
        coordinator: { listen: 127.0.0.1:710\(place.0), public: "https://localhost:710\(place.0)" }
        peer: { listen: 127.0.0.1:720\(place.0), url: "https://localhost:720\(place.0)" }
        store: { dsn: "dbname=a", keys_dsn: "dbname=b" }
        audit: { origin: \(id).example/audit, witnesses: [\(ordinals.keys.filter { $0 != id }.sorted().joined(separator: ", "))] }
        """
      )
    }
    let catalog = try RegionCatalog.load(files, environment: [:], local: nil)
    return try #require(RegionID(name).flatMap { catalog[$0] })
  }

  /// Runs SQL as the database's owner, beside the store.
  func sql(_ text: String) async throws {
    let connection = try await Self.connect(dsn)
    try await connection.script(text)
    await connection.close()
  }

  func value(_ query: String) async throws -> Int64 {
    let connection = try await Self.connect(dsn)
    let row = try await connection.execute(Statement("q", "SELECT (\(query))::bigint"), []).rows.first
    await connection.close()
    return try #require(row).int64(0)
  }

  /// Returns once `query`, of one boolean, is true. Fails the test after 20 s.
  func awaitTrue(_ query: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) async throws {
    let connection = try await Self.connect(dsn)
    try await connection.awaitTrue(query, sourceLocation: sourceLocation)
    await connection.close()
  }

  static func connect(_ dsn: String) async throws -> PostgresConnection {
    try await PostgresConnection.connect(
      PostgresConfiguration(dsn: dsn, applicationName: "test inspection"),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }
}

func tag(_ number: Int) throws -> SubjectTag {
  try #require(SubjectTag(Array(SHA256.hash(Array("subject \(number)".utf8)).prefix(16))))
}

/// A leaf that says `text`.
func leaf(_ text: String) -> LeafDraft {
  LeafDraft(details: nil) { _ in LeafDraft.Leaf(row: Array(text.utf8), hash: SHA256.hash([0] + Array(text.utf8))) }
}

let now: UInt64 = 1_780_000_000_000

extension TestStore {
  @discardableResult
  func register(_ tag: SubjectTag) async throws -> Committed<PlacementRefusal?> {
    let writer = PlacementWriter(region: region.ordinal)
    let residence = Residence(country: try #require(Jurisdiction("DE")))
    let needs = FactsNeeded(subjects: [tag], mayWrite: true, createsKeys: true)
    return try await store.commit(
      Operation(needs: needs, now: now) { facts, effects in
        do throws(PlacementRefusal) {
          let entry = try writer.register(tag, current: facts.placements[tag], timestamp: HybridTimestamp(milliseconds: now))
          effects.register(tag, residence: residence, entry: entry)
          effects.record(leaf("registered \(tag)"))
          return nil
        } catch {
          effects.record(leaf("refused \(tag)"))
          return error
        }
      })
  }

  func address(_ tag: SubjectTag, _ key: String = "main") -> RecordAddress {
    RecordAddress(tag: tag, collection: CollectionName("profile"), key: key)
  }

  /// Writes the next version if the present one is `expected` (`nil`: whatever it is), and says which version is there then.
  @discardableResult
  func put(
    _ value: String, at address: RecordAddress, expected: UInt64? = nil, concern: WriteConcern = .standard
  ) async throws -> Committed<UInt64?> {
    let needs = FactsNeeded(subjects: [address.tag], records: [address], mayWrite: true)
    return try await store.commit(
      Operation(needs: needs, now: now, concern: concern) { facts, effects in
        let current = facts.records[address]?.version ?? 0
        if let expected, expected != current { return nil }
        effects.put(address, version: current + 1, value: Array(value.utf8))
        effects.record(leaf("put \(address.key) \(current + 1)"))
        return current + 1
      })
  }

  /// Writes under a request id that may be repeated, and says where the write's leaf stands, whichever attempt made it.
  func putOnce(_ value: String, at address: RecordAddress, key: [UInt8]) async throws -> LeafReceipt {
    let needs = FactsNeeded(subjects: [address.tag], records: [address], requestKey: key, mayWrite: true)
    let committed = try await store.commit(
      Operation(needs: needs, now: UInt64(4_000_000_000_000)) { facts, effects -> LeafReceipt? in
        switch facts.settledRequests[key] {
        case .answered(_, _, let receipts): return receipts.first
        case .fenced: throw Fenced()
        case nil: break
        }
        effects.put(address, version: (facts.records[address]?.version ?? 0) + 1, value: Array(value.utf8))
        effects.record(leaf("once"))
        effects.remember([], about: address.tag, key: key, requestHash: SHA256.hash([1]))
        return nil
      })
    return try #require(committed.outcome ?? committed.receipts.first)
  }

  struct Fenced: Error {}

  func get(_ address: RecordAddress) async throws -> StoredRecord? {
    try await read(address, as: .linearizable).record
  }

  /// A read with all that it decided on.
  struct Reading {
    let record: StoredRecord?
    let subject: SubjectFacts?
    let point: ReadPoint
    let standing: CommitStanding?

    var text: String? { record?.value.map { String(decoding: $0, as: UTF8.self) } }
  }

  func read(_ address: RecordAddress, as preference: ReadPreference) async throws -> Reading {
    let needs = FactsNeeded(subjects: [address.tag], records: [address])
    let committed = try await store.commit(
      Operation(needs: needs, now: now) { facts, effects in
        effects.record(leaf("read \(address.key)"))
        return facts
      }, reading: preference)
    let facts = committed.outcome
    return Reading(
      record: facts.records[address], subject: facts.subjects[address.tag], point: facts.readPoint, standing: committed.standing)
  }

  /// Whether the write of that key took effect.
  func settle(_ key: [UInt8], about tag: SubjectTag) async throws -> Bool {
    let needs = FactsNeeded(subjects: [tag], requestKey: key, mayWrite: true)
    return try await store.commit(
      Operation(needs: needs, now: UInt64(4_000_000_000_000)) { facts, effects in
        effects.record(leaf("settle"))
        switch facts.settledRequests[key] {
        case .answered: return true
        case .fenced: return false
        case nil:
          effects.fence(key: key, about: tag)
          return false
        }
      }
    ).outcome
  }
}

extension TestStore {
  /// What a restore of an old backup leaves of the directory: registrations after `seq` of its own log never happened.
  func setBack(to seq: UInt64) async throws {
    let lost = "SELECT substring(entry FROM 4 FOR 16) FROM directory_log WHERE origin = \(region.ordinal) AND seq > \(seq)"
    try await sql(
      """
      DELETE FROM placement WHERE uuid_send(tag) IN (\(lost));
      DELETE FROM subject WHERE tag IN (\(lost));
      DELETE FROM directory_log WHERE origin = \(region.ordinal) AND seq > \(seq);
      UPDATE head SET directory_seq = \(seq), directory_chain =
        (SELECT chain FROM directory_log WHERE origin = \(region.ordinal) AND seq = \(seq));
      """)
    try await store.countDirectory(under: [2])
  }
}
