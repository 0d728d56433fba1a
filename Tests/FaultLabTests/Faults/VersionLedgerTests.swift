import Testing

@testable import FaultLab

@Suite struct VersionLedgerTests {
  private func ledger(_ notes: [(value: Int?, version: UInt64, isWrite: Bool)]) -> VersionLedger {
    var ledger = VersionLedger()
    for note in notes { ledger.note(RegisterState(value: note.value, version: note.version), of: "k", isWrite: note.isWrite) }
    return ledger
  }

  @Test func `answers that agree contradict nothing`() {
    let ledger = ledger([(nil, 0, false), (7, 1, true), (7, 1, false), (8, 2, true), (7, 1, false)])
    #expect(ledger.contradictions.isEmpty)
    #expect(ledger.lostCount(of: "k", final: 2) == 0)
  }

  @Test func `a write that was carried out twice is found`() {
    #expect(
      ledger([(7, 1, true), (7, 2, false)]).contradictions == [.appliedTwice(key: "k", value: 7, versions: [1, 2])])
  }

  @Test func `a version with two values is found, and one of them is lost`() {
    let ledger = ledger([(7, 1, true), (8, 1, true), (9, 2, true)])
    #expect(ledger.contradictions == [.versionReused(key: "k", version: 1, values: [7, 8])])
    #expect(ledger.lostCount(of: "k", final: 2) == 1)
  }

  @Test func `an acknowledged write that is read as another one is lost`() {
    #expect(ledger([(7, 1, true), (8, 1, false)]).lostCount(of: "k", final: 1) == 1)
  }

  @Test func `an acknowledged version that is above the last one is a lost write`() {
    let ledger = ledger([(7, 1, true), (8, 2, true), (9, 3, true)])
    #expect(ledger.lostCount(of: "k", final: 1) == 2)
    #expect(ledger.lostCount(of: "other", final: 0) == 0)
  }

  @Test func `a version that nobody saw counts too`() {
    var ledger = ledger([(7, 1, true)])
    ledger.close("k", final: 2, writesMax: 2)
    #expect(ledger.contradictions.isEmpty, "one of unknown outcome may have happened")
    ledger.close("k", final: 3, writesMax: 2)
    #expect(ledger.contradictions == [.tooManyVersions(key: "k", version: 3, writesMax: 2)])
  }
}
