import FoundationEssentials

/// What one fault came to.
package struct FaultOutcome: Sendable {
  package let fault: Fault
  /// What the fault did, for people: `n1 → n3`.
  package let effect: String
  package let verdict: LinearizabilityVerdict
  package let availability: Availability
  /// Of operations that began and ended while the fault was in force.
  package let acknowledgedInForce: Int
  /// Acknowledged in the load's last seconds, when the region was healthy again.
  package let acknowledgedAfterwards: Int
  /// Writes whose outcome a repeat told.
  package let settledCount: Int
  package let lostCount: Int
  package let contradictions: [VersionLedger.Contradiction]
  /// Refusals and unknown outcomes, by their reason.
  package let reasons: [String: Int]
  /// Registers that could not be read at the end.
  package let isUnreadable: Bool

  /// - Parameter final: what every register held at the end; `nil` where one could not be read.
  init(
    _ fault: Fault, _ history: History, _ marks: FaultRun.Marks, counts: LoadMeter.Counts, ledger: VersionLedger,
    final: [RegisterKey: RegisterState]?, effect: String
  ) {
    var ledger = ledger
    let written = history.operations.filter { !$0.action.isRead && $0.outcome != .failed }
    for (key, state) in final ?? [:] {
      ledger.close(key.name, final: state.version, writesMax: written.count { $0.key == key.name })
    }
    self.fault = fault
    self.effect = effect
    verdict = LinearizabilityChecker().check(history)
    availability = Availability(history, in: marks.loaded...max(marks.loaded, marks.over))
    acknowledgedInForce = Availability.acknowledgedCount(history, within: marks.inForce...max(marks.inForce, marks.undoing))
    acknowledgedAfterwards = Availability.acknowledgedCount(history, within: marks.healthy...max(marks.healthy, marks.over))
    settledCount = counts.settled
    lostCount = (final ?? [:]).reduce(0) { $0 + ledger.lostCount(of: $1.key.name, final: $1.value.version) }
    contradictions = ledger.contradictions
    reasons = counts.reasons
    isUnreadable = final == nil
  }

  package var violationCount: Int {
    verdict.keys.count { if case .violation = $0.answer { true } else { false } }
  }

  package var undecidedCount: Int {
    verdict.keys.count { if case .undecided = $0.answer { true } else { false } }
  }

  /// Whether the region refused everything while the fault was in force.
  package var refused: Bool { acknowledgedInForce == 0 }

  /// Whether it served again afterwards.
  package var resumed: Bool { acknowledgedAfterwards > 0 }

  /// Why the run failed, a sentence each; none where it did not.
  package var problems: [String] {
    var problems = verdict.failures.map(\.description) + contradictions.map(\.description)
    if lostCount > 0 { problems.append("\(lostCount) acknowledged writes are lost") }
    if isUnreadable { problems.append("not every record could be read at the end") }
    if !resumed { problems.append("nothing was acknowledged after the fault") }
    if fault.refusesEverything, !refused {
      problems.append("\(acknowledgedInForce) operations were acknowledged while no standby could have them")
    }
    if fault == .acknowledgementLost, settledCount == 0 { problems.append("no write of unknown outcome was settled by a repeat") }
    if verdict.count(of: .ok) == 0 { problems.append("nothing was acknowledged at all") }
    for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) where !AnswerClass.isExpected(reason) {
      problems.append("\(count) calls were answered with \(reason)")
    }
    return problems
  }
}
