import Histogram
package import Residency

/// What a benchmark found.
package struct BenchReport: Sendable {
  /// One kind of measurement over all rounds.
  package struct Row: Sendable {
    package let name: String
    /// Calls or transactions a second, the median of the rounds.
    package let perSecond: Double
    /// Where it is counted in records: those a second.
    package let recordsPerSecond: Double?
    /// In milliseconds; `nil` for what has no single latencies.
    package let latency: Latency?

    package init(name: String, perSecond: Double, recordsPerSecond: Double? = nil, latency: Latency? = nil) {
      self.name = name
      self.perSecond = perSecond
      self.recordsPerSecond = recordsPerSecond
      self.latency = latency
    }
  }

  package struct Latency: Sendable {
    package let p50, p90, p99, p999, max: Double

    init(_ result: LoadResult) {
      p50 = result.milliseconds(atPercentile: 50)
      p90 = result.milliseconds(atPercentile: 90)
      p99 = result.milliseconds(atPercentile: 99)
      p999 = result.milliseconds(atPercentile: 99.9)
      max = Double(result.latency.max) / 1_000
    }
  }

  package internal(set) var rows: [Row] = []
  /// By name, in order of names: ratios, percentiles in milliseconds, memory in MB.
  package internal(set) var figures: [String: Double] = [:]
  /// Microseconds of processor time for each record or call, by scenario and process.
  package internal(set) var costs: [String: Double] = [:]
  package let machine: String
  package let plan: BenchPlan

  package var json: JSONValue {
    .object([
      "figures": .object(figures.mapValues { .number(Self.rounded($0)) }),
      "processor_microseconds": .object(costs.mapValues { .number(Self.rounded($0)) }),
      "machine": .string(machine),
      "plan": [
        "connections": .integer(plan.connections), "write_connections": .integer(plan.writeConnections),
        "calls_at_once": .integer(plan.callsAtOnce),
        "subjects": .integer(plan.subjects), "rounds": .integer(plan.rounds),
        "seconds": .number(Self.rounded(plan.measured / .seconds(1))), "codec": .string(plan.codec.rawValue),
        "record_bytes": .integer(BenchPopulation.recordBytes), "seed": .string(String(plan.seed)),
      ],
      "measurements": .array(rows.map(Self.json)),
    ])
  }

  private static func json(_ row: Row) -> JSONValue {
    var members: [String: JSONValue] = ["name": .string(row.name), "per_second": .number(rounded(row.perSecond))]
    if let records = row.recordsPerSecond { members["records_per_second"] = .number(rounded(records)) }
    if let latency = row.latency {
      members["milliseconds"] = [
        "p50": .number(rounded(latency.p50)), "p90": .number(rounded(latency.p90)), "p99": .number(rounded(latency.p99)),
        "p99.9": .number(rounded(latency.p999)), "max": .number(rounded(latency.max)),
      ]
    }
    return .object(members)
  }

  private static func rounded(_ number: Double) -> Double { (number * 1_000).rounded() / 1_000 }
}

extension BenchReport {
  /// For people.
  package var table: String {
    let head = ["", "per second", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"]
    var lines = [head]
    for row in rows {
      let rate = row.recordsPerSecond.map { "\(Self.whole($0)) records" } ?? Self.whole(row.perSecond)
      let latency = row.latency.map { [$0.p50, $0.p90, $0.p99, $0.p999, $0.max].map(Self.decimal) } ?? ["", "", "", "", ""]
      lines.append([row.name, rate] + latency)
    }
    let figures = figures.sorted { $0.key < $1.key }.map { "  \($0.key) = \(Self.decimal($0.value))" }
    let costs = costs.sorted { $0.key < $1.key }.map { "  \($0.key): \(Self.whole($0.value)) µs of processor time each" }
    return ([machine, ""] + AlignedTable.lines(lines) + [""] + costs + [""] + figures).joined(separator: "\n")
  }

  private static func whole(_ number: Double) -> String { String(Int(number.rounded())) }

  private static func decimal(_ number: Double) -> String {
    let hundredths = Int((number * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }
}
