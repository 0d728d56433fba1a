package import Residency

/// What a run of faults found.
package struct FaultReport: Sendable {
  package internal(set) var outcomes: [FaultOutcome] = []
  /// Faults that could not be done or undone, with the reason.
  package internal(set) var broken: [(fault: Fault, reason: String)] = []
  package let plan: FaultPlan

  package init(plan: FaultPlan) { self.plan = plan }

  /// Every fault happened, and nothing was found.
  package var succeeded: Bool {
    broken.isEmpty && outcomes.count == plan.faults.count && outcomes.allSatisfy(\.problems.isEmpty)
  }

  /// For people: a line for each fault, then what is wrong.
  package var table: String {
    let head = [
      "fault", "effect", "operations", "ok", "fail", "info", "settled", "violations", "lost", "no write s", "no read s",
      "in force", "afterwards",
    ]
    let lines = [head] + outcomes.map(Self.row)
    let total = outcomes.reduce(0) { $0 + $1.verdict.operationCount }
    let summary =
      "\(total) operations checked, \(outcomes.reduce(0) { $0 + $1.violationCount }) violations, seed \(plan.seed), "
      + "\(plan.connections) clients, histories in \(plan.histories)"
    let problems =
      outcomes.flatMap { outcome in outcome.problems.map { "\(outcome.fault.rawValue): \($0)" } }
      + broken.map { "\($0.fault.rawValue): did not run as it should: \($0.reason)" }
    return (AlignedTable.lines(lines, names: 2) + ["", summary] + problems.map { "FAILED \($0)" }).joined(separator: "\n")
  }

  private static func row(_ outcome: FaultOutcome) -> [String] {
    [
      outcome.fault.rawValue, outcome.effect, String(outcome.verdict.operationCount), String(outcome.verdict.count(of: .ok)),
      String(outcome.verdict.count(of: .failed)), String(outcome.verdict.count(of: .unknown)), String(outcome.settledCount),
      String(outcome.violationCount), String(outcome.lostCount),
      tenths(outcome.availability.longestWithoutWrite), tenths(outcome.availability.longestWithoutRead),
      outcome.refused ? "refused" : "served", outcome.resumed ? "resumed" : "NOT SERVED",
    ]
  }

  private static func tenths(_ duration: Duration) -> String {
    let tenths = Int((duration / .milliseconds(100)).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

extension FaultReport {
  /// For programs.
  package var json: JSONValue {
    .object([
      "succeeded": .bool(succeeded),
      "plan": [
        "seed": .string(String(plan.seed)), "connections": .integer(plan.connections),
        "held_seconds": .number(plan.held / .seconds(1)), "histories": .string(plan.histories),
      ],
      "faults": .array(outcomes.map(Self.json)),
      "broken": .array(broken.map { ["fault": .string($0.fault.rawValue), "reason": .string($0.reason)] }),
    ])
  }

  private static func json(_ outcome: FaultOutcome) -> JSONValue {
    .object([
      "fault": .string(outcome.fault.rawValue), "effect": .string(outcome.effect),
      "operations": .object(
        Dictionary(
          uniqueKeysWithValues: HistoryOperation.Outcome.allCases.map {
            ($0.rawValue, .integer(outcome.verdict.count(of: $0)))
          })),
      "settled": .integer(outcome.settledCount), "violations": .integer(outcome.violationCount),
      "undecided": .integer(outcome.undecidedCount), "lost": .integer(outcome.lostCount),
      "seconds_without_write": .number(seconds(outcome.availability.longestWithoutWrite)),
      "seconds_without_read": .number(seconds(outcome.availability.longestWithoutRead)),
      "acknowledged_in_force": .integer(outcome.acknowledgedInForce),
      "acknowledged_afterwards": .integer(outcome.acknowledgedAfterwards),
      "reasons": .object(outcome.reasons.mapValues { .integer($0) }),
      "problems": .array(outcome.problems.map { .string($0) }),
    ])
  }

  private static func seconds(_ duration: Duration) -> Double { ((duration / .milliseconds(1)).rounded()) / 1_000 }
}

extension LinearizabilityVerdict {
  var operationCount: Int { HistoryOperation.Outcome.allCases.reduce(0) { $0 + count(of: $1) } }
}
