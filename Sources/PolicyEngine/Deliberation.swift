import Residency

/// One decision in the making: every rule for the action against every hop and every class of the request.
struct Deliberation {
  /// A rule in one situation, where it applies or cannot be ruled out.
  private struct Finding {
    let rule: Rule
    let hop: Int
    let cell: Cell
    let truth: Truth
  }

  /// A permit at work: on which hop, for what.
  private struct Grant {
    let hop: Int
    let cell: Cell
    let rule: Rule
  }

  /// Fields that no rule tells apart: those of one class in one collection.
  typealias Cell = RuleTable.Cell

  private let policies: PolicySet
  private let request: AccessRequest
  private let schema: CollectionSchema?
  private let cells: [Cell]
  private let findings: [Finding]

  init(policies: PolicySet, request: AccessRequest) {
    self.policies = policies
    self.request = request
    schema = request.collection.flatMap(policies.collection)
    let cells = Self.cells(of: request, in: policies)
    self.cells = cells
    findings = Self.findings(of: request, cells, policies)
  }

  /// In order of rules, hops and cells.
  private static func findings(of request: AccessRequest, _ cells: [Cell], _ policies: PolicySet) -> [Finding] {
    let matcher = Matcher(policies: policies, request: request)
    let rules = policies.rules
    var findings: [(place: Int, finding: Finding)] = []
    for (index, hop) in request.hops.enumerated() {
      for cell in cells {
        matcher.forEachMatch(of: cell, from: hop) { place, truth in
          findings.append((place, Finding(rule: rules[place], hop: index, cell: cell, truth: truth)))
        }
      }
    }
    // Hops and cells come in their order already; this sort is stable.
    return findings.sorted { $0.place < $1.place }.map(\.finding)
  }

  static func cells(of request: AccessRequest, in policies: PolicySet) -> [Cell] {
    if request.action == .store { return [Cell(collection: nil, dataClass: nil)] }
    var cells: Set<Cell> = []
    if let schema = request.collection.flatMap(policies.collection) {
      // An empty document is still a record: it is judged as one of unnamed fields.
      let asked = request.fields?.flatMap(schema.fields(in:))
      let named = asked.map { $0.map(schema.dataClass) } ?? Array(schema.classes.values)
      let classes = request.fields == nil || named.isEmpty ? named + [schema.defaultClass] : named
      for dataClass in classes { cells.insert(Cell(collection: schema.name, dataClass: dataClass)) }
    } else {
      for schema in policies.collections.values where schema.locality == .home {
        for dataClass in Array(schema.classes.values) + [schema.defaultClass] {
          cells.insert(Cell(collection: schema.name, dataClass: dataClass))
        }
      }
    }
    return cells.sorted { left, right in
      (left.collection?.rawValue ?? "", left.dataClass?.rawValue ?? "") < (
        right.collection?.rawValue ?? "", right.dataClass?.rawValue ?? ""
      )
    }
  }

  private static func situation(_ request: AccessRequest, _ hop: Place, _ cell: Cell, _ policies: PolicySet) -> Situation {
    Situation(
      request: request, hop: hop, collection: cell.collection, dataClass: cell.dataClass, agreements: policies.agreements,
      principals: policies.principals)
  }

  private func situation(_ hop: Int, _ cell: Cell) -> Situation {
    Self.situation(request, request.hops[hop], cell, policies)
  }
}

extension Deliberation {
  func decision() -> Decision {
    switch ruling {
    case .deny(let reason, let rule, let hop): deny(reason, by: rule, onHop: hop)
    case .permit(let access, let grants): permit(access, grants: grants)
    }
  }

  /// Without a word of explanation.
  var isPermitted: Bool { if case .permit = ruling { true } else { false } }

  /// What comes of the findings.
  private enum Ruling {
    case deny(DenyReason, by: Rule?, onHop: Int?)
    /// On some hop, by some rule: never by none.
    case permit(FieldAccess?, [Grant])

    init(_ access: FieldAccess?, grants: [Grant]) {
      self = grants.isEmpty ? .deny(.noMatchingRule, by: nil, onHop: nil) : .permit(access, grants)
    }
  }

