import PolicyEngine
import Residency
import Testing

/// The tests beside policies must themselves be able to fail.
@Suite struct PolicyTestFileTests {
  private static let rules = """
      - { id: near, permit: [read, store], when: { home: IE } }
      - { id: no, forbid: read, when: { consent: implied } }
    """

  private func run(_ text: String) throws -> [PolicyTestResult] {
    let files = Fixture.files(Self.rules) + [PolicyFile(path: "policies/pack.test.yaml", text: text)]
    return try PolicyTests.run(files, against: Fixture.load(files))
  }

  private func run(case text: String) throws -> [PolicyTestResult] {
    try run(
      """
      tests: pack
      regions: { here: IE, there: US }
      given: { at: 2026-11-22, action: read, home: here, collection: people, purpose: support }
      cases:
        - { name: it, \(text) }
      """)
  }

  @Test func `what comes out as expected passes`() throws {
    let results = try run(case: "from: there, expect: { decision: permit, rule: near, views: { name: clear } }")
    #expect(results.map(\.failures) == [[]])
    #expect(results.first?.location.fileAndLine == "policies/pack.test.yaml:5")
  }

  @Test func `every expectation can fail`() throws {
    let table = [
      ("{ decision: deny }", "expected deny, found permit by near (policies/pack.yaml:4)"),
      ("{ decision: permit, rule: no }", "expected rule no, found near"),
      ("{ decision: permit, reason: forbidden }", "expected reason forbidden, found none"),
      ("{ decision: permit, matched: [no, near] }", "expected matched near, no, found near"),
      ("{ decision: permit, unknown: [consent] }", "expected unknown consent, found "),
      ("{ decision: permit, nearest_permit: no }", "expected nearest permit no, found near"),
      ("{ decision: permit, legal_basis: law }", "expected legal basis law, found none"),
      ("{ decision: permit, safeguard: scc }", "expected safeguard scc, found none"),
      ("{ decision: permit, views: { email: hash } }", "expected email as hash, found clear"),
    ]
    for (expectation, failure) in table {
      #expect(try run(case: "expect: \(expectation)").map(\.failures) == [[failure]])
    }
  }

  @Test func `a denial of the request itself has to be meant`() throws {
    for misspelt in ["purpose: suport", "collection: peple", "action: read, purpose: suport"] {
      let failures = try run(case: "\(misspelt), expect: { decision: deny }").flatMap(\.failures)
      #expect(failures.count == 1 && failures[0].hasPrefix("denied before any rule was asked"), "\(misspelt)")
    }
    #expect(try run(case: "purpose: suport, expect: { decision: deny, reason: unknown_purpose }").allSatisfy(\.passed))
  }

  @Test func `consent and residence can be unknown, none or given`() throws {
    for (consent, decision) in [("unknown", "deny"), ("none", "permit"), ("explicit", "permit"), ("implied", "deny")] {
      #expect(try run(case: "consent: \(consent), expect: { decision: \(decision) }").allSatisfy(\.passed))
    }
    for residence in ["unknown", "DE", "{ country: CA, subdivision: CA-QC, citizenship: [CA, FR] }"] {
      #expect(try run(case: "action: store, residence: \(residence), expect: { decision: permit }").allSatisfy(\.passed))
    }
  }

  @Test func `a mistake in a test file is an error with its place`() {
    let table = [
      ("expct: { decision: deny }", "policies/pack.test.yaml:5:17: error: a case has no key 'expct'"),
      ("expect: { decision: dny }", "policies/pack.test.yaml:5:37: error: there is no decision 'dny'"),
      ("expect: { decision: deny, views: { email: hsh } }", "policies/pack.test.yaml:5:59: error: there is no view 'hsh'"),
      (
        "from: thre, expect: { decision: deny }",
        "policies/pack.test.yaml:5:23: error: 'thre' is neither a region nor a jurisdiction"
      ),
      ("at: soon, expect: { decision: deny }", "policies/pack.test.yaml:5:21: error: 'at' is not a day: 'soon'"),
      (
        "consent: exlicit, expect: { decision: deny }",
        "policies/pack.test.yaml:5:26: error: there is no kind of consent 'exlicit'"
      ),
      ("expect: { decision: permit, rule: nera }", "policies/pack.test.yaml:5:51: error: there is no rule 'nera'"),
      ("expect: { decision: permit, views: { emial: clear } }", "policies/pack.test.yaml:5:54: error: there is no field 'emial'"),
    ]
    for (text, expected) in table {
      let error = #expect(throws: ConfigurationError.self) { try run(case: text) }
      #expect(error?.diagnostics.contains { $0.description.hasPrefix(expected) } == true, "\(error?.description ?? "")")
    }
    let error = #expect(throws: ConfigurationError.self) {
      try run("tests: pakc\ncases:\n  - { name: it, expect: { decision: deny } }")
    }
    #expect(
      error?.diagnostics.map(\.message) == [
        "there is no policy 'pakc'", "a case lacks 'at'", "a case lacks 'action'", "a case lacks 'home'",
      ])
  }
}
