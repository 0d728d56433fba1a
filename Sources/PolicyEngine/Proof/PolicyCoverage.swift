package import Residency

/// How much of a policy set its tests and invariants hold still.
package struct PolicyCoverage: Sendable {
  package struct RuleCoverage: Hashable, Sendable {
    package let rule: MatchedRule
    /// In how many cases it applies, or would if some fact were known.
    package let caseCount: Int
    /// How many cases it settled.
    package let decidedCount: Int
    /// Whether some case or invariant fails without it. `nil` where that was not tried.
    package let isHeld: Bool?
  }

  /// Situations that the same rules apply in, of which no case is one.
  package struct Untested: Hashable, Sendable {
    package let example: SituationFacts
    package let count: Int
    package let rules: [MatchedRule]
  }

  package let day: CalendarDate
  /// In order of id.
  package let rules: [RuleCoverage]
  package let situationCount: Int
  package let testedSituationCount: Int
  package let classCount: Int
  package let testedClassCount: Int
  /// The largest first.
  package let untested: [Untested]
  package let failingCases: [PolicyTestResult]

  package var isComplete: Bool { failingCases.isEmpty && rules.allSatisfy { $0.caseCount > 0 && $0.isHeld != false } }
}

extension PolicySet {
  /// What the tests among `files` touch of all situations on `day`, and whether a case or an invariant fails for each rule that is taken
  /// away.
  ///
  /// - Parameter progress: told after each rule how many are done.
  /// - Throws: ``ConfigurationError`` with every error in every test file.
  package func coverage(
    of files: [PolicyFile], on day: CalendarDate, progress: (Int) -> Void = { _ in }
  ) throws(ConfigurationError) -> PolicyCoverage {
    let cases = try PolicyTests.cases(files, of: self)
    let sets = PolicyTests.sets(for: cases, of: self)
    let decisions = cases.map { (sets[$0.circumstances] ?? self).decide($0.request) }
    let touches = cases.map { touch(of: $0, in: sets[$0.circumstances] ?? self) }
    // Rules that only watch are held by what cases expect of them.
    let all = asEnforced.rules
    let touched = touches.reduce(into: Set<TouchedClass>()) { $0.formUnion($1.classes) }
    let situations = Situations(self, observer: nil, on: day)
    let tested = situations.classes.filter {
      touched.contains(TouchedClass(action: $0.action, cell: $0.cell, applying: $0.applying))
    }
    let untested = situations.classes.filter {
      !touched.contains(TouchedClass(action: $0.action, cell: $0.cell, applying: $0.applying))
    }
    let rules = all.enumerated().map { done, rule in
      let matched = rule.matched
      let about = cases.indices.filter { touches[$0].rules.contains(rule.id) }
      let concerned = cases.indices.filter {
        touches[$0].rules.contains(rule.id) || decisions[$0].nearestPermit?.rule == rule.id
      }
      let held = isHeld(rule.id, by: concerned.map { cases[$0] })
      progress(done + 1)
      return PolicyCoverage.RuleCoverage(
        rule: matched, caseCount: about.count,
        decidedCount: decisions.count { $0.rule == matched || $0.monitored?.rule == matched },
        isHeld: held)
    }
    return PolicyCoverage(
      day: day, rules: rules, situationCount: situations.count, testedSituationCount: tested.reduce(0) { $0 + $1.count },
      classCount: situations.classes.count, testedClassCount: tested.count,
      untested: untested.sorted { $0.count > $1.count }.map { found in
        PolicyCoverage.Untested(
          example: situations.domain.facts(found.example), count: found.count, rules: matched(found.applying))
      },
      failingCases: PolicyTests.results(cases, of: self).filter { !$0.passed })
  }

  private struct TouchedClass: Hashable {
    let action: Action
    let cell: RuleTable.Cell
    let applying: RuleBits
  }

  /// What one case is about.
  private struct Touch {
    var classes: Set<TouchedClass> = []
    /// Ids of rules of all packs that apply, or that an unknown fact keeps from being ruled out.
    var rules: Set<String> = []
  }

  private func touch(of test: PolicyTestCase, in policies: PolicySet) -> Touch {
    let matcher = Matcher(policies: policies, request: test.request)
    let all = policies.asEnforced
    let allMatcher = Matcher(policies: all, request: test.request)
    var touch = Touch()
    for hop in test.request.hops {
      for cell in Deliberation.cells(of: test.request, in: policies) {
        allMatcher.forEachMatch(of: cell, from: hop) { place, _ in touch.rules.insert(all.rules[place].id) }
        guard let applying = matcher.applying(in: cell, from: hop) else { continue }
        touch.classes.insert(TouchedClass(action: test.request.action, cell: cell, applying: applying))
      }
    }
    return touch
  }

  private func matched(_ bits: RuleBits) -> [MatchedRule] {
    var found: [MatchedRule] = []
    bits.forEach(in: 0..<compiled.layout.wordCount) { bit in
      if let place = compiled.layout.place(ofBit: bit) { found.append(rules[place].matched) }
    }
    return found.sorted { $0.id < $1.id }
  }

  /// Whether a case fails without the rule, or an invariant that holds does not any more.
  private func isHeld(_ id: String, by cases: [PolicyTestCase]) -> Bool {
    let without = without(id)
    if PolicyTests.results(cases, of: without).contains(where: { !$0.passed }) { return true }
    guard !invariants.isEmpty, let day = cases.map(\.request.now).max() else { return false }
    let broken = Set(prove(from: day).invariants.filter { !$0.holds }.map(\.id))
    return without.prove(from: day).invariants.contains { !$0.holds && !broken.contains($0.id) }
  }

  /// The set as it would be without one rule.
  private func without(_ id: String) -> PolicySet {
    replacing(rules: asEnforced.rules.filter { $0.id != id })
  }
}
