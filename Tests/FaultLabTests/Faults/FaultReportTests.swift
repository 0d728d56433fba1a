import Residency
import Testing

@testable import FaultLab

@Suite struct FaultReportTests {
  private static let plan = FaultPlan(faults: [.standbysLost], held: .seconds(5), connections: 4, seed: 1, histories: "histories")
  private static let key = RegisterKey(subject: "s", record: "r")

  /// A history in which one write is acknowledged in each second from 1 to `seconds`, and read back.
  private func outcome(
    of fault: Fault = .standbysLost, seconds: [Int], read: Int? = nil, final: RegisterState, reasons: [String: Int] = [:]
  ) throws -> FaultOutcome {
    var history = History()
    var ledger = VersionLedger()
    func add(_ kind: HistoryEvent.Kind, _ action: RegisterAction, at second: Int) throws {
      try history.append(
        HistoryEvent(
          index: history.events.count, kind: kind, process: 0, key: Self.key.name, action: action,
          nanoseconds: second * 1_000_000_000))
    }
    for (index, second) in seconds.enumerated() {
      try add(.invoke, .write(index + 1), at: second)
      try add(.ok, .write(index + 1), at: second)
      ledger.note(RegisterState(value: index + 1, version: UInt64(index + 1)), of: Self.key.name, isWrite: true)
    }
    try add(.invoke, .read(nil), at: 10)
    try add(.ok, .read(read ?? seconds.count), at: 10)
    let marks = FaultRun.Marks(
      loaded: 0, inForce: 3_000_000_000, undoing: 6_000_000_000, healthy: 7_000_000_000, over: 10_000_000_000)
    var counts = LoadMeter.Counts()
    counts.reasons = reasons
    return FaultOutcome(
      fault, history, marks, counts: counts, ledger: ledger, final: [Self.key: final], effect: "n2, n3 lost")
  }

  @Test func `a region that refused, resumed and kept everything is well`() throws {
    let outcome = try outcome(seconds: [1, 2, 8, 9], final: .init(value: 4, version: 4), reasons: ["OUTCOME_UNKNOWN": 3])
    #expect(outcome.problems.isEmpty, "\(outcome.problems)")
    #expect(outcome.refused && outcome.resumed)
    #expect(outcome.availability.longestWithoutWrite == .seconds(6))
  }

  @Test func `what was acknowledged while both standbys were away is a failure`() throws {
    let outcome = try outcome(seconds: [1, 4, 8], final: .init(value: 3, version: 3))
    #expect(outcome.problems == ["1 operations were acknowledged while no standby could have them"])
  }

  @Test func `a lost write, a stale read and an answer that nobody expects are failures`() throws {
    let outcome = try outcome(
      seconds: [1, 2, 8], read: 1, final: .init(value: 2, version: 2), reasons: ["DATA_LOSS": 1])
    #expect(outcome.violationCount == 1)
    #expect(outcome.problems.contains("1 acknowledged writes are lost"))
    #expect(outcome.problems.contains("1 calls were answered with DATA_LOSS"))
  }

  @Test func `a report succeeds only if every fault ran`() throws {
    var report = FaultReport(plan: Self.plan)
    #expect(!report.succeeded)
    report.outcomes = [try outcome(seconds: [1, 2, 8, 9], final: .init(value: 4, version: 4))]
    #expect(report.succeeded)
    #expect(
      report.table == """
        fault          effect       operations  ok  fail  info  settled  violations  lost  no write s  no read s  in force  afterwards
        standbys-lost  n2, n3 lost           5   5     0     0        0           0     0         6.0       10.0   refused     resumed

        5 operations checked, 0 violations, seed 1, 4 clients, histories in histories
        """)
    #expect(report.json["faults"]?.arrayValue?.first?["acknowledged_in_force"]?.numberValue == 0)
    report.broken.append((.standbysLost, "the region did not start"))
    #expect(!report.succeeded)
    #expect(report.table.hasSuffix("FAILED standbys-lost: did not run as it should: the region did not start"))
  }
}
