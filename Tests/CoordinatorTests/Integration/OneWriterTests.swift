import ConnectRPC
import Coordinator
import Cryptography
import Directory
import DomicileAPI
import DomicileTestKit
import FaultLab
import Logging
import Postgres
import RegionStore
import Residency
import SwiftProtobuf
import Testing

extension Integration {
  /// Invariant 8, as the region that is sent a batch upholds it: `ap-south`, which takes the logs of the others in.
  @Suite struct OneWriter {
    private static let europe = ordinal(2)
    private static let india = ordinal(3)
    private static let log = LogID(origin: europe, incarnation: .first)
    private static let digest: Digest = { SHA256.hash($0) }

    @Test func `only what a region itself wrote is applied from its log`() async throws {
      let tag = try tag(1)
      let genuine = try PlacementWriter(region: Self.europe).register(tag, current: nil, timestamp: .init(milliseconds: 1))
      var log = OwnLog(Self.log, head: .start(of: Self.log, digest: Self.digest), digest: Self.digest)
      let record = log.append(.placement(genuine))

      try await withStore { store in
        #expect(try await store.apply(batch([record.bytes])) == .applied(record.position))
        let before = try await store.placement(of: tag)
        let heads = try await store.appliedHeads()
        #expect(before == .settled(try #require(record.placement)))

        // A registration that makes another region home: that region would have written it itself.
        let elsewhere = try PlacementWriter(region: Self.india).register(
          self.tag(2), current: nil, timestamp: .init(milliseconds: 2))
        let forged = try await store.apply(batch([elsewhere.encoded], from: 2, after: record.chain))
        #expect(forged == .unreadable(at: LogPosition(log: Self.log, seq: 2), .contradictory(.writtenElsewhere)))
        #expect(try await store.placement(of: self.tag(2)) == nil)

        // Another entry in the place of one that is held.
        let other = try PlacementWriter(region: Self.europe).register(
          self.tag(3), current: nil, timestamp: .init(milliseconds: 3))
        #expect(try await store.apply(batch([other.encoded])) == .chainMismatch(at: record.position))
        // One that does not follow what is held, however well it is summed up.
        let follower = batch([other.encoded], from: 2, after: .start(of: Self.log, digest: Self.digest))
        #expect(try await store.apply(follower) == .chainMismatch(at: record.position))
        #expect(try await store.placement(of: self.tag(3)) == nil)

        #expect(try await store.placement(of: tag) == before)
        #expect(try await store.appliedHeads() == heads)
      }
    }

    @Test func `nobody's copy of a region's own log is applied to it`() async throws {
      let tag = try tag(4)
      let own = LogID(origin: Self.india, incarnation: .first)
      let forged = try PlacementWriter(region: Self.india).register(tag, current: nil, timestamp: .init(milliseconds: 1))
      try await withStore { store in
        let heads = try await store.appliedHeads()
        let batch = try #require(
          LogBatch(log: own, first: 1, previousChain: .start(of: own, digest: Self.digest), rows: [forged.encoded]))
        #expect(try await store.apply(batch) == .ownLog(own))
        #expect(try await store.placement(of: tag) == nil)
        #expect(try await store.appliedHeads() == heads)
      }
    }

    private func batch(_ rows: [[UInt8]], from first: UInt64 = 1, after chain: ChainHash? = nil) -> LogBatch {
      let chain = chain ?? .start(of: Self.log, digest: Self.digest)
      let last = first + UInt64(rows.count - 1)
      return LogBatch(
        origin: Self.log.origin, incarnation: Self.log.incarnation, first: first, last: last, previousChain: chain, entries: rows,
        crc: LogBatch.checksum(
          origin: Self.log.origin, incarnation: Self.log.incarnation, first: first, last: last, previousChain: chain,
          entries: rows))
    }

    private func tag(_ number: UInt8) throws -> SubjectTag { try #require(SubjectTag([UInt8](repeating: number, count: 16))) }

    private static func ordinal(_ number: Int) -> RegionOrdinal {
      guard let ordinal = RegionOrdinal(number) else { preconditionFailure("\(number) is no ordinal") }
      return ordinal
    }

    /// A store of ap-south's on an empty database.
    private func withStore(_ body: (RegionStore) async throws -> Void) async throws {
      let world = try await World.shared()
      let cluster = try #require(await world.deployment.regions.cluster(of: .apSouth))
      let letters = SystemRandomNumberGenerator.letters(12)
      let (data, keys) = ("one_writer_\(letters)", "one_writer_keys_\(letters)")
      for name in [data, keys] { try await cluster.createDatabase(name) }
      let store = try await RegionStore(
        region: try #require(world.deployment.catalog[.apSouth]),
        database: PostgresConfiguration(dsn: cluster.dsn(database: data), applicationName: "test"),
        keyDatabase: PostgresConfiguration(dsn: cluster.dsn(database: keys), applicationName: "test"),
        kek: KeyEncryptionKey(id: "test", key: try #require(SymmetricKey(bytes: [UInt8](repeating: 7, count: 32)))),
        digestKey: [UInt8](repeating: 5, count: 32),
        logger: Logger(label: "test"))
      let result: Result<Void, any Error>
      do { result = .success(try await body(store)) } catch { result = .failure(error) }
      await store.stop()
      await store.run()
      try result.get()
    }
  }
}

extension SystemRandomNumberGenerator {
  static func letters(_ count: Int) -> String {
    String((0..<count).compactMap { _ in "abcdefghijklmnopqrstuvwxyz".randomElement() })
  }
}
