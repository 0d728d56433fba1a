/// Which faults are run, and how.
package struct FaultPlan: Sendable {
  package var faults: [Fault]
  /// How long a fault is kept in force after its effect has been seen.
  package var held: Duration
  /// How many clients there are at once.
  package var connections: Int
  /// Of the clients' choices.
  package var seed: UInt64
  /// Where histories are kept: `FAULT.jsonl` in this folder.
  package var histories: String

  /// Load before a fault, and after the region is healthy again.
  static let lead = Duration.seconds(2)
  static let tail = Duration.seconds(3)
  /// Of each call of most clients: soon enough to see how long the region is away.
  static let timeoutShort = Duration.seconds(2)
  /// Of the others: they hear what a coordinator says when it has given up on a silent PostgreSQL, after 10 seconds.
  static let timeoutLong = Duration.seconds(15)
  /// How long a region must refuse at least: long enough for a coordinator to give up on commits that do not return, and to say so.
  static let refusal = Duration.seconds(14)
  /// How long the load is waited for: to be served, and for the last repeats.
  static let patience = Duration.seconds(60)

  static let subjectCount = 3
  static let recordsPerSubject = 2

  package init(faults: [Fault], held: Duration, connections: Int, seed: UInt64, histories: String) {
    self.faults = faults
    self.held = held
    self.connections = connections
    self.seed = seed
    self.histories = histories
  }

  func history(of fault: Fault) -> String { "\(histories)/\(fault.rawValue).jsonl" }

  static var subjects: [String] { (1...subjectCount).map { "fault-resident-\($0)" } }

  /// Registers that no fault before has written to.
  static func keys(of fault: Fault) -> [RegisterKey] {
    subjects.flatMap { subject in
      (1...recordsPerSubject).map { RegisterKey(subject: subject, record: "\(fault.rawValue)-\($0)") }
    }
  }
}
