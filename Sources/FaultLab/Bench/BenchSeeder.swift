import AuditTrail
import Coordinator
import Cryptography
import Directory
import FoundationEssentials
import Logging
import Postgres
import RegionStore
import Residency
import SwiftProtobuf

/// Registers the benchmark's subjects with a record each, through the region's own store: sealed, in the directory, and recorded, as a
/// coordinator would; only the calls of apps are left out, because there may be a million.
struct BenchSeeder: Sendable {
  let population: BenchPopulation
  let region: RegionDescriptor
  let tagger: SubjectTagger
  /// Whether each has a record.
  var hasRecords = true

  /// Operations under way at once: a few full batches.
  private static let atOnce = 4_096
  private static let residence = Jurisdiction("IE").map { Residence(country: $0, subdivision: nil, citizenship: nil) }

  /// Those that are there already stay as they are.
  /// - Parameters:
  ///   - numbers: of the subjects; `nil` for the whole population.
  ///   - progress: told how many are done, from time to time.
  func seed(
    _ store: RegionStore, _ numbers: Range<Int>? = nil, progress: @escaping @Sendable (Int) -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var underWay = 0
      for number in numbers ?? 0..<population.count {
        if underWay == Self.atOnce {
          try await group.next()
          underWay -= 1
        }
        underWay += 1
        group.addTask { try await register(number, in: store) }
        if number.isMultiple(of: 10_000), number > 0 { progress(number) }
      }
      try await group.waitForAll()
    }
  }

  private func register(_ number: Int, in store: RegionStore) async throws {
    guard let id = SubjectID(population.subject(number)), let tag = tagger.tag(of: id),
      let residence = Self.residence, let salt = AuditEvent.Salt(try SecureRandom.bytes(AuditEvent.Salt.byteCount))
    else { throw StoreError.corrupt(what: "a subject's id") }
    let now = UInt64(Date().timeIntervalSince1970 * 1_000)
    var event = AuditEvent(
      time: UTCTime(milliseconds: Int64(now)), id: try SecureRandom.bytes(16).hex, activity: .register, effect: .allowed,
      requester: .init(region: region.id, jurisdiction: region.jurisdiction), salt: salt)
    event.principal = "bench"
    let row = event.row
    let hash = try row.leafHash().bytes
    let leaf = LeafDraft(details: nil) { _ in LeafDraft.Leaf(row: row.bytes, hash: hash) }
    let document =
      hasRecords
      ? try JSONValue(parsing: BenchPopulation.document(salt: UInt64(number)).jsonUTF8Bytes() as [UInt8]).canonicalBytes : nil
    let address = RecordAddress(tag: tag, collection: CollectionName(BenchPopulation.collection), key: BenchPopulation.key)
    let ordinal = region.ordinal
    let needs = FactsNeeded(subjects: [tag], mayWrite: true, createsKeys: true)
    _ = try await store.commit(
      Operation(needs: needs, now: now) { facts, effects in
        guard facts.subjects[tag] == nil else { return }
        let entry = try PlacementWriter(region: ordinal).register(
          tag, current: facts.placements[tag], timestamp: HybridTimestamp(milliseconds: now))
        effects.record(leaf)
        effects.register(tag, residence: residence, entry: entry)
        if let document { effects.put(address, version: 1, value: document) }
      })
  }
}
