import Synchronization

/// One scenario with many seeds.
package struct SimulationCampaign: Sendable {
  package struct Failure: Sendable {
    package let scenario: SimulationScenario
    /// What was promised and not kept, in words.
    package let violations: [String]
  }

  package struct Outcome: Sendable {
    package fileprivate(set) var sum = SimulationResult()
    /// By seed. What failed once fails again with the same seed.
    package fileprivate(set) var failures: [Failure] = []
  }

  let scenario: SimulationScenario
  package let seeds: Range<UInt64>

  /// - Parameter scenario: its own seed does not matter.
  package init(_ scenario: SimulationScenario, seeds: Range<UInt64>) {
    self.scenario = scenario
    self.seeds = seeds
  }

  /// Runs the seeds in order, `workers` of them at a time.
  /// - Parameters:
  ///   - failuresMax: It ends early once so many have failed.
  ///   - onProgress: is told how many are done.
  /// - Throws: where a simulation itself is wrong, or the task was cancelled.
  package func run(
    workers: Int, failuresMax: Int, onProgress: @escaping @Sendable (_ done: Int) -> Void
  ) async throws -> Outcome {
    let tally = Tally(first: seeds.lowerBound)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<max(1, workers) {
        group.addTask {
          while let seed = tally.next(before: seeds.upperBound, failuresMax: failuresMax) {
            try Task.checkCancellation()
            var scenario = scenario
            scenario.seed = seed
            onProgress(tally.add(try SimulationResult(of: scenario), of: scenario))
          }
        }
      }
      try await group.waitForAll()
    }
    return tally.outcome
  }

  private final class Tally: Sendable {
    private let state: Mutex<(next: UInt64, outcome: Outcome)>

    init(first: UInt64) { state = Mutex((first, Outcome())) }

    var outcome: Outcome {
      state.withLock { state in
        var outcome = state.outcome
        outcome.failures.sort { $0.scenario.seed < $1.scenario.seed }
        return outcome
      }
    }

    func next(before end: UInt64, failuresMax: Int) -> UInt64? {
      state.withLock { state in
        guard state.next < end, state.outcome.failures.count < failuresMax else { return nil }
        state.next += 1
        return state.next - 1
      }
    }

    /// - Returns: how many are done.
    func add(_ result: SimulationResult, of scenario: SimulationScenario) -> Int {
      state.withLock { state in
        state.outcome.sum += result
        if !result.violations.isEmpty {
          state.outcome.failures.append(Failure(scenario: scenario, violations: result.violations))
        }
        return state.outcome.sum.runs
      }
    }
  }
}
