import ConnectRPC
package import Coordinator
import Directory
import DomicileAPI
import Foundation
import HTTPTypes
import Histogram
import Logging
import Postgres
import RegionStore
package import Residency

/// What a benchmark of the directory does.
package struct DirectoryBenchPlan: Sendable {
  /// Entries at which everything is measured, ascending.
  package var sizes: [Int]
  /// Registrations whose way to the other regions is watched, at each size.
  package var watched: Int
  /// How long look-ups are measured.
  package var measured: Duration
  /// How long a byte is under way from one region to another, beside what this machine takes.
  package var delay: Duration

  package init(sizes: [Int], watched: Int, measured: Duration, delay: Duration) {
    self.delay = delay
    self.sizes = sizes
    self.watched = watched
    self.measured = measured
  }
}

/// Measures the directory of regions as they are deployed: coordinators that replicate over mutual TLS, each over its own PostgreSQL.
///
/// The first region registers, the second follows all the while, and the last is away until each size is reached, and then catches up.
package struct DirectoryBench: Sendable {
  let plan: DirectoryBenchPlan
  let regions: LabRegions
  let report: @Sendable (String) -> Void

  package enum Failure: Error, CustomStringConvertible {
    case noRegion
    case notReached(RegionID, Int, of: Int)
    case wrongAnswers(String)

    package var description: String {
      switch self {
      case .noRegion: "a region of the benchmark is missing"
      case .notReached(let region, let count, let wanted): "\(region) holds \(count) of \(wanted) entries, and no more come"
      case .wrongAnswers(let what): what
      }
    }
  }

  /// - Parameter report: told what is being done, for people who wait.
  package init(
    _ plan: DirectoryBenchPlan, on regions: LabRegions, report: @escaping @Sendable (String) -> Void
  ) {
    self.plan = plan
    self.regions = regions
    self.report = report
  }

  /// The regions must have been started.
  package func run() async throws -> DirectoryBenchReport {
    guard let first = regions.catalog.regions.first, let last = regions.catalog.regions.last, first.id != last.id else {
      throw Failure.noRegion
    }
    let watchers = try await connections()
    let home = try await DirectoryBenchHome(first, regions)
    var result = DirectoryBenchReport(machine: Machine.description, plan: plan)
    do {
      var done = 0
      for size in plan.sizes {
        result.add(try await measure(from: done, to: size, home, away: last, watchers), at: size)
        done = size + plan.watched
      }
    } catch {
      await home.close()
      for watcher in watchers { await watcher.close() }
      throw error
    }
    await home.close()
    for watcher in watchers { await watcher.close() }
    return result
  }

  private func connections() async throws -> [DirectoryWatcher] {
    var watchers: [DirectoryWatcher] = []
    for region in regions.catalog.regions {
      guard let cluster = await regions.deployment.cluster(of: region.id) else { throw Failure.noRegion }
      try await SettledServer.prepare(cluster, standbys: [])
      watchers.append(try await DirectoryWatcher(region.id, cluster))
    }
    return watchers
  }

  /// - Parameters:
  ///   - done: how many entries there are already.
  ///   - size: how many there are to be.
  ///   - away: the region that does not hear of them before they are all there.
  private func measure(
    from done: Int, to size: Int, _ home: DirectoryBenchHome, away: RegionDescriptor, _ watchers: [DirectoryWatcher]
  ) async throws -> [String: Double] {
    var figures: [String: Double] = [:]
    guard let origin = watchers.first, let absent = watchers.last, let second = watchers.dropFirst().first else {
      throw Failure.noRegion
    }
    await regions.deployment.stopCoordinator(of: away.id)
    report("\(GroupedNumber.text(size)) entries: registering …")
    let began = ContinuousClock.now
    try await home.register(done..<size) { report("  \(GroupedNumber.text($0))") }
    let registered = began.duration(to: .now)
    let total = try await origin.head()
    try await second.wait(for: total, of: origin.log)
    let replicated = began.duration(to: .now)
    figures["registrations_per_s"] = Double(size - done) / (registered / .seconds(1))
    figures["replicated_per_s"] = Double(size - done) / (replicated / .seconds(1))

    report("\(GroupedNumber.text(size)) entries: \(away.id) catches up …")
    let before = try await absent.applied(of: origin.log)
    try await regions.deployment.startCoordinator(of: away.id)
    let (from, took) = try await absent.time(of: origin.log, to: total)
    figures["catchup_per_s"] = Double(total - max(before, from)) / (took / .seconds(1))

    report("\(GroupedNumber.text(size)) entries: visible, look-ups, comparison …")
    let visible = try await visibility(size..<size + plan.watched, home: home, watchers)
    figures["visible_p50_ms"] = Double(visible.valueAtPercentile(50)) / 1_000
    figures["visible_p99_ms"] = Double(visible.valueAtPercentile(99)) / 1_000
    figures["lookups_per_s"] = try await home.lookUpsPerSecond(of: size, for: plan.measured)
    figures["bytes_per_entry"] = try await second.bytesPerEntry()
    figures["log_bytes_per_entry"] = try await second.logBytesPerEntry()
    figures["diff_bytes"] = try await differenceBytes(home, second)
    figures["rss_mb"] = try await residentMegabytes(home, size)
    return figures
  }

  /// From the answer that a caller at the home gets until every other region's copy has it, in microseconds.
  private func visibility(
    _ numbers: Range<Int>, home: DirectoryBenchHome, _ watchers: [DirectoryWatcher]
  ) async throws -> Histogram<UInt32> {
    var histogram = Histogram<UInt32>(
      lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .three)
    for number in numbers {
      let tag = try await home.call(registering: number)
      let committed = ContinuousClock.now
      let slowest = try await withThrowingTaskGroup(of: Duration.self) { group in
        for watcher in watchers.dropFirst() {
          group.addTask {
            try await watcher.wait(forPlacement: tag)
            return committed.duration(to: .now)
          }
        }
        return try await group.reduce(Duration.zero) { max($0, $1) }
      }
      histogram.record(UInt64(clamping: Int64(slowest / .microseconds(1))))
      // Idle between two: what is measured is one registration, not a queue of them.
      try await Task.sleep(for: .milliseconds(20))
    }
    return histogram
  }

  /// One row of the second region's copy is lost; the first finds it.
  private func differenceBytes(_ home: DirectoryBenchHome, _ second: DirectoryWatcher) async throws -> Double {
    let tag = try home.tag(of: 1)
    try await second.lose(tag)
    try await home.recount(tag.bytes[0], of: second.region)
    let response = try await home.compare(with: second.region)
    guard response.differences.map(\.tag) == [tag.description] else {
      throw Failure.wrongAnswers("of one lost row, the comparison names \(response.differences.map(\.tag))")
    }
    try await home.repair(second.region)
    try await second.wait(forPlacement: tag)
    return Double(response.bytes)
  }

  /// Of the home's coordinator, once its cache has seen look-ups of everybody.
  private func residentMegabytes(_ home: DirectoryBenchHome, _ size: Int) async throws -> Double {
    try await home.loadLookUps(of: size, for: plan.measured)
    guard let process = await regions.deployment.processID(of: home.region.id),
      let resident = ProcessMemory.residentMegabytes(of: process)
    else { throw Failure.noRegion }
    return resident
  }
}
