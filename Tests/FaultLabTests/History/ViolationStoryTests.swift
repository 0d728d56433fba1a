import Testing

@testable import FaultLab

/// Histories that no correct register has.
@Suite struct ViolationStoryTests {
  /// - Parameter blocked: What cannot follow the longest order, by the index of its invocation.
  private func rejects(
    _ text: String, blocked: [Int], _ location: SourceLocation = #_sourceLocation
  ) throws {
    let history = try story(text)
    #expect(!ReferenceChecker(history).isLinearizable, sourceLocation: location)
    let verdict = LinearizabilityChecker().check(history)
    #expect(verdict.failures.count == 1, sourceLocation: location)
    guard case .violation(let violation) = verdict.failures.first?.answer else {
      Issue.record("\(verdict)", sourceLocation: location)
      return
    }
    #expect(violation.blocked.map(\.operation.invocation.index) == blocked, "\(verdict)", sourceLocation: location)
  }

  @Test func `a stale read: the value of a write that another had replaced before`() throws {
    try rejects("a write 1, a ok, a write 2, a ok, b read, b got 1", blocked: [4])
  }

  @Test func `an acknowledged write that is lost`() throws {
    try rejects("a write 1, a ok, b read, b got absent", blocked: [2])
  }

  @Test func `a lost update: two clients replace the same value`() throws {
    try rejects("a write 1, a ok, b cas 1 2, c cas 1 3, b ok, c ok", blocked: [3])
  }

  @Test func `split brain: both sides create the key`() throws {
    try rejects("a cas absent 1, b cas absent 2, a ok, b ok", blocked: [1])
  }

  @Test func `split brain: each side reads its own write`() throws {
    try rejects(
      "a write 1, a ok, b write 2, b ok, c read, c got 1, d read, d got 2, c read, c got 1", blocked: [4])
  }

  @Test func `a value that nobody wrote`() throws {
    try rejects("a write 1, a ok, b read, b got 7", blocked: [2])
  }

  @Test func `a value from the future`() throws {
    try rejects("b read, b got 1, a write 1, a ok", blocked: [0])
  }

  @Test func `a read that goes back behind what another client has read`() throws {
    try rejects("a write 1, a ok, a write 2, b read, b got 2, c read, c got 1, a ok", blocked: [5])
  }

  @Test func `a client that goes back behind what it has read itself`() throws {
    try rejects("a write 1, a ok, a write 2, b read, b got 2, b read, b got 1, a ok", blocked: [5])
  }

  @Test func `a failed write that was seen`() throws {
    try rejects("a write 1, a ok, b write 2, b failed, c read, c got 2", blocked: [4])
  }

  @Test func `a failed compare-and-set that was seen`() throws {
    try rejects("a write 1, a ok, b cas 1 2, b failed, c read, c got 2", blocked: [4])
  }

  @Test func `a write of unknown outcome that was seen and then unseen`() throws {
    try rejects("a write 1, a ok, b write 2, b unknown, c read, c got 2, c read, c got 1", blocked: [6])
  }

  @Test func `a write of unknown outcome that was seen twice, with another in between`() throws {
    try rejects(
      "b write 2, b unknown, c read, c got 2, a write 1, a ok, c read, c got 1, c read, c got 2", blocked: [8])
  }

  @Test func `a write of unknown outcome that was seen before it was asked for`() throws {
    try rejects("c read, c got 2, b write 2, b unknown", blocked: [0])
  }

  @Test func `a compare-and-set of unknown outcome that was seen, and could not have happened`() throws {
    try rejects("a write 1, a ok, b cas 5 2, b unknown, c read, c got 2", blocked: [4])
  }

  @Test func `a compare-and-set acknowledged against a value that was gone`() throws {
    try rejects("a write 1, a ok, a write 2, a ok, b cas 1 3, b ok", blocked: [4])
  }

  @Test func `a deleted key that comes back`() throws {
    try rejects("a write 1, a ok, a write absent, a ok, b read, b got 1", blocked: [4])
  }

  @Test func `two readers that see two concurrent writes in different orders`() throws {
    try rejects(
      "a write 1, b write 2, c read, c got 1, c read, c got 2, d read, d got 2, d read, d got 1, a ok, b ok", blocked: [8])
  }

  @Test func `one key of many`() throws {
    try rejects("a write 1 in x, a ok, b write 1 in y, b ok, c read in y, c got 1, c read in x, c got absent", blocked: [6])
  }
}
