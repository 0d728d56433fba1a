import ConnectRPC
import Coordinator
import Directory
import DomicileAPI
import Foundation
import HTTPTypes
import Logging
import Postgres
import RegionStore
import Residency
import SwiftProtobuf

/// The region that registers: its store, opened as another of its coordinators would, and its own coordinator, called over HTTPS.
struct DirectoryBenchHome: Sendable {
  let region: RegionDescriptor
  private let regions: LabRegions
  private let store: RegionStore
  private let running: Task<Void, Never>
  private let client: ConnectClient
  private let headers: (app: HTTPFields, operator: HTTPFields)
  private let tagger: SubjectTagger
  private let target: LoadTarget

  init(_ region: RegionDescriptor, _ regions: LabRegions) async throws {
    self.region = region
    self.regions = regions
    tagger = try RegionSecrets(state: regions.state, region: region).tagger
    let store = try await Self.open(region, regions)
    self.store = store
    running = Task { await store.run() }
    client = try ConnectClient(
      baseURL: region.coordinator.url.text, tls: ClientTLS(trustRootsPEMPath: regions.state.authority.certificate))
    let issuer = try TokenIssuer(state: regions.state)
    func token(_ roles: Set<Principal.Role>) async throws -> String {
      let principal = Principal(name: "app:bench", purposes: [Purpose("service")], jurisdiction: nil, roles: roles)
      return try await issuer.token(for: principal, lifetime: .seconds(24 * 3_600))
    }
    let app = try await token([.app])
    headers = ([.authorization: "Bearer \(app)"], [.authorization: "Bearer \(try await token([.operator]))"])
    target = try LoadTarget(
      host: "localhost", port: region.coordinator.listen.port, authority: regions.state.authority.certificate, token: app,
      codec: .proto)
  }

  private static func open(_ region: RegionDescriptor, _ regions: LabRegions) async throws -> RegionStore {
    guard let cluster = await regions.deployment.cluster(of: region.id) else { throw DirectoryBench.Failure.noRegion }
    let secrets = try RegionSecrets(state: regions.state, region: region)
    return try await RegionStore(
      region: region, database: PostgresConfiguration(dsn: cluster.dsn(database: "domicile"), applicationName: "bench"),
      keyDatabase: PostgresConfiguration(dsn: cluster.dsn(database: "domicile_keys"), applicationName: "bench keys"),
      kek: secrets.kek, digestKey: secrets.digestKey,
      logger: Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  func close() async {
    await store.stop()
    await running.value
    try? await client.shutdown()
  }

  private static func id(_ number: Int) -> String { BenchPopulation(count: 0).subject(number) }

  func tag(of number: Int) throws -> SubjectTag {
    guard let id = SubjectID(Self.id(number)), let tag = tagger.tag(of: id) else { throw DirectoryBench.Failure.noRegion }
    return tag
  }

  /// As calls would, through the group committer: account, keys, entry, and leaf of each in one transaction of many.
  func register(_ numbers: Range<Int>, progress: @escaping @Sendable (Int) -> Void) async throws {
    let seeder = BenchSeeder(
      population: BenchPopulation(count: numbers.upperBound), region: region, tagger: tagger, hasRecords: false)
    try await seeder.seed(store, numbers) { done in
      if done.isMultiple(of: 100_000) { progress(done) }
    }
  }

  /// - Returns: the subject's tag, once the home has committed it.
  func call(registering number: Int) async throws -> SubjectTag {
    let request = Domicile_V1_RegisterSubjectRequest.with {
      $0.subjectID = Self.id(number)
      $0.residence.country = "IE"
    }
    let _: Domicile_V1_RegisterSubjectResponse = try await client.call(
      "domicile.v1.SubjectService", "RegisterSubject", request, headers: headers.app)
    return try tag(of: number)
  }

  /// How many are held in memory at a time: what a cache of its default size holds without pushing others out.
  private static let rememberedMax = 100_000

  /// On one core, of subjects that are in memory.
  func lookUpsPerSecond(of size: Int, for duration: Duration) async throws -> Double {
    let tags = try (0..<min(size, Self.rememberedMax)).map { try tag(of: $0) }
    for tag in tags where try await store.lookUp(tag) == nil {
      throw DirectoryBench.Failure.wrongAnswers("a registered subject is not found")
    }
    var (count, found) = (0, 0)
    let began = ContinuousClock.now
    while began.duration(to: .now) < duration {
      for tag in tags.prefix(10_000) {
        if try await store.lookUp(tag) != nil { found += 1 }
        count += 1
      }
    }
    let took = began.duration(to: .now)
    guard found == count else { throw DirectoryBench.Failure.wrongAnswers("a registered subject is not found any more") }
    return Double(count) / (took / .seconds(1))
  }

  /// LocateSubject over HTTPS, of everybody.
  func loadLookUps(of size: Int, for duration: Duration) async throws {
    let result = try await LoadGenerator(target).run(
      .init(connections: 8, callsAtOnce: 16, warmUp: .zero, measured: duration)
    ) { LocateScript(population: BenchPopulation(count: size), generator: SeededGenerator(seed: UInt64($0))) }
    guard result.failures.isEmpty else {
      throw DirectoryBench.Failure.wrongAnswers("look-ups failed: \(result.failures), \(result.firstFailure ?? "")")
    }
  }

  func compare(with other: RegionID) async throws -> Domicile_V1_CompareDirectoryResponse {
    try await compare(client, with: other, repair: false)
  }

  /// Lets another region take from this one what it lacks, as it does in the background every minute or two.
  func repair(_ other: RegionID) async throws {
    guard let region = regions.catalog[other] else { throw DirectoryBench.Failure.noRegion }
    let client = try ConnectClient(
      baseURL: region.coordinator.url.text, tls: ClientTLS(trustRootsPEMPath: regions.state.authority.certificate))
    do {
      _ = try await compare(client, with: self.region.id, repair: true)
    } catch {
      try? await client.shutdown()
      throw error
    }
    try? await client.shutdown()
  }

  private func compare(
    _ client: ConnectClient, with other: RegionID, repair: Bool
  ) async throws -> Domicile_V1_CompareDirectoryResponse {
    try await client.call(
      "domicile.v1.RegionService", "CompareDirectory",
      Domicile_V1_CompareDirectoryRequest.with {
        $0.region = other.rawValue
        $0.repair = repair
      }, headers: headers.operator, timeout: .seconds(60))
  }

  /// Counts one part of another region's copy anew, as its coordinator does from time to time.
  func recount(_ bucket: UInt8, of other: RegionID) async throws {
    guard let region = regions.catalog[other] else { throw DirectoryBench.Failure.noRegion }
    let store = try await Self.open(region, regions)
    let running = Task { await store.run() }
    _ = try await store.recount(bucket: bucket)
    await store.stop()
    await running.value
  }
}

/// LocateSubject of anybody.
private struct LocateScript: LoadScript {
  private static let encoder = CallEncoder(codec: .proto)
  let population: BenchPopulation
  var generator: SeededGenerator

  mutating func next() -> LoadCall {
    let number = Int.random(in: 0..<population.count, using: &generator)
    return Self.encoder.call(
      "domicile.v1.SubjectService/LocateSubject",
      Domicile_V1_LocateSubjectRequest.with { $0.subjectID = population.subject(number) })
  }
}
