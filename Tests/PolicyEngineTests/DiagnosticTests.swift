import PolicyEngine
import Residency
import Testing

/// What a mistake in a policy file says, and where.
@Suite struct DiagnosticTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    let name: String
    /// The rules of the pack, or another file's text.
    var rules = "  - { id: all, permit: read }"
    var home = "$eea"
    var file: [String: String] = [:]
    let expected: String

    var testDescription: String { name }
  }

  private static let rule = "policies/pack.yaml:4"

  static let ruleMistakes: [Mistake] = [
    Mistake(
      name: "a class", rules: "  - { id: a, permit: read, when: { class: helth } }",
      expected: "\(rule):43: error: there is no class 'helth'\n    help: did you mean 'health'?"),
    Mistake(
      name: "a purpose", rules: "  - { id: a, permit: read, when: { purpose: [suport] } }",
      expected: "\(rule):46: error: there is no purpose 'suport'\n    help: did you mean 'support'?"),
    Mistake(
      name: "a list", rules: "  - { id: a, permit: read, when: { requester: $eeaa } }",
      expected: "\(rule):47: error: there is no list 'eeaa'\n    help: did you mean '$eea'?"),
    Mistake(
      name: "a list without its dollar", rules: "  - { id: a, permit: read, when: { requester: eea } }",
      expected: "\(rule):47: error: 'eea' is not a jurisdiction\n    help: did you mean the list '$eea'?"),
    Mistake(
      name: "a jurisdiction", rules: "  - { id: a, permit: read, when: { requester: UK } }",
      expected: "\(rule):47: error: 'UK' is not a jurisdiction\n    help: did you mean 'GB'?"),
    Mistake(
      name: "a jurisdiction in lower case", rules: "  - { id: a, permit: read, when: { residence: ie } }",
      expected: "\(rule):47: error: 'ie' is not a jurisdiction\n    help: did you mean 'IE'?"),
    Mistake(
      name: "a part of a country", rules: "  - { id: a, forbid: store, when: { subdivision: CA-CQ } }",
      expected:
        "\(rule):50: error: 'CA-CQ' is not a jurisdiction\n    help: CA has no such part: did you mean 'CA-QC'?"),
    Mistake(
      name: "an exception that takes away everything",
      rules: "  - { id: a, forbid: read, when: { class: health, purpose: support }, unless: { class: [health, contact] } }",
      expected: """
        \(rule):81: error: rule 'a' never applies: 'unless' takes away all of 'class'
            help: remove the condition from 'when' or from 'unless'
        """),
    Mistake(
      name: "a near place that is taken away",
      rules: "  - { id: a, forbid: read, when: { locality: region }, unless: { locality: jurisdiction } }",
      expected: """
        \(rule):66: error: rule 'a' never applies: 'unless' takes away all of 'locality'
            help: remove the condition from 'when' or from 'unless'
        """),
    Mistake(
      name: "a part of another country", rules: "  - { id: a, forbid: store, when: { residence: DE, subdivision: CA-QC } }",
      expected: """
        \(rule):5: error: rule 'a' never applies: it wants a residence and a subdivision of different countries
            help: a subdivision lies in its country: name that, or leave 'residence' out
        """),
    Mistake(
      name: "an id that could forge a line", rules: "  - { id: \"x holds\", permit: read }",
      expected: "\(rule):11: error: a rule's id is 'x holds'\n    help: write it with letters, digits, '.', '-' and '_'"),
    Mistake(
      name: "a control character", rules: "  - { id: a, permit: read, basis: \"\\e[2K\" }",
      expected:
        "\(rule):35: error: a control character in a text\n    help: remove it: it could forge what a terminal shows"),
    Mistake(
      name: "a view", rules: "  - { id: a, permit: read, view: { email: hsh } }",
      expected: "\(rule):43: error: there is no view 'hsh'\n    help: did you mean 'hash'?"),
    Mistake(
      name: "a field", rules: "  - { id: a, permit: read, view: { emial: hash } }",
      expected: "\(rule):36: error: there is no field 'emial'\n    help: did you mean 'email'?"),
    Mistake(
      name: "a field of another collection",
      rules: "  - { id: a, permit: read, when: { collection: notes }, view: { email: hash } }",
      expected: "\(rule):65: error: there is no field 'email'\n    help: none is declared"),
    Mistake(
      name: "a collection", rules: "  - { id: a, permit: read, when: { collection: peple } }",
      expected: "\(rule):48: error: there is no collection 'peple'\n    help: did you mean 'people'?"),
    Mistake(
      name: "a key of a rule", rules: "  - { id: a, permit: read, whem: { class: health } }",
      expected: "\(rule):28: error: a rule has no key 'whem'\n    help: did you mean 'when'?"),
    Mistake(
      name: "a condition", rules: "  - { id: a, permit: read, when: { clas: health } }",
      expected: "\(rule):36: error: there is no condition 'clas'\n    help: did you mean 'class'?"),
    Mistake(
      name: "a condition given twice", rules: "  - { id: a, permit: read, when: { class: health, class: contact } }",
      expected: "\(rule):36: error: the same key is given twice: [\"class\"]"),
    Mistake(
      name: "an action", rules: "  - { id: a, permit: reads }",
      expected: "\(rule):22: error: there is no action 'reads'\n    help: did you mean 'read'?"),
    Mistake(
      name: "a locality", rules: "  - { id: a, permit: read, when: { locality: [region, block] } }",
      expected: "\(rule):55: error: there is no locality 'block'\n    help: did you mean 'bloc'?"),
    Mistake(
      name: "a bloc where there is none", rules: "  - { id: a, permit: read, when: { locality: bloc } }", home: "\"*\"",
      expected:
        "\(rule):46: error: a policy with home: \"*\" has no bloc\n    help: name the home jurisdictions, or use region and jurisdiction"
    ),
    Mistake(
      name: "a kind of consent", rules: "  - { id: a, permit: read, when: { consent: explict } }",
      expected: "\(rule):45: error: there is no kind of consent 'explict'\n    help: did you mean 'explicit'?"),
    Mistake(
      name: "a safeguard", rules: "  - { id: a, permit: read, when: { safeguard: bcr } }",
      expected: "\(rule):47: error: there is no safeguard 'bcr'\n    help: one of: adequacy, scc"),
    Mistake(
      name: "a region", rules: "  - { id: a, permit: read, when: { requester_region: us-est } }",
      expected: "\(rule):54: error: there is no region 'us-est'\n    help: did you mean 'us-east'?"),
    Mistake(
      name: "an empty list of values", rules: "  - { id: a, permit: read, when: { class: [] } }",
      expected: "\(rule):43: error: 'class' is empty\n    help: name at least one, or remove it"),
    Mistake(
      name: "an empty exception", rules: "  - { id: a, forbid: read, unless: {} }",
      expected: "\(rule):36: error: 'unless' says nothing\n    help: name a condition, or remove it"),
    Mistake(
      name: "a value given twice", rules: "  - { id: a, permit: [read, read] }",
      expected: "\(rule):29: error: 'read' is given twice in 'permit'"),
    Mistake(
      name: "two effects", rules: "  - { id: a, permit: read, forbid: write }",
      expected:
        "\(rule):5: error: rule 'a' says more than one of permit, forbid and require\n    help: a rule does exactly one of them"),
    Mistake(
      name: "no effect", rules: "  - { id: a, when: { class: health } }",
      expected: "\(rule):5: error: rule 'a' says neither permit, forbid nor require\n    help: a rule does exactly one of them"),
    Mistake(
      name: "no id", rules: "  - { permit: read }", expected: "\(rule):5: error: a rule lacks 'id'\n    help: add 'id: …'"),
    Mistake(
      name: "an id used twice", rules: "  - { id: a, permit: read }\n  - { id: a, forbid: read }",
      expected: "policies/pack.yaml:5:5: error: there is a rule 'a' already\n    help: the other is at policies/pack.yaml:4"),
    Mistake(
      name: "a view on a forbid", rules: "  - { id: a, forbid: read, view: { email: hash } }",
      expected: "\(rule):34: error: 'view' belongs to a permit\n    help: remove it"),
    Mistake(
      name: "a view on a write", rules: "  - { id: a, permit: [read, write], view: { email: hash } }",
      expected: "\(rule):43: error: 'write' takes whole records: it has no views\n    help: permit it in a rule of its own"),
    Mistake(
      name: "a class for store", rules: "  - { id: a, forbid: [read, store], when: { class: health } }",
      expected:
        "\(rule):45: error: 'store' knows no class\n    help: 'store' places a person: write a rule of its own, on home, principal, residence, citizenship or subdivision"
    ),
    Mistake(
      name: "a day", rules: "  - { id: a, permit: read, until: 2026-02-30 }",
      expected: "\(rule):35: error: 'until' is not a day: '2026-02-30'\n    help: write it as 2026-11-22"),
    Mistake(
      name: "an end before the start", rules: "  - { id: a, permit: read, from: 2027-01-01, until: 2027-01-01 }",
      expected:
        "\(rule):53: error: 'until' 2027-01-01 is not after 'from' 2027-01-01\n    help: 'until' is the first day on which it no longer holds"
    ),
    Mistake(
      name: "a list where a mapping belongs", rules: "  - { id: a, permit: read, when: [class, health] }",
      expected: "\(rule):34: error: 'when' must be a mapping, not a list"),
    Mistake(
      name: "a home that is no list", home: "$eaa",
      expected: "policies/pack.yaml:2:7: error: there is no list 'eaa'\n    help: did you mean '$eea'?"),
  ]

  static let fileMistakes: [Mistake] = [
    Mistake(
      name: "a class of a field",
      file: ["collections.yaml": Fixture.collections.replacing("diagnosis: health", with: "diagnosis: heatlh")],
      expected: "policies/collections.yaml:7:73: error: there is no class 'heatlh'\n    help: did you mean 'health'?"),
    Mistake(
      name: "a collection's key",
      file: ["collections.yaml": Fixture.collections.replacing("audit: strict", with: "audits: strict")],
      expected: """
        policies/collections.yaml:3:5: error: collection 'people' lacks 'audit'
            help: add 'audit: …'
        policies/collections.yaml:5:5: error: collection 'people' has no key 'audits'
            help: did you mean 'audit'?
        """),
    Mistake(
      name: "an audit level", file: ["collections.yaml": Fixture.collections.replacing("audit: relaxed", with: "audit: lax")],
      expected:
        "policies/collections.yaml:10:12: error: there is no audit level 'lax'\n    help: one of: strict, strict_witness, relaxed"
    ),
    Mistake(
      name: "a view of the vocabulary that nobody can make",
      file: ["vocabulary.yaml": Fixture.vocabulary.replacing("last4", with: "last2")],
      expected: "policies/vocabulary.yaml:5:16: error: there is no view 'last2'\n    help: did you mean 'last4'?"),
    Mistake(
      name: "a word of the vocabulary", file: ["vocabulary.yaml": Fixture.vocabulary.replacing("support,", with: "Support!,")],
      expected:
        "policies/vocabulary.yaml:3:12: error: 'Support!' is not a word\n    help: lower-case letters, digits and hyphens, at most 64"
    ),
    Mistake(
      name: "a principal's purpose", file: ["principals.yaml": "principals:\n  - { match: desk, purposes: [analytic] }"],
      expected: "policies/principals.yaml:2:31: error: there is no purpose 'analytic'\n    help: did you mean 'analytics'?"),
    Mistake(
      name: "a list's confidence", file: ["lists/eea.yaml": Fixture.eea.replacing("confidence: C", with: "confidence: D")],
      expected: "policies/lists/eea.yaml:7:13: error: there is no confidence 'D'\n    help: one of: A, B, C"),
    Mistake(
      name: "a list without a source", file: ["lists/eea.yaml": Fixture.eea.replacing("source: the test\n", with: "")],
      expected: "policies/lists/eea.yaml:1:1: error: a list lacks 'source'\n    help: add 'source: …'"),
    Mistake(
      name: "a list of itself", file: ["lists/a.yaml": Fixture.list("a", "[$b]"), "lists/b.yaml": Fixture.list("b", "[IE, $a]")],
      expected: """
        policies/lists/a.yaml:2:11: error: list 'a' contains itself through '$b'
            help: remove one of the members that lead back
        policies/lists/b.yaml:2:15: error: list 'b' contains itself through '$a'
            help: remove one of the members that lead back
        """),
    Mistake(
      name: "a list given twice", file: ["lists/other.yaml": Fixture.list("eea", "[FR]")],
      expected:
        "policies/lists/other.yaml:1:1: error: there is a list 'eea' already\n    help: the other is at policies/lists/eea.yaml:1"
    ),
    Mistake(
      name: "a file of no kind", file: ["invariant.yaml": "never: { home: IE }"],
      expected:
        "policies/invariant.yaml:1:1: error: neither a policy nor a list\n    help: start with 'policy: NAME' for rules, or 'list: NAME' for a list"
    ),
    Mistake(
      name: "a file that is no YAML", file: ["lists/eea.yaml": "list: eea\nmembers: [IE"],
      expected: "policies/lists/eea.yaml:3:1: error: not YAML: did not find expected ',' or ']'"),
    Mistake(
      name: "a fallback that is missing", file: ["agreements.yaml": agreement("status: at-risk")],
      expected:
        "policies/agreements.yaml:2:5: error: agreement 'a' is at risk and has no fallback\n    help: add 'fallback: ID' of another agreement"
    ),
    Mistake(
      name: "a fallback that nobody knows", file: ["agreements.yaml": agreement("status: at-risk, fallback: b")],
      expected: "policies/agreements.yaml:2:5: error: there is no agreement 'b' to fall back to\n    help: one of: a"),
    Mistake(
      name: "a fallback on itself", file: ["agreements.yaml": agreement("status: at-risk, fallback: a")],
      expected:
        "policies/agreements.yaml:2:5: error: agreement 'a' cannot stand in for 'a': it is the same\n    help: name another"),
    Mistake(
      name: "a fallback that ends sooner",
      file: [
        "agreements.yaml": agreement("status: at-risk, fallback: b")
          + "\n" + agreement("status: in-force, until: 2027-01-01", id: "b").split(separator: "\n").dropFirst().joined()
      ],
      expected:
        "policies/agreements.yaml:2:5: error: agreement 'b' cannot stand in for 'a': it ends sooner\n    help: name another"),
    Mistake(
      name: "a fallback for elsewhere",
      file: [
        "agreements.yaml": agreement("status: at-risk, fallback: b")
          + "\n" + agreement("status: in-force", id: "b", importer: "IN").split(separator: "\n").dropFirst().joined()
      ],
      expected:
        "policies/agreements.yaml:2:5: error: agreement 'b' cannot stand in for 'a': it does not cover every importer\n    help: name another"
    ),
  ]

  private static func agreement(_ rest: String, id: String = "a", importer: String = "US") -> String {
    """
    agreements:
      - { id: \(id), exporter: $eea, importer: \(importer), mechanism: scc, reference: r, from: 2026-01-01, review_by: 2027-01-01, \(rest) }
    """
  }

  @Test(arguments: ruleMistakes + fileMistakes)
  func `a mistake is an error with its place and its remedy`(_ mistake: Mistake) throws {
    let error = #expect(throws: ConfigurationError.self) {
      try Fixture.load(Fixture.files(mistake.rules, home: mistake.home, replacing: mistake.file))
    }
    #expect(error?.description == mistake.expected)
  }

  @Test func `every error is reported at once, in order of place`() {
    let files = Fixture.files(
      "  - { id: a, permit: reads }\n  - { id: b, forbid: read, when: { clas: x, purpose: spport } }",
      replacing: ["lists/eea.yaml": Fixture.list("eea", "[IE, XX]")])
    let error = #expect(throws: ConfigurationError.self) { try Fixture.load(files) }
    #expect(
      error?.diagnostics.map(\.location.fileAndLine) == [
        "policies/lists/eea.yaml:2", "policies/pack.yaml:4", "policies/pack.yaml:5", "policies/pack.yaml:5",
      ])
  }

  @Test func `patterns that overlap in too many ways are an error`() {
    let many = (0..<18).map { "  - { match: \"*\($0)admin\($0)*\", purposes: [support] }" }.joined(separator: "\n")
    let error = #expect(throws: ConfigurationError.self) {
      try Fixture.load(
        Fixture.files("  - { id: a, permit: read }", replacing: ["principals.yaml": "principals:\n\(many)"]))
    }
    #expect(error?.diagnostics.first?.message.contains("overlap in too many ways") == true)
  }

  @Test func `what is wrong with the words is told before what comes of it`() {
    let error = #expect(throws: ConfigurationError.self) {
      try Fixture.load(
        Fixture.files(
          "  - { id: a, permit: read, when: { purpose: support } }",
          replacing: ["vocabulary.yaml": Fixture.vocabulary.replacing("purposes:", with: "purpses:")]))
    }
    #expect(error?.diagnostics.map(\.location.fileAndLine) == ["policies/vocabulary.yaml:1", "policies/vocabulary.yaml:3"])
  }

  @Test func `values that stand for others that stand for others are counted`() {
    let bomb = (1...12).map { level in
      "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]"
    }
    let text = (["policy: bomb", "a0: &a0 [x, x, x, x, x, x, x, x, x]"] + bomb).joined(separator: "\n")
    let error = #expect(throws: ConfigurationError.self) {
      try Fixture.load(Fixture.files("  - { id: a, permit: read }", replacing: ["bomb.yaml": text]))
    }
    #expect(error?.diagnostics.first?.message == "more than 600000 values")
  }

  @Test func `files that must be there are missed`() {
    for name in ["vocabulary", "collections", "principals"] {
      let files = Fixture.files("  - { id: all, permit: read }").filter { $0.path != "policies/\(name).yaml" }
      let error = #expect(throws: ConfigurationError.self) { try Fixture.load(files) }
      #expect(
        error?.diagnostics.map(\.description) == [
          "policies/\(name).yaml:1:1: error: there is no \(name).yaml\n    help: add the file"
        ])
    }
    let files = Fixture.files("").filter { $0.path != "policies/pack.yaml" }
    let error = #expect(throws: ConfigurationError.self) { try Fixture.load(files) }
    #expect(error?.diagnostics.map(\.message) == ["there is no policy"])
    #expect(throws: ConfigurationError.self) { try Fixture.load([]) }
  }

  @Test func `a list that cannot be read is one error, not one for each rule that names it`() {
    let files = Fixture.files(
      "  - { id: a, permit: read, when: { requester: $eea } }", replacing: ["lists/eea.yaml": "list: [eea"])
    let error = #expect(throws: ConfigurationError.self) { try Fixture.load(files) }
    #expect(error?.diagnostics.map(\.location.file) == ["policies/lists/eea.yaml"])
  }

  @Test func `what is due is a warning and does not stop the set from serving`() throws {
    let policies = try Fixture.policies(
      "  - { id: a, permit: read, until: 2026-01-01 }",
      replacing: [
        "lists/eea.yaml": Fixture.list("eea", "[IE, { member: GB, until: 2020-01-31 }]", reviewBy: "2026-11-21"),
        "agreements.yaml": Self.agreement("status: in-force, until: 2026-11-22").replacing(
          "review_by: 2027", with: "review_by: 2026"),
      ])
    #expect(
      policies.warnings.map { "\($0.location.fileAndLine) \($0.severity.rawValue): \($0.message)" } == [
        "policies/agreements.yaml:2 warning: agreement 'a' ended on 2026-11-22 and no longer counts",
        "policies/agreements.yaml:2 warning: agreement 'a' was to be reviewed by 2026-01-01",
        "policies/lists/eea.yaml:2 warning: 'GB' left this list on 2020-01-31",
        "policies/lists/eea.yaml:6 warning: list 'eea' was to be reviewed by 2026-11-21",
        "policies/pack.yaml:4 warning: rule 'a' ended on 2026-01-01",
      ])
    #expect(try Fixture.policies("  - { id: a, permit: read }").warnings.isEmpty)
  }
}
