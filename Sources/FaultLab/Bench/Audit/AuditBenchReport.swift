package import Residency

/// What a benchmark of the auditor's command line found.
package struct AuditBenchReport: Sendable {
  let machine: String
  let leafCount: Int
  let figures: [String: Double]

  /// Of which size the targets are.
  package static let targets: [(name: String, target: BenchTarget?)] = [
    ("verify_s", nil), ("verify_leaves_per_s", nil), ("rival_s", nil), ("times_as_fast", .atLeast(3)),
    ("verify_peak_mb", .atMost(1_000)), ("index_s", nil), ("query_s", .atMost(1)), ("prove_ms", .atMost(5)), ("start_ms", nil),
  ]

  package var missed: [String] {
    Self.targets.compactMap { name, target in
      guard let target, let figure = figures[name], !target.isMet(by: figure) else { return nil }
      return name
    }
  }

  package var json: JSONValue {
    [
      "machine": .string(machine), "leaves": .integer(leafCount),
      "figures": .object(figures.mapValues { .number(($0 * 1_000).rounded() / 1_000) }),
      "missed": .array(missed.map { .string($0) }),
    ]
  }

  package var table: String {
    let lines = Self.targets.compactMap { name, target in
      figures[name].map {
        [name, $0 >= 1_000 ? GroupedNumber.text(Int($0)) : String(($0 * 1_000).rounded() / 1_000), target?.text ?? ""]
      }
    }
    let missed = missed.isEmpty ? [] : ["", "missed: " + missed.joined(separator: ", ")]
    return ([machine, ""] + AlignedTable.lines([["leaves", GroupedNumber.text(leafCount), "target"]] + lines) + missed)
      .joined(separator: "\n")
  }
}
