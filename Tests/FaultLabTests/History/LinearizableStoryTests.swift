import Testing

@testable import FaultLab

/// Histories that a correct register can have.
@Suite struct LinearizableStoryTests {
  private func accepts(_ text: String, _ location: SourceLocation = #_sourceLocation) throws {
    let history = try story(text)
    let verdict = LinearizabilityChecker().check(history)
    #expect(verdict.isLinearizable, "\(verdict)", sourceLocation: location)
    #expect(ReferenceChecker(history).isLinearizable, sourceLocation: location)
  }

  @Test func `one client after another sees the last value`() throws {
    try accepts("a read, a got absent, a write 1, a ok, b read, b got 1, b write 2, b ok, a read, a got 2")
  }

  @Test func `a read during a write may see either value`() throws {
    try accepts("a write 1, a ok, a write 2, b read, b got 1, a ok")
    try accepts("a write 1, a ok, a write 2, b read, b got 2, a ok")
  }

  @Test func `concurrent writes may be seen in an order that is not that of their invocation`() throws {
    try accepts("a write 1, b write 2, a ok, b ok, c read, c got 1")
    try accepts("a write 1, b write 2, c write 3, c ok, b ok, a ok, d read, d got 2")
  }

  @Test func `a deleted key is absent again`() throws {
    try accepts("a write 1, a ok, a write absent, a ok, b read, b got absent, b cas absent 2, b ok, a read, a got 2")
  }

  @Test func `a compare-and-set follows the write that it expects`() throws {
    try accepts("a write 1, b cas 1 2, b ok, a ok, c read, c got 2")
  }

  @Test func `a write that failed is never seen`() throws {
    try accepts("a write 1, a ok, b write 2, b failed, c read, c got 1")
  }

  @Test func `a compare-and-set may fail for any reason`() throws {
    try accepts("a write 1, a ok, b cas 1 2, b failed, c read, c got 1")
  }

  @Test func `a write of unknown outcome may never happen`() throws {
    try accepts("a write 1, a ok, b write 2, b unknown, c read, c got 1, c read, c got 1")
  }

  @Test func `a write of unknown outcome may have happened`() throws {
    try accepts("a write 1, a ok, b write 2, b unknown, c read, c got 2, c read, c got 2")
  }

  @Test func `a write of unknown outcome may happen long after its answer`() throws {
    try accepts("b write 2, b unknown, a write 1, a ok, c read, c got 1, a write 3, a ok, c read, c got 3, c read, c got 2")
  }

  @Test func `a compare-and-set of unknown outcome may make way for another`() throws {
    try accepts("a write 1, a ok, b cas 1 2, b unknown, c cas 2 3, c ok, a read, a got 3")
  }

  @Test func `two equal writes of unknown outcome may be seen once each`() throws {
    try accepts(
      "a write 1, a unknown, b write 1, b unknown, c write 2, c ok, d read, d got 1, c write 3, c ok, d read, d got 1")
  }

  @Test func `a write that is open at the end may have happened`() throws {
    try accepts("a write 1, b read, b got 1")
    try accepts("a write 1, b read, b got absent")
  }

  @Test func `a read of unknown outcome says nothing`() throws {
    try accepts("a write 1, a ok, b read, b unknown, c read, c got 1")
  }

  @Test func `keys have nothing to do with each other`() throws {
    try accepts(
      "a write 1 in x, b write 2 in y, b ok, a ok, c read in x, c got 1, d read in y, d got 2, d read in z, d got absent")
  }

  @Test func `an empty history is linearizable`() throws {
    let verdict = LinearizabilityChecker().check(History())
    #expect(verdict.isLinearizable && verdict.count(of: .ok) == 0)
  }
}
