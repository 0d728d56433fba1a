import Residency
import Testing

@testable import PolicyEngine

@Suite struct CoverageTests {
  private static let rules = """
      - { id: local, permit: read, when: { locality: region } }
      - { id: abroad, permit: read, when: { requester: US, class: profile } }
      - { id: no, forbid: read, when: { purpose: analytics } }
    """

  private func coverage(_ cases: String, invariants: String = "") throws -> PolicyCoverage {
    var replacing = [
      "pack.test.yaml": """
      tests: pack
      given: { at: 2026-11-22, action: read, home: eu-west, collection: people, purpose: support }
      cases:
      \(cases)
      """
    ]
    if !invariants.isEmpty { replacing["invariants.yaml"] = "invariants:\n\(invariants)" }
    let files = Fixture.files(Self.rules, replacing: replacing)
    return try Fixture.load(files).coverage(of: files, on: Fixture.today)
  }

  @Test func `a rule is held by a case that fails without it`() throws {
    let coverage = try coverage(
      """
        - { name: at home, expect: { decision: permit, rule: local } }
        - { name: abroad, from: us-east, expect: { decision: permit } }
        - { name: analytics, purpose: analytics, expect: { decision: deny } }
      """)
    #expect(coverage.rules.map(\.rule.id) == ["abroad", "local", "no"])
    #expect(coverage.rules.map(\.caseCount) == [1, 2, 1])
    #expect(coverage.rules.map(\.isHeld) == [true, true, true])
    #expect(coverage.isComplete)
    #expect(coverage.testedClassCount > 0 && coverage.testedClassCount < coverage.classCount)
    #expect(coverage.testedSituationCount + coverage.untested.reduce(0) { $0 + $1.count } == coverage.situationCount)
  }

  @Test func `one that nothing asks about is loose, and one whose case passes without it`() throws {
    let coverage = try coverage(
      """
        - { name: at home, expect: { decision: permit } }
        - { name: analytics abroad, from: ap-south, purpose: analytics, expect: { decision: deny } }
      """)
    let byID = Dictionary(uniqueKeysWithValues: coverage.rules.map { ($0.rule.id, $0) })
    #expect(byID["abroad"]?.caseCount == 0)
    #expect(byID["no"]?.caseCount == 1)
    #expect(byID["no"]?.isHeld == false)
    #expect(byID["local"]?.isHeld == true)
    #expect(!coverage.isComplete)
  }

  @Test func `an invariant holds a rule as well as a case does`() throws {
    let cases = "  - { name: analytics abroad, from: ap-south, purpose: analytics, expect: { decision: deny } }"
    let invariant = "  - { id: a, never: { action: read, purpose: analytics } }"
    let coverage = try coverage(cases, invariants: invariant)
    #expect(coverage.rules.first { $0.rule.id == "no" }?.isHeld == true)
  }

  @Test func `a case that fails is told`() throws {
    let coverage = try coverage("  - { name: wrong, expect: { decision: deny } }")
    #expect(coverage.failingCases.map(\.name) == ["wrong"])
    #expect(!coverage.isComplete)
  }

  @Test func `a test file may bring agreements and principals that are not on file`() throws {
    let files = Fixture.files(
      "  - { id: a, permit: read, when: { safeguard: scc } }\n  - { id: b, permit: read, when: { certified: gold, requester: IN } }",
      replacing: [
        "vocabulary.yaml": Fixture.vocabulary + "\ncertifications: [gold]\n",
        "pack.test.yaml": """
        tests: pack
        agreements:
          - { id: x, exporter: $eea, importer: US, mechanism: scc, reference: r, from: 2026-01-01, review_by: 2026-02-01, status: in-force }
        principals:
          - { match: "gold:*", purposes: [support], certifications: [gold] }
        given: { at: 2026-11-22, action: read, home: eu-west, collection: people, purpose: support }
        cases:
          - { name: the agreement counts, from: us-east, expect: { decision: permit, rule: a, safeguard: scc } }
          - { name: so does the certification, from: ap-south, principal: "gold:desk", expect: { decision: permit, rule: b } }
          - { name: others have none, from: ap-south, expect: { decision: deny } }
        """,
      ])
    let policies = try Fixture.load(files)
    #expect(try PolicyTests.run(files, against: policies).allSatisfy(\.passed))
    #expect(policies.decide(Fixture.request(from: "us-east")).effect == .deny)
    let wrong = files.map { file in
      PolicyFile(path: file.path, text: file.text.replacing("mechanism: scc", with: "mechanism: sccc"))
    }
    #expect(throws: ConfigurationError.self) { try PolicyTests.run(wrong, against: policies) }
  }
}