  private var ruling: Ruling {
    if let forbid = decidingForbid { return .deny(.forbidden, by: forbid.rule, onHop: forbid.hop) }
    let opened = cells.filter { cell in request.hops.indices.allSatisfy { !permits(of: cell, hop: $0).isEmpty } }
    if request.action.givesViews {
      return opened.isEmpty ? .deny(unpermitted, by: nil, onHop: nil) : rulingWithViews(opened)
    }
    guard !cells.isEmpty, opened.count == cells.count else { return .deny(unpermitted, by: nil, onHop: nil) }
    if let demand = maskingRule { return .deny(.redactionRequired, by: demand, onHop: nil) }
    return Ruling(nil, grants: cells.flatMap { cell in grants(of: cell) { _ in .clear } })
  }

  private func rulingWithViews(_ opened: [Cell]) -> Ruling {
    guard let schema, let recipient = request.hops.last?.jurisdiction else {
      return .deny(.unknownCollection, by: nil, onHop: nil)
    }
    var scopes: [DataClass: [FieldAccess.Scope]] = [:]
    for cell in opened {
      guard let dataClass = cell.dataClass else { continue }
      scopes[dataClass] = request.hops.indices.map { scope(of: cell, hop: $0) }
    }
    let access = FieldAccess(
      schema: schema, requested: request.fields.map { Set($0.flatMap(schema.fields(in:))).sorted() } ?? schema.fields + ["*"],
      includesUnnamed: request.fields == nil, scopes: scopes, recipient: recipient)
    let shown = access.requested.filter { access.view(of: $0) != .drop }
    guard !shown.isEmpty else {
      return .deny(.everythingDropped, by: findings.first { $0.rule.kind == .require }?.rule, onHop: nil)
    }
    return Ruling(
      access,
      grants: shown.flatMap { field in
        grants(of: Cell(collection: schema.name, dataClass: schema.dataClass(of: field))) { $0.view(of: field) ?? .drop }
      })
  }

  /// The finding that settles a denial by forbid: one that certainly applies before one that an unknown fact leaves open, then by id.
  private var decidingForbid: Finding? {
    let forbids = findings.filter { $0.rule.kind == .forbid }
    return forbids.first { $0.truth == .yes } ?? forbids.first
  }

  private func permits(of cell: Cell, hop: Int) -> [Rule] {
    findings.filter { $0.rule.kind == .permit && $0.truth == .yes && $0.hop == hop && $0.cell == cell }.map(\.rule)
  }

  private func scope(of cell: Cell, hop: Int) -> FieldAccess.Scope {
    let demands = findings.filter { $0.rule.kind == .require && $0.hop == hop && $0.cell == cell }.map(\.rule.views)
    return FieldAccess.Scope(grants: permits(of: cell, hop: hop).map(\.views), demands: demands)
  }

  /// On each hop the permit that opens `cell` and shows the most of what is asked of it; then the first by id.
  private func grants(of cell: Cell, view: (FieldViews) -> View) -> [Grant] {
    request.hops.indices.compactMap { hop in
      let opening = permits(of: cell, hop: hop).filter { view($0.views) != .drop }
      return opening.min { view($0.views) < view($1.views) }.map { Grant(hop: hop, cell: cell, rule: $0) }
    }
  }

  private var unpermitted: DenyReason {
    findings.contains { $0.rule.kind == .permit && $0.truth == .unknown } ? .missingFact : .noMatchingRule
  }

  /// The first requirement that masks a part of what would cross whole. Nothing is masked in what comes home or is placed there.
  private var maskingRule: Rule? {
    findings.first { $0.rule.kind == .require && masks($0.rule.views, $0.cell) }?.rule
  }

  private func masks(_ views: FieldViews, _ cell: Cell) -> Bool {
    guard let schema = cell.collection.flatMap(policies.collection) else { return true }
    if let fields = request.fields?.flatMap(schema.fields(in:)) {
      return fields.contains { schema.dataClass(of: $0) == cell.dataClass && (views.view(of: $0) ?? .clear) != .clear }
    }
    return schema.isMasked(by: views, in: cell.dataClass)
  }
}

extension Deliberation {
  private func deny(_ reason: DenyReason, by rule: Rule?, onHop hop: Int?) -> Decision {
    Decision(
      request: request, effect: .deny, reason: reason, rules: matched, rule: rule?.matched, unknown: unknown,
      nearestPermit: nearestPermit(despite: reason == .forbidden ? rule : nil, onHop: hop), revision: policies.revision,
      legalBasis: nil,
      safeguard: nil, agreement: nil, classes: classes, access: nil)
  }

