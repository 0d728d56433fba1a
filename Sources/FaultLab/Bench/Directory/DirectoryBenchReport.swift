import FoundationEssentials
package import Residency

/// What a benchmark of the directory found.
package struct DirectoryBenchReport: Sendable {
  /// - Parameter delay: of the links, in milliseconds.
  package static func targets(delay: Double) -> [(name: String, target: BenchTarget?)] {
    [
      ("lookups_per_s", .atLeast(2_000_000)), ("registrations_per_s", .atLeast(8_000)), ("replicated_per_s", nil),
      ("visible_p50_ms", .atMost(20 + delay)), ("visible_p99_ms", .atMost(60 + delay)), ("catchup_per_s", .atLeast(50_000)),
      ("bytes_per_entry", .atMost(130)), ("log_bytes_per_entry", nil), ("rss_mb", .atMost(300)), ("diff_bytes", .atMost(65_536)),
    ]
  }

  private var targets: [(name: String, target: BenchTarget?)] { Self.targets(delay: plan.delay / .milliseconds(1)) }

  let machine: String
  let plan: DirectoryBenchPlan
  private var measurements: [(size: Int, figures: [String: Double])] = []

  init(machine: String, plan: DirectoryBenchPlan) {
    self.machine = machine
    self.plan = plan
  }

  mutating func add(_ figures: [String: Double], at size: Int) { measurements.append((size, figures)) }

  package var json: JSONValue {
    .object([
      "machine": .string(machine),
      "figures": .object(measurements.last.map { $0.figures.mapValues { .number(Self.rounded($0)) } } ?? [:]),
      "sizes": .array(
        measurements.map { measurement in
          .object([
            "entries": .number(Double(measurement.size)),
            "figures": .object(measurement.figures.mapValues { .number(Self.rounded($0)) }),
          ])
        }),
      "missed": .array(missed.map { .string($0) }),
    ])
  }

  /// Of the largest size.
  package var missed: [String] {
    guard let figures = measurements.last?.figures else { return [] }
    return targets.compactMap { name, target in
      guard let target, let figure = figures[name], !target.isMet(by: figure) else { return nil }
      return name
    }
  }

  /// For people: a line a figure, a column a size.
  package var table: String {
    var lines = [["entries"] + measurements.map { GroupedNumber.text($0.size) } + ["target"]]
    for (name, target) in targets {
      lines.append(
        [name] + measurements.map { $0.figures[name].map(Self.text) ?? "" } + [target.map(\.text) ?? ""])
    }
    let missed = missed.isEmpty ? [] : ["", "missed: " + missed.joined(separator: ", ")]
    return ([machine, ""] + AlignedTable.lines(lines) + missed).joined(separator: "\n")
  }

  private static func text(_ figure: Double) -> String {
    figure >= 1_000 ? GroupedNumber.text(Int(figure.rounded())) : String(rounded(figure))
  }

  private static func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
}
