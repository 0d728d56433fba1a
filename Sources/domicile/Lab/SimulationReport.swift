import DirectorySimulation
import Residency

/// What `domicile lab simulate` says in the end.
struct SimulationReport {
  let sum: SimulationResult
  let failures: [SimulationCampaign.Failure]
  /// Where the failing scenarios were written to.
  let files: [String]
  let took: Duration

  private var counts: [(name: String, count: Int, meaning: String)] {
    [
      ("seeds", sum.runs, "simulations"),
      ("events", sum.occurrences, "things that happened in them"),
      ("checks", sum.checks, "looks at whether a promise was kept"),
      ("acknowledged", sum.acknowledged, "writes that a client was told of"),
      ("session_reads", sum.sessionReads, "reads that had to show what the session had seen"),
      ("snapshots", sum.snapshots, "snapshots loaded"),
      ("recovered", sum.recovered, "entries that a restored region took back from its peers"),
      ("reissued", sum.reissued, "entries written anew after a history was lost"),
      ("floors", sum.floors, "floors under which tombstones were forgotten"),
      ("contested", sum.contested, "subjects that were registered twice, and kept as they are"),
      ("undecided", sum.undecided, "simulations in which only an operator can say which history counts"),
      ("failed", failures.count, "simulations in which a promise was not kept"),
    ]
  }

  var json: JSONValue {
    var members = Dictionary(uniqueKeysWithValues: counts.map { ($0.name, JSONValue.number(Double($0.count))) })
    members["seconds"] = .number((took / .milliseconds(1)).rounded() / 1_000)
    members["failures"] = .array(
      failures.map { failure in
        .object([
          "seed": .string(String(failure.scenario.seed)), "violations": .array(failure.violations.map { .string($0) }),
        ])
      })
    members["files"] = .array(files.map { .string($0) })
    return .object(members)
  }

  var text: String {
    var lines = failures.flatMap { failure in
      ["seed \(failure.scenario.seed)"] + failure.violations.prefix(3).map { "  \($0)" }
    }
    let width = counts.map { PolicyReport.grouped($0.count).count }.max() ?? 0
    lines += counts.map { item in
      let number = PolicyReport.grouped(item.count)
      return String(repeating: " ", count: width - number.count) + number + "  " + item.meaning
    }
    lines.append("in \((took / .seconds(1)).rounded()) s")
    lines += files.map { "kept: \($0)" }
    return lines.joined(separator: "\n")
  }
}
