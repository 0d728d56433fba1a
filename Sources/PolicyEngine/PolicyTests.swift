package import Residency

/// What became of one case of a `*.test.yaml` file.
package struct PolicyTestResult: Sendable, Hashable {
  package let name: String
  package let location: SourceLocation
  /// What differs from what was expected. Empty: the case holds.
  package let failures: [String]

  package var passed: Bool { failures.isEmpty }
}

/// The tests that stand beside rules: requests at a pinned day, and the decisions that must come out.
package enum PolicyTests {
  /// Runs every case of every test file among `files`.
  /// - Throws: ``ConfigurationError`` with every error in every test file; then no case is run.
  package static func run(_ files: [PolicyFile], against policies: PolicySet) throws(ConfigurationError) -> [PolicyTestResult] {
    results(try cases(files, of: policies), of: policies)
  }

  /// How many cases the test files among `files` have, none of which is run.
  /// - Throws: ``ConfigurationError`` with every error in every test file.
  package static func count(_ files: [PolicyFile], of policies: PolicySet) throws(ConfigurationError) -> Int {
    try cases(files, of: policies).count
  }

  /// Every case of every test file among `files`.
  static func cases(_ files: [PolicyFile], of policies: PolicySet) throws(ConfigurationError) -> [PolicyTestCase] {
    var diagnostics: [Diagnostic] = []
    var cases: [PolicyTestCase] = []
    for file in files.filter(\.isTest).sorted(by: { $0.path < $1.path }) {
      do throws(ConfigurationError) {
        var reader = PolicyTestReader(policies: policies)
        cases += reader.cases(try ConfigurationNode.parse(file.text, file: file.path))
        diagnostics += reader.diagnostics
      } catch {
        diagnostics += error.diagnostics
      }
    }
    guard diagnostics.isEmpty else { throw ConfigurationError(diagnostics) }
    return cases
  }

  static func results(_ cases: [PolicyTestCase], of policies: PolicySet) -> [PolicyTestResult] {
    let sets = sets(for: cases, of: policies)
    return cases.map { test in
      let decision = (sets[test.circumstances] ?? policies).decide(test.request)
      return PolicyTestResult(name: test.name, location: test.location, failures: test.expectation.failures(of: decision))
    }
  }
}

extension PolicyTests {
  /// The policies in each of the circumstances that cases bring.
  static func sets(for cases: [PolicyTestCase], of policies: PolicySet) -> [PolicyTestCase.Circumstances: PolicySet] {
    var sets: [PolicyTestCase.Circumstances: PolicySet] = [:]
    for test in cases where sets[test.circumstances] == nil { sets[test.circumstances] = policies.adding(test.circumstances) }
    return sets
  }
}

/// One case, read.
struct PolicyTestCase {
  /// What a test file brings along: its own regions, and agreements and principals beside those on file.
  struct Circumstances: Hashable {
    var regions: [RegionID: Jurisdiction]
    var agreements: [Agreement] = []
    var principals: [PrincipalEntry] = []
  }

  var name: String
  var location: SourceLocation
  var circumstances: Circumstances
  var request: AccessRequest
  var expectation: PolicyExpectation
}

/// What a case expects. What it does not mention may be anything.
struct PolicyExpectation {
  var effect: Decision.Effect
  var rule: String?
  var reason: DenyReason?
  var matched: [String]?
  var unknown: [String]?
  var nearestPermit: String?
  var legalBasis: String?
  var safeguard: String?
  var views: [String: View] = [:]
  var monitored: Monitored?

  /// What would be decided if packs in `monitor` were enforced.
  struct Monitored {
    var effect: Decision.Effect
    var rule: String?
    var views: [String: View] = [:]
  }

  func failures(of decision: Decision) -> [String] {
    var failures: [String] = []
    func compare(_ what: String, _ expected: String?, _ found: String?) {
      guard let expected, expected != found else { return }
      failures.append("expected \(what) \(expected), found \(found ?? "none")")
    }
    func place(_ rule: MatchedRule) -> String { "\(rule.id) (\(rule.location.fileAndLine))" }
    let why = decision.reason.map { ": \($0.rawValue)" } ?? ""
    if effect != decision.effect {
      let by = decision.rule.map { " by \(place($0))" } ?? ""
      failures.append("expected \(effect.rawValue), found \(decision.effect.rawValue)\(why)\(by)")
    }
    // A misspelt word in a case would let any denial pass.
    if reason == nil, let found = decision.reason, found.isOfTheRequest {
      failures.append("denied before any rule was asked: write 'reason: \(found.rawValue)' if that is meant")
    }
    compare("rule", rule, decision.rule?.id)
    compare("reason", reason?.rawValue, decision.reason?.rawValue)
    compare("matched", matched?.sorted().joined(separator: ", "), decision.rules.map(\.id).joined(separator: ", "))
    compare("unknown", unknown?.sorted().joined(separator: ", "), decision.unknown.joined(separator: ", "))
    compare("nearest permit", nearestPermit, decision.nearestPermit?.rule)
    compare("legal basis", legalBasis, decision.legalBasis)
    compare("safeguard", safeguard, decision.safeguard?.rawValue)
    for (field, view) in views.sorted(by: { $0.key < $1.key }) {
      compare("\(field) as", view.name, decision.view(of: field).name)
    }
    if let monitored {
      // Nothing is said where they would decide the same.
      compare("as monitored", monitored.effect.rawValue, (decision.monitored?.effect ?? decision.effect).rawValue)
      compare("monitored rule", monitored.rule, decision.monitored.map { $0.rule?.id } ?? decision.rule?.id)
      for (field, view) in monitored.views.sorted(by: { $0.key < $1.key }) {
        let found = decision.monitored?.views.first { $0.field == field }?.view ?? decision.view(of: field)
        compare("\(field) monitored as", view.name, found.name)
      }
    }
    return failures
  }
}
