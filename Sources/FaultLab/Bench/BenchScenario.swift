/// What is measured.
package enum BenchScenario: String, Sendable, CaseIterable {
  /// Single audited linearizable reads, each of any subject.
  case localRead = "local-read"
  /// BatchGetRecords of 100 subjects, a leaf for each.
  case batchRead = "batch-read"
  /// Durable audited writes.
  case write
  /// The shapes of YCSB's workloads A (half reads), B (95 % reads) and C (reads), over Zipfian subjects.
  case mixed

  package static let batchSize = 100
}

/// How long and with what a benchmark runs.
package struct BenchPlan: Sendable {
  package var scenarios: [BenchScenario]
  package var subjects: Int
  /// Of all scenarios but `write`.
  package var connections: Int
  /// Of `write`, and of the `pgbench -N` that it is compared with.
  package var writeConnections: Int
  /// Calls at once on each connection, of all scenarios but `batch-read`, whose calls are a hundred each.
  package var callsAtOnce: Int
  package var warmUp: Duration
  /// Of one measurement.
  package var measured: Duration
  /// Measurements of each kind, in turns: the median is told, so that a noisy moment does not decide.
  package var rounds: Int
  package var codec: LoadCodec
  package var seed: UInt64

  package init(
    scenarios: [BenchScenario], subjects: Int, connections: Int, writeConnections: Int, callsAtOnce: Int, warmUp: Duration,
    measured: Duration, rounds: Int, codec: LoadCodec, seed: UInt64
  ) {
    self.scenarios = scenarios
    self.subjects = subjects
    self.connections = connections
    self.writeConnections = writeConnections
    self.callsAtOnce = callsAtOnce
    self.warmUp = warmUp
    self.measured = measured
    self.rounds = rounds
    self.codec = codec
    self.seed = seed
  }
}
