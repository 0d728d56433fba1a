package import Residency

/// What is true of a policy set in every situation that it can tell apart, from one day on.
package struct PolicyProof: Sendable {
  /// Something about a rule that its author should know.
  package struct Finding: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
      /// In no situation do its conditions hold.
      case neverMatches = "never_matches"
      /// A permit that a forbid overrides wherever it applies.
      case alwaysOverridden = "always_overridden"
      /// It applies somewhere, and without it every decision would be the same.
      case neverDecides = "never_decides"
    }

    package let kind: Kind
    package let rule: MatchedRule
    /// The rules because of which: those that forbid, or that apply wherever it does.
    package let because: [MatchedRule]
    /// What would have to be on file for the rule to match, where that is all it lacks.
    package let lacks: String?
  }

  package struct InvariantResult: Hashable, Sendable {
    package let id: String
    package let location: SourceLocation
    package let basis: String?
    /// `nil` where it holds.
    package let counterexample: Counterexample?
    /// In how many situations it does not, in all epochs. Of copies: from how many homes and classes one gets there.
    package let violationCount: Int
    /// No situation is what it is about: it holds of nothing.
    package let isVacuous: Bool

    package var holds: Bool { counterexample == nil }
  }

  package struct Counterexample: Hashable, Sendable {
    package let facts: SituationFacts
    /// The rule that settles it, and where that stands; `nil` where no rule applies.
    package let rule: MatchedRule?
    /// What is wrong, as a sentence's end: `is permitted`, `is denied`, `shows ip as clear`.
    package let what: String
  }

  /// The first day of each epoch that was looked at.
  package let days: [CalendarDate]
  package let situationCount: Int
  /// Of the situations of each epoch, those that no rule tells apart are one.
  package let classCount: Int
  package let findings: [Finding]
  /// In order of id.
  package let invariants: [InvariantResult]

  package var holds: Bool { invariants.allSatisfy(\.holds) }
}

extension PolicySet {
  /// Looks at every situation, on every day from `day` on.
  package func prove(from day: CalendarDate) -> PolicyProof {
    let observer = invariants.isEmpty ? nil : observing
    var tally = RuleTally(self)
    var checks = invariants.map { InvariantCheck($0) }
    // Something may begin or end that only an invariant speaks of.
    let starts = Set(compiled.epochs.starts + (observer?.compiled.epochs.starts ?? []))
    let days = [day] + starts.union(invariants.flatMap(\.daysOfReach)).filter { $0 > day }.sorted()
    var situationCount = 0
    var classCount = 0
    for day in days {
      let situations = Situations(self, observer: observer, on: day)
      situationCount += situations.count
      classCount += situations.classes.count
      for found in situations.classes { tally.add(found) }
      for index in checks.indices { checks[index].look(at: situations, of: self, observer) }
    }
    return PolicyProof(
      days: days, situationCount: situationCount, classCount: classCount, findings: tally.findings,
      invariants: checks.map(\.result))
  }

  /// The invariants as rules of a set of their own: which apply in a situation is asked as of any rule. Of one that is about reach, the
  /// scope is.
  private var observing: PolicySet {
    PolicySet(
      warnings: [], revision: revision, vocabulary: vocabulary, packs: [], collections: collections, principals: principals,
      agreements: agreements, rules: invariants.map(\.scope), regions: regions)
  }
}

/// What each rule did in all classes of situations.
private struct RuleTally {
  private let policies: PolicySet
  private var matches: [Bool]
  private var decides: [Bool]
  private var isOpen: [Bool]
  private var forbidding: [Set<Int>]
  /// What applied wherever the rule did.
  private var companions: [RuleBits?]

  init(_ policies: PolicySet) {
    self.policies = policies
    let count = policies.rules.count
    matches = Array(repeating: false, count: count)
    decides = matches
    isOpen = matches
    forbidding = Array(repeating: [], count: count)
    companions = Array(repeating: nil, count: count)
  }

  mutating func add(_ found: SituationClass) {
    let layout = policies.compiled.layout
    let forbids = places(found.applying, layout.forbids)
    let fields = policies.fields(of: found.cell)
    for place in places(found.applying, 0..<layout.wordCount) {
      matches[place] = true
      companions[place] = companions[place].map { $0.intersection(found.applying) } ?? found.applying
      if policies.rules[place].kind == .permit {
        if forbids.isEmpty { isOpen[place] = true } else { forbidding[place].formUnion(forbids) }
      }
      guard !decides[place] else { continue }
      var without = found.applying
      without.remove(layout.bits[place])
      if policies.outcome(of: without, found.action, found.cell, fields: fields).effect.decides(
        otherwiseThan: found.outcome.effect)
      {
        decides[place] = true
      }
    }
  }

  private func places(_ bits: RuleBits, _ range: Range<Int>) -> [Int] {
    var places: [Int] = []
    bits.forEach(in: range) { bit in if let place = policies.compiled.layout.place(ofBit: bit) { places.append(place) } }
    return places
  }

  var findings: [PolicyProof.Finding] {
    policies.rules.indices.compactMap { place in
      let rule = policies.rules[place]
      func finding(_ kind: PolicyProof.Finding.Kind, _ because: [Int]) -> PolicyProof.Finding {
        PolicyProof.Finding(
          kind: kind, rule: rule.matched, because: because.sorted().map { policies.rules[$0].matched },
          lacks: kind == .neverMatches ? lacking(rule) : nil)
      }
      if !matches[place] { return finding(.neverMatches, []) }
      if rule.kind == .permit, !isOpen[place] { return finding(.alwaysOverridden, Array(forbidding[place])) }
      guard !decides[place] else { return nil }
      let others = companions[place].map { places($0, 0..<policies.compiled.layout.wordCount) } ?? []
      return finding(.neverDecides, others.filter { $0 != place && policies.rules[$0].kind == rule.kind })
    }
  }
}

extension RuleTally {
  private func lacking(_ rule: Rule) -> String? {
    for condition in rule.conditions {
      switch condition {
      case .safeguard(let mechanisms) where !policies.agreements.contains(where: { mechanisms.contains($0.mechanism) }):
        return "an agreement of mechanism \(mechanisms.sorted().map(\.rawValue).joined(separator: " or ")) in agreements.yaml"
      case .certified(let wanted)
      where !policies.principals.contains(where: { $0.certifications.contains { wanted.contains($0.certification) } }):
        return "a principal certified \(wanted.sorted().map(\.rawValue).joined(separator: " or ")) in principals.yaml"
      default: continue
      }
    }
    return nil
  }
}

extension CellOutcome.Effect {
  /// Whether somebody who asks would see a difference.
  fileprivate func decides(otherwiseThan other: Self) -> Bool {
    switch (self, other) {
    case (.permit(let left), .permit(let right)): left != right
    case (.deny, .deny): false
    default: true
    }
  }
}