  private func permit(_ access: FieldAccess?, grants: [Grant]) -> Decision {
    let grants = grants.sorted { ($0.hop, $0.rule.id) < ($1.hop, $1.rule.id) }
    guard let crossing = grants.first(where: leavesJurisdiction) ?? grants.first else {
      return deny(.noMatchingRule, by: nil, onHop: nil)
    }
    var bases: [String] = []
    for basis in grants.compactMap(\.rule.basis) where !bases.contains(basis) { bases.append(basis) }
    let agreement = agreement(behind: crossing)
    return Decision(
      request: request, effect: .permit, reason: nil, rules: matched, rule: crossing.rule.matched, unknown: unknown,
      nearestPermit: request.wantsNearestPermit ? nearestPermit(despite: nil, onHop: nil) : nil, revision: policies.revision,
      legalBasis: bases.isEmpty ? nil : bases.joined(separator: "; "), safeguard: agreement?.mechanism ?? crossing.rule.mechanism,
      agreement: agreement.map { AgreementReference(id: $0.id, reference: $0.reference) }, classes: classes, access: access)
  }

  private func leavesJurisdiction(_ grant: Grant) -> Bool {
    request.hops[grant.hop].jurisdiction.isWithin(request.home.jurisdiction) != .yes
  }

  private func agreement(behind grant: Grant) -> Agreement? {
    for case .safeguard(let mechanisms) in grant.rule.conditions {
      return situation(grant.hop, grant.cell).agreement(of: mechanisms)
    }
    return nil
  }

  private var classes: [DataClass] { Set(cells.compactMap(\.dataClass)).sorted() }

  private var matched: [MatchedRule] {
    var rules: [MatchedRule] = []
    for finding in findings where finding.rule.kind != .permit || finding.truth == .yes {
      if rules.last?.id != finding.rule.id { rules.append(finding.rule.matched) }
    }
    return rules
  }

  private var unknown: [String] {
    var keys: Set<String> = []
    for finding in findings where finding.truth == .unknown {
      keys.formUnion(situation(finding.hop, finding.cell).unknowns(for: finding.rule))
    }
    return keys.sorted()
  }

  /// Of the packs for this home, the permit with the fewest conditions missing where the way is not open, those that are easier to
  /// obtain first; then by id. Where `forbid` denies, a permit comes first
  /// that could only hold where that forbid might not, and one that it overrides is no help at all.
  private func nearestPermit(despite forbid: Rule?, onHop hop: Int?) -> NearestPermit? {
    let all = request.hops.indices.filter { hop == nil || hop == $0 }.flatMap { hop in cells.map { (hop: hop, cell: $0) } }
    let closed = all.filter { permits(of: $0.cell, hop: $0.hop).isEmpty }
    let situations = (forbid != nil || closed.isEmpty ? all : closed).map { situation($0.hop, $0.cell) }
    guard let first = situations.first else { return nil }
    let keys = Set(((forbid?.conditions ?? []) + (forbid?.exceptions ?? [])).map(\.key.rawValue))
    var best: (permit: NearestPermit, rank: (Int, Int, Int))?
    for rule in policies.rules where rule.kind == .permit && rule.actions.contains(request.action) {
      // Whose people a pack is about does not depend on where the data goes.
      guard first.packTruth(of: rule) != .no else { continue }
      for situation in situations {
        // One that lacks more cannot be nearer, but where it is of the other kind.
        let most = best.map { $0.rank.0 == 0 ? $0.rank.1 : .max } ?? .max
        guard let missing = situation.missing(for: rule, atMost: most) else { continue }
        if forbid != nil, missing.isEmpty { continue }
        let effort = missing.map(Self.effort).reduce(0, +)
        let rank = (forbid == nil || !keys.isDisjoint(with: missing) ? 0 : 1, missing.count, effort)
        if best.map({ rank < $0.rank }) ?? true {
          best = (NearestPermit(rule: rule.id, location: rule.location, missing: missing), rank)
        }
      }
    }
    return best?.permit
  }

  /// A safeguard, a consent or another purpose can be had; a place is where it is; and the data is what it is.
  private static func effort(_ key: String) -> Int {
    switch ConditionKey(rawValue: key) {
    case .dataClass, .collection: 2
    case .locality, .requester, .requesterRegion, .home, .residence, .citizenship, .subdivision, .firstWrite: 1
    case .purpose, .consent, .safeguard, .principal, .certified, .transferredThisYear, nil: 0
    }
  }
}
