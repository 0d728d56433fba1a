import AuditTrail
import Cryptography
import DecisionRecords
import PolicyEngine
import Residency
import Testing

@Suite struct RederivationTallyTests {
  private func leaf(_ event: AuditEvent, _ index: Int) throws -> LogLeaf {
    LogLeaf(index: index, hash: MerkleTree.leafHash(try event.leafBytes()), event: event)
  }

  @Test func `a log that follows from its facts is told so, and one leaf that does not is named`() throws {
    var decisions = try RecordedDecisions(seed: 21)
    var tally = RederivationTally(policies: [try RecordedDecisions.files.get()], catalog: nil)
    for index in 0..<50 { tally.add(try leaf(try decisions.event(of: try decisions.request(), index: index), index)) }
    #expect(tally.findings.isEmpty)
    #expect(tally.agreeing == 50)
    var event = try decisions.event(of: try decisions.request(), index: 50)
    event.legalBasis = "none that the policies know"
    tally.add(try leaf(event, 50))
    #expect(tally.findings.map(\.index) == [50])
    #expect(tally.findings.first?.exit == .violations)
    #expect(tally.findings.first?.description.contains("none that the policies know") == true)
  }

  @Test func `decisions by policies that were not given are counted by their revision`() throws {
    var decisions = try RecordedDecisions(seed: 22)
    var tally = RederivationTally(policies: [try RecordedDecisions.files.get()], catalog: nil)
    for index in 0..<6 {
      var event = try decisions.event(of: try decisions.request(), index: index)
      if index % 3 != 0 { event.policyRevision = "sha256:other" }
      tally.add(try leaf(event, index))
    }
    #expect(tally.findings == [.policiesMissing(revision: "sha256:other", first: 1, count: 4)])
    #expect(tally.findings.allSatisfy { $0.exit == .incomplete })
    #expect(tally.agreeing == 2)
  }

  @Test func `what says nothing of its facts is counted`() throws {
    var decisions = try RecordedDecisions(seed: 23)
    var tally = RederivationTally(policies: [try RecordedDecisions.files.get()], catalog: nil)
    for index in 0..<4 {
      var event = try decisions.event(of: try decisions.request(), index: index)
      event.activity = .read
      event.effect = .allowed
      event.facts = nil
      tally.add(try leaf(event, index))
    }
    #expect(tally.findings == [.factsMissing(first: 0, count: 4)])
    #expect(tally.findings.allSatisfy { $0.exit == .incomplete })
  }

  @Test func `policies that do not load decide nothing, and that is said with the reason`() throws {
    var decisions = try RecordedDecisions(seed: 24)
    var event = try decisions.event(of: try decisions.request())
    let broken = [PolicyFile(path: "policies/vocabulary.yaml", text: "actions: [reed]")]
    event.policyRevision = "sha256:\(SHA256.digest(of: PolicySet.canonicalBytes(of: broken)).description)"
    var tally = RederivationTally(policies: [broken], catalog: nil)
    tally.add(try leaf(event, 0))
    let finding = try #require(tally.findings.first)
    #expect(finding.exit == .incomplete)
    #expect(finding.description.contains("\(event.policyRevision ?? "") (policies"), "\(finding)")
  }
}
