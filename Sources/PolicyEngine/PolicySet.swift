package import Residency

/// A set of policy files, checked and compiled once. Immutable: a new revision is a new set. A class, since every call holds it.
package final class PolicySet: Sendable {
  /// What deserves attention and does not stop the set from serving: lists and agreements past their review.
  package let warnings: [Diagnostic]
  /// `sha256:<hex>` over ``canonicalBytes(of:)``: in every decision and audit leaf.
  package let revision: String
  /// What the files are called that it was read from, within their folder, without tests.
  package let fileNames: Set<String>
  package let vocabulary: PolicyVocabulary
  /// In order of names.
  package let packs: [PolicyPack]
  let collections: [CollectionName: CollectionSchema]
  let principals: [PrincipalEntry]
  let agreements: [Agreement]
  /// Those that decide, in order of id: the order of files and of rules in them means nothing.
  let rules: [Rule]
  let monitoring: Monitoring
  /// What must hold of the rules, in order of id. They decide nothing.
  let invariants: [Invariant]
  /// What tests may name, too.
  let lists: [String: ListDocument]
  let compiled: CompiledRules
  let regions: [RegionID: Jurisdiction]

  init(
    warnings: [Diagnostic], revision: String, fileNames: Set<String> = [], vocabulary: PolicyVocabulary, packs: [PolicyPack],
    collections: [CollectionName: CollectionSchema], principals: [PrincipalEntry], agreements: [Agreement], rules: [Rule],
    invariants: [Invariant] = [], lists: [String: ListDocument] = [:], regions: [RegionID: Jurisdiction]
  ) {
    self.warnings = warnings
    self.revision = revision
    self.fileNames = fileNames
    self.vocabulary = vocabulary
    self.packs = packs.sorted { $0.name < $1.name }
    self.collections = collections
    self.principals = principals
    self.agreements = agreements
    let watching = Set(packs.filter { $0.mode == .monitor }.map(\.name))
    self.rules = rules.filter { !watching.contains($0.policy) }.sorted { $0.id < $1.id }
    personalFacts = PersonalFact.asked(by: rules)
    viewedFields = rules.reduce(into: []) { $0.formUnion($1.views.named.keys) }
    countingRules = rules.filter { ($0.conditions + $0.exceptions).contains { $0.key == .transferredThisYear } }
    self.invariants = invariants
    self.lists = lists
    self.regions = regions
    compiled = CompiledRules(
      self.rules, schemas: Array(collections.values), purposes: vocabulary.purposes, agreements: agreements,
      principals: principals)
    guard self.rules.count < rules.count else {
      monitoring = .none
      return
    }
    let trial = PolicySet(
      warnings: warnings, revision: revision, vocabulary: vocabulary,
      packs: packs.map { PolicyPack(name: $0.name, mode: .enforce, location: $0.location) }, collections: collections,
      principals: principals, agreements: agreements, rules: rules, invariants: invariants, lists: lists, regions: regions)
    monitoring = .of(trial: trial, rules: Set(rules.filter { watching.contains($0.policy) }.map(\.id)))
  }

  /// As `other`, but for what is given. Nothing is compiled anew.
  private init(_ other: PolicySet, warnings: [Diagnostic], monitoring: Monitoring, regions: [RegionID: Jurisdiction]) {
    self.warnings = warnings
    self.monitoring = monitoring
    self.regions = regions
    (revision, fileNames, vocabulary, packs) = (other.revision, other.fileNames, other.vocabulary, other.packs)
    (collections, principals, agreements) = (other.collections, other.principals, other.agreements)
    (rules, invariants, lists, compiled) = (other.rules, other.invariants, other.lists, other.compiled)
    (personalFacts, viewedFields, countingRules) = (other.personalFacts, other.viewedFields, other.countingRules)
  }

  func with(warnings: [Diagnostic]) -> PolicySet {
    PolicySet(self, warnings: warnings, monitoring: monitoring, regions: regions)
  }

  /// The schema of a collection, or `nil` where there is no such collection.
  package func collection(_ name: CollectionName) -> CollectionSchema? { collections[name] }

  /// Every collection, in order of names.
  package var collectionNames: [CollectionName] { collections.keys.sorted() }

  /// Compiles the rules for a day, which the first decision on it would do otherwise.
  /// - Returns: how many epochs the set has in all: days on which something in it begins or ends part them.
  @discardableResult
  package func compileNow(for day: CalendarDate) -> Int {
    _ = compiled.table(on: day)
    if case .of(let trial, _) = monitoring { trial.compileNow(for: day) }
    return compiled.epochs.starts.count + 1
  }

  /// How many invariants there are to prove.
  package var invariantCount: Int { invariants.count }

  /// What rules of all packs ask about a person, by action.
  let personalFacts: [Action: Set<PersonalFact>]
  /// Fields that a rule of some pack has a view for, without marks of lists.
  let viewedFields: Set<String>

  /// Rules of all packs that ask how many people's data left.
  private let countingRules: [Rule]

  /// The numbers of people transferred in a year at which some rule about people at home there begins or ceases to apply. Empty where none
  /// asks.
  package func transferLimits(atHome home: Jurisdiction, on day: CalendarDate) -> Set<Int> {
    countingRules.reduce(into: []) { limits, rule in
      guard rule.pack.map({ $0.contains(home, on: day) != .no }) ?? true else { return }
      for case .transferredThisYear(let range) in rule.conditions + rule.exceptions {
        limits.formUnion([range.atLeast, range.below].compactMap(\.self))
      }
    }
  }

  /// How many rules there are, in all packs.
  package var ruleCount: Int { asEnforced.rules.count }

  /// The purposes that a principal may claim. Empty where no entry of `principals.yaml` names it.
  package func purposes(allowedFor principal: String) -> Set<Purpose> {
    principals.reduce(into: []) { allowed, entry in
      if entry.pattern.matches(principal) { allowed.formUnion(entry.purposes) }
    }
  }

  /// No rule is compiled for regions, so none is compiled anew.
  private func placed(in regions: [RegionID: Jurisdiction]) -> PolicySet {
    var monitoring = monitoring
    if case .of(let trial, let rules) = monitoring { monitoring = .of(trial: trial.placed(in: regions), rules: rules) }
    return PolicySet(self, warnings: warnings, monitoring: monitoring, regions: regions)
  }

  /// The same rules in other circumstances. For tests that bring their own.
  func adding(_ circumstances: PolicyTestCase.Circumstances) -> PolicySet {
    let ids = Set(circumstances.agreements.map(\.id))
    let isPlain = circumstances.agreements.isEmpty && circumstances.principals.isEmpty
    let set =
      isPlain
      ? self
      : replacing(
        principals: principals + circumstances.principals,
        agreements: agreements.filter { !ids.contains($0.id) } + circumstances.agreements)
    return set.placed(in: circumstances.regions)
  }
}

/// Who may claim which purposes, and is certified for what.
struct PrincipalEntry: Hashable, Sendable {
  var pattern: NamePattern
  var purposes: Set<Purpose>
  var certifications: [HeldCertification] = []
}

struct HeldCertification: Hashable, Sendable {
  var certification: Certification
  var period: Period
}

extension [PrincipalEntry] {
  /// What a principal is certified for on a day. Entries add up.
  func certifications(of principal: String, on day: CalendarDate) -> Set<Certification> {
    reduce(into: []) { held, entry in
      guard !entry.certifications.isEmpty, entry.pattern.matches(principal) else { return }
      for certification in entry.certifications where certification.period.contains(day) {
        held.insert(certification.certification)
      }
    }
  }
}
