import Foundation
import PolicyEngine
import Residency
import Testing

/// Policy files that somebody has broken, at random. Whatever they are, the reader ends, and says where what is wrong.
///
/// `DOMICILE_FUZZ_SECONDS=600` goes on for ten minutes; `DOMICILE_FUZZ_SEED` begins as another run did.
@Suite struct FuzzTests {
  private static let pieces = [
    "$eea", "\"*\"", "[", "]", "{", "}", ":", "- ", "permit", "forbid", "require", "when", "unless", "class", "health", "home",
    "~", "''",
    "2026-02-30", "2027-01-01", "-1", "99999999999999999999", "!!binary", "&a", "*a", "|\n", "#", "\t", "\u{0}", "é", "🂡", "  ",
    "\n",
    "transferred_this_year", "{ below: 9 }", "never", "reaches", "any-other", "policy: x\n", "list: eea\n", "\"address[].x\"",
    "<<",
  ]

  @Test func `no file makes the reader crash or hang`() throws {
    let environment = ProcessInfo.processInfo.environment
    let seconds = environment["DOMICILE_FUZZ_SECONDS"].flatMap { Int($0) } ?? 3
    let seed = environment["DOMICILE_FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let originals = Fixture.files(
      """
        - { id: local, permit: [read, export], when: { locality: [region, bloc], class: [profile, contact] }, view: { email: hash } }
        - id: abroad
          basis: a law
          permit: read
          when: { requester: $adequate, consent: explicit, transferred_this_year: { below: 100 }, first_write: IE }
          unless: { residence: [US, CA-QC], principal: "x:*" }
          from: 2026-01-01
          until: 2027-01-01
        - { id: stays, forbid: [export, move], when: { class: health }, unless: { locality: region } }
        - { id: masks, require: { phone: drop }, unless: { locality: region } }
      """,
      replacing: [
        "lists/adequate.yaml": Fixture.list("adequate", "[US, { member: IN, from: 2026-06-01 }, $eea]"),
        "agreements.yaml": """
        agreements:
          - { id: a, exporter: $eea, importer: US, mechanism: scc, reference: r, from: 2026-01-01, review_by: 2027-01-01, status: in-force }
        """,
        "invariants.yaml": "invariants:\n  - { id: a, never: { home: $eea, class: health, reaches: any-other } }\n",
        "pack.test.yaml": """
        tests: pack
        cases:
          - { name: n, at: 2026-11-22, action: read, home: eu-west, collection: people, purpose: support, expect: { decision: permit } }
        """,
      ])
    #expect(try PolicyTests.run(originals, against: Fixture.load(originals)).allSatisfy(\.passed))
    let end = ContinuousClock.now + .seconds(seconds)
    var loaded = 0
    var refused = 0
    while ContinuousClock.now < end {
      var files = originals
      for _ in 0...Int.random(in: 0...2, using: &random) {
        let index = Int.random(in: files.indices, using: &random)
        files[index] = PolicyFile(path: files[index].path, text: Self.broken(files[index].text, &random))
      }
      if let diagnostics = Self.diagnostics(of: files) {
        refused += 1
        let areTold = diagnostics.allSatisfy { $0.location.line >= 1 && $0.location.column >= 1 && !$0.message.isEmpty }
        #expect(!diagnostics.isEmpty && areTold, "seed \(seed)")
      } else {
        loaded += 1
      }
    }
    print("\(loaded) loaded, \(refused) refused")
    #expect(refused > 10)
  }

  /// - Returns: `nil` where nothing is wrong.
  private static func diagnostics(of files: [PolicyFile]) -> [Diagnostic]? {
    do {
      let policies = try Fixture.load(files)
      _ = try PolicyTests.run(files, against: policies)
      _ = policies.decide(Fixture.request(from: "us-east"))
      return nil
    } catch {
      return (error as? ConfigurationError)?.diagnostics ?? []
    }
  }

  private static func broken(_ text: String, _ random: inout SeededGenerator) -> String {
    var scalars = Array(text.unicodeScalars)
    for _ in 0...Int.random(in: 0...3, using: &random) {
      guard !scalars.isEmpty else { break }
      let start = Int.random(in: scalars.indices, using: &random)
      let end = min(scalars.count, start + Int.random(in: 0...12, using: &random))
      switch Int.random(in: 0..<4, using: &random) {
      case 0: scalars.removeSubrange(start..<end)
      case 1: scalars.insert(contentsOf: random.pick(pieces).unicodeScalars, at: start)
      case 2: scalars.replaceSubrange(start..<end, with: random.pick(pieces).unicodeScalars)
      default: scalars.insert(contentsOf: scalars[start..<end], at: Int.random(in: scalars.indices, using: &random))
      }
    }
    return String(String.UnicodeScalarView(scalars))
  }

  @Test func `ten thousand rules are read and compiled`() throws {
    let rules = (0..<10_000).map { number in
      "  - { id: r\(number), \(number % 5 == 0 ? "forbid" : "permit"): read, when: { class: \(["profile", "contact", "health"][number % 3]), requester: \(["US", "IN", "IE"][number % 3]) } }"
    }
    let policies = try Fixture.policies(rules.joined(separator: "\n"))
    #expect(policies.ruleCount == 10_000)
    let decision = policies.decide(Fixture.request(from: "us-east"))
    #expect(decision.reason == .forbidden)
    #expect(decision.rules.count > 3_000)
  }
}
