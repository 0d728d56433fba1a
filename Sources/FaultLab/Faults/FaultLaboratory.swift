import FoundationEssentials

/// Runs faults one after the other on a cluster of its own, and says what they came to.
package struct FaultLaboratory: Sendable {
  private let plan: FaultPlan
  private let cluster: FaultCluster
  private let report: @Sendable (String) -> Void

  /// - Parameter report: told what is being done, for people who wait.
  /// - Throws: where a process that watches over the cluster cannot be started.
  package init(_ plan: FaultPlan, files: FaultCluster.Files, report: @escaping @Sendable (String) -> Void) throws {
    self.plan = plan
    self.report = report
    cluster = try FaultCluster(files, report: report)
  }

  package struct HistoryExists: Error, CustomStringConvertible {
    let path: String
    package var description: String { "\(path) is there already, and no history is written over: name another folder" }
  }

  /// Starts the cluster and runs the faults. The cluster is removed at the end, whatever happens.
  /// - Throws: where the cluster does not start, or the task was cancelled. What befalls a fault is in the report.
  package func run() async throws -> FaultReport {
    do {
      try prepareHistories()
      try await cluster.start(disks: plan.faults.contains(where: \.needsDisks), subjects: FaultPlan.subjects)
      let result = try await runFaults()
      await cluster.stop()
      return result
    } catch {
      await cluster.stop()
      throw error
    }
  }

  private func prepareHistories() throws {
    try FileManager.default.createDirectory(atPath: plan.histories, withIntermediateDirectories: true)
    for path in plan.faults.map(plan.history) where FileManager.default.fileExists(atPath: path) {
      throw HistoryExists(path: path)
    }
  }

  private func runFaults() async throws -> FaultReport {
    var result = FaultReport(plan: plan)
    for fault in plan.faults {
      do {
        let outcome = try await FaultRun(fault: fault, plan: plan, cluster: cluster, report: report).run()
        result.outcomes.append(outcome)
        report("\(fault.rawValue): \(outcome.summary)")
      } catch {
        try Task.checkCancellation()
        // The next fault would find the cluster as this one left it.
        result.broken.append((fault, "\(error)"))
        report("\(fault.rawValue): \(error)")
        return result
      }
    }
    return result
  }
}

extension FaultOutcome {
  fileprivate var summary: String {
    "\(verdict.operationCount) operations, \(problems.isEmpty ? "no violation" : "FAILED"); "
      + reasons.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }
}
