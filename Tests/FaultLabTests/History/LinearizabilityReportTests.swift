import FoundationEssentials
import Testing

@testable import FaultLab

@Suite struct LinearizabilityReportTests {
  private func verdict(_ text: String) throws -> LinearizabilityVerdict {
    LinearizabilityChecker().check(try story(text))
  }

  @Test func `a violation shows the longest order, the value after it, and what cannot follow and why`() throws {
    let verdict = try verdict("a write 1, a ok, d write 2, d failed, b read, e write 3, e unknown, b got 2, c read, c got 1")
    #expect(
      verdict.description == """
        NOT shown to be linearizable: 1 of 1 keys failed (1 keys; operations: 3 ok, 1 fail, 1 info)
        key k: not linearizable. Only 1 of 3 acknowledged operations can be put in an order:
          #0–#1 process 0: write 1
        Then the register holds 1, and nothing can follow:
          #4–#7 process 1: read 2: needs the register to be 2; set by #2–#3 process 3: write 2, failed
        """)
  }

  @Test func `a value that nobody wrote is called so`() throws {
    let verdict = try verdict("a write 1, a ok, b read, b got 7")
    #expect(verdict.description.contains("read 7: needs the register to be 7; no operation sets it to that"))
  }

  @Test func `a long order is shown by its end, and is whole in the JSON`() throws {
    let writes = (1...30).map { "a write \($0), a ok" }.joined(separator: ", ")
    let verdict = try verdict(writes + ", b read, b got 1")
    #expect(verdict.description.contains("  … 20 before these\n  #40–#41 process 0: write 21\n"))
    guard case .violation(let violation) = verdict.failures.first?.answer else { return #expect(Bool(false), "\(verdict)") }
    #expect(violation.order.map(\.invocation.index) == Array(stride(from: 0, to: 60, by: 2)))
  }

  @Test func `the JSON names operations by their indices`() throws {
    let verdict = try verdict(
      "a write 1 in x, a ok, b read in x, b got absent, c write 5 in y, c ok, d read in y, d unknown, c read in y, c got 5")
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(verdict), as: UTF8.self)
    #expect(
      text == #"{"keys":[{"key":"x","states":2,"verdict":"violation","violation":{"acknowledged":2,"#
        + #""blocked":[{"index":2,"needs":null,"operation":"read absent","process":1,"writers":[]}],"order":[0],"value":1}},"#
        + #"{"key":"y","states":3,"verdict":"linearizable"}],"linearizable":false,"operations":{"fail":0,"info":1,"ok":4}}"#)
  }

  @Test func `a summary of success counts what was checked`() throws {
    let verdict = try verdict("a write 1, a ok, b read, b got 1, b cas 4 5, b failed, c write 9")
    #expect(verdict.description == "linearizable (1 keys; operations: 2 ok, 1 fail, 1 info)")
  }
}
