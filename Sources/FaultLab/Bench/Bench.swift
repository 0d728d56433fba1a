package import Coordinator
import FoundationEssentials
import Histogram
import Logging
import Postgres
import RegionStore
import Residency

/// Measures a region as it is deployed against what its own parts can do, in one run: each ratio compares what ran in turns.
package struct Bench: Sendable {
  private let plan: BenchPlan
  private let bench: BenchRegion
  private let report: @Sendable (String) -> Void

  package enum Failure: Error, CustomStringConvertible {
    case noCluster
    case callsFailed(String, [Int: Int], String?)

    package var description: String {
      switch self {
      case .noCluster: "the benchmark's region has no cluster"
      case .callsFailed(let what, let statuses, let body):
        "\(what): \(statuses.map { "\($0.value) calls were answered with \($0.key)" }.sorted().joined(separator: ", ")): \(body ?? "")"
      }
    }
  }

  /// - Parameter report: told what is being done, for people who wait.
  package init(_ plan: BenchPlan, on bench: BenchRegion, report: @escaping @Sendable (String) -> Void) {
    self.plan = plan
    self.bench = bench
    self.report = report
  }

  /// Everything that one round measures.
  private struct Samples {
    var rates: [String: [Double]] = [:]
    var records: [String: [Double]] = [:]
    var results: [String: LoadResult] = [:]
    /// Microseconds of processor time for each record or call: of the coordinator, and of PostgreSQL.
    var costs: [String: [Double]] = [:]

    mutating func add(_ result: LoadResult, as name: String) {
      rates[name, default: []].append(result.callsPerSecond)
      records[name, default: []].append(result.weightPerSecond)
      results[name, default: LoadResult()].add(result)
    }
  }

  /// The region must have been started.
  package func run() async throws -> BenchReport {
    guard let cluster = await bench.deployment.cluster(of: bench.region.id),
      let process = await bench.deployment.processID(of: bench.region.id)
    else { throw Failure.noCluster }
    let idle = ProcessMemory.residentMegabytes(of: process) ?? 0
    try await seed(cluster)
    let pgbench = try await PgBench(cluster)
    report("pgbench makes its tables …")
    try await pgbench.prepare(scale: 10)
    report("PostgreSQL writes its log and its memory full once …")
    try await SettledServer.prepare(cluster, standbys: await bench.deployment.standbys(of: bench.region.id))
    let generator = LoadGenerator(try await target())
    let (samples, peak) = try await ProcessMemory.peak(of: process) {
      var samples = Samples()
      for round in 1...plan.rounds { try await measure(round, pgbench, generator, (process, cluster), &samples) }
      return samples
    }
    return summary(of: samples, idle: idle, peak: peak)
  }

  private func seed(_ cluster: PrivatePostgres) async throws {
    report("\(plan.subjects) subjects …")
    let secrets = try RegionSecrets(state: bench.state, region: bench.region)
    let logger = Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() })
    let store = try await RegionStore(
      region: bench.region, database: PostgresConfiguration(dsn: cluster.dsn(database: "domicile"), applicationName: "bench"),
      keyDatabase: PostgresConfiguration(dsn: cluster.dsn(database: "domicile_keys"), applicationName: "bench keys"),
      kek: secrets.kek, digestKey: secrets.digestKey, logger: logger)
    let running = Task { await store.run() }
    let seeder = BenchSeeder(population: BenchPopulation(count: plan.subjects), region: bench.region, tagger: secrets.tagger)
    do {
      try await seeder.seed(store) { report("  \($0) of \(plan.subjects)") }
    } catch {
      await store.stop()
      await running.value
      throw error
    }
    await store.stop()
    await running.value
  }

  private func target() async throws -> LoadTarget {
    let principal = Principal(name: "app:bench", purposes: [Purpose("service")], jurisdiction: nil, roles: [.app])
    let token = try await TokenIssuer(state: bench.state).token(for: principal, lifetime: .seconds(24 * 3_600))
    return try LoadTarget(
      host: "localhost", port: bench.region.coordinator.listen.port, authority: bench.state.authority.certificate, token: token,
      codec: plan.codec)
  }

  private func measure(
    _ round: Int, _ pgbench: PgBench, _ generator: LoadGenerator, _ measured: (coordinator: Int32, cluster: PrivatePostgres),
    _ samples: inout Samples
  ) async throws {
    let population = BenchPopulation(count: plan.subjects)
    let encoder = CallEncoder(codec: plan.codec)
    let seed = plan.seed &+ UInt64(round) &* 1_000
    @Sendable func random(_ connection: Int) -> SeededGenerator { SeededGenerator(seed: seed &+ UInt64(connection)) }
    func load(
      _ name: String, connections: Int, callsAtOnce: Int, _ script: @Sendable (Int) -> any LoadScript
    ) async throws {
      report("round \(round) of \(plan.rounds): \(name)")
      let before = (ProcessorTime.microseconds(of: measured.coordinator), ProcessorTime.microseconds(of: measured.cluster))
      let result = try await generator.run(
        .init(connections: connections, callsAtOnce: callsAtOnce, warmUp: plan.warmUp, measured: plan.measured), script: script)
      guard result.failures.isEmpty else { throw Failure.callsFailed(name, result.failures, result.firstFailure) }
      samples.add(result, as: name)
      // The warm-up costs too: the rate is taken to be the same.
      let records = Double(result.weight) * ((plan.warmUp + plan.measured) / plan.measured)
      let after = (ProcessorTime.microseconds(of: measured.coordinator), ProcessorTime.microseconds(of: measured.cluster))
      samples.costs["\(name) coordinator", default: []].append((after.0 - before.0) / max(1, records))
      samples.costs["\(name) postgres", default: []].append((after.1 - before.1) / max(1, records))
    }
    func compare(_ mode: PgBench.Mode, _ way: PgBench.Way = .asDeployed, connections: Int) async throws {
      let name = "pgbench \(mode.rawValue)\(way.rawValue)"
      report("round \(round) of \(plan.rounds): \(name)")
      let rate = try await pgbench.transactionsPerSecond(mode, way, connections: connections, duration: plan.measured)
      samples.rates[name, default: []].append(rate)
    }

    let reads = plan.scenarios.contains(.localRead)
    if reads || plan.scenarios.contains(.batchRead) {
      try await compare(.selectOnly, connections: plan.connections)
      try await compare(.selectOnly, .unixSocket, connections: plan.connections)
    }
    if reads {
      try await load("rpc", connections: plan.connections, callsAtOnce: plan.callsAtOnce) { _ in RPCScript(encoder: encoder) }
      try await load("local-read", connections: plan.connections, callsAtOnce: plan.callsAtOnce) {
        RecordScript(encoder: encoder, population: population, choice: .uniform, readShare: 1, generator: random($0))
      }
      try await measureHalfLoad(round, generator, &samples)
    }
    if plan.scenarios.contains(.batchRead) {
      try await load("batch-read", connections: plan.connections, callsAtOnce: 1) {
        BatchReadScript(encoder: encoder, population: population, size: BenchScenario.batchSize, generator: random($0))
      }
    }
    if plan.scenarios.contains(.write) {
      try await compare(.simpleUpdate, connections: plan.writeConnections)
      try await load("write", connections: plan.writeConnections, callsAtOnce: plan.callsAtOnce) {
        RecordScript(encoder: encoder, population: population, choice: .uniform, readShare: 0, generator: random($0))
      }
    }
    if plan.scenarios.contains(.mixed) {
      let zipfian = SubjectChoice.zipfian(Zipfian(below: plan.subjects))
      for (shape, readShare) in [("mixed-a", 0.5), ("mixed-b", 0.95), ("mixed-c", 1)] {
        try await load(shape, connections: plan.connections, callsAtOnce: plan.callsAtOnce) {
          RecordScript(encoder: encoder, population: population, choice: zipfian, readShare: readShare, generator: random($0))
        }
      }
    }
  }

  /// Reads at half of what was just reached, at even intervals: what a caller waits where the region is not driven to its limit.
  private func measureHalfLoad(_ round: Int, _ generator: LoadGenerator, _ samples: inout Samples) async throws {
    report("round \(round) of \(plan.rounds): local-read at half load")
    let population = BenchPopulation(count: plan.subjects)
    let encoder = CallEncoder(codec: plan.codec)
    let rate = (samples.rates["local-read"]?.last ?? 0) / 2
    let result = try await generator.run(
      .init(
        connections: plan.connections, callsAtOnce: plan.callsAtOnce, warmUp: plan.warmUp, measured: plan.measured,
        callsPerSecond: max(1, rate))
    ) {
      RecordScript(
        encoder: encoder, population: population, choice: .uniform, readShare: 1,
        generator: SeededGenerator(seed: plan.seed &+ UInt64(round) &* 1_000 &+ 777 &+ UInt64($0)))
    }
    guard result.failures.isEmpty else {
      throw Failure.callsFailed("local-read at half load", result.failures, result.firstFailure)
    }
    samples.add(result, as: "local-read half")
  }

  private func summary(of samples: Samples, idle: Double, peak: Double) -> BenchReport {
    var report = BenchReport(machine: Machine.description, plan: plan)
    for name in samples.rates.keys.sorted() {
      report.rows.append(
        .init(
          name: name, perSecond: Self.median(samples.rates[name] ?? []),
          recordsPerSecond: name == "batch-read" ? Self.median(samples.records[name] ?? []) : nil,
          latency: samples.results[name].map(BenchReport.Latency.init)))
    }
    /// The median of the rounds' ratios: what was measured in one round shares its noise.
    func ratio(_ name: String, _ upper: [Double]?, _ lower: [Double]?) {
      guard let upper, let lower else { return }
      report.figures[name] = Self.median(zip(upper, lower).map { $1 > 0 ? $0 / $1 : 0 })
    }
    ratio("read_vs_rpc", samples.rates["local-read"], samples.rates["rpc"])
    ratio("read_vs_pgbench", samples.rates["local-read"], samples.rates["pgbench -S"])
    ratio("batch_vs_pgbench", samples.records["batch-read"], samples.rates["pgbench -S"])
    ratio("write_vs_pgbench", samples.rates["write"], samples.rates["pgbench -N"])
    if let half = samples.results["local-read half"] { report.figures["read_p99_ms"] = half.milliseconds(atPercentile: 99) }
    for (name, costs) in samples.costs { report.costs[name] = Self.median(costs) }
    report.figures["rss_idle_mb"] = idle
    report.figures["rss_load_mb"] = peak
    return report
  }

  private static func median(_ numbers: [Double]) -> Double {
    let sorted = numbers.sorted()
    guard !sorted.isEmpty else { return 0 }
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}
