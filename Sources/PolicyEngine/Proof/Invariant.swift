import Residency

/// What must never, or always, come of the rules (`invariants.yaml`). It decides nothing: it is proved.
struct Invariant: Hashable, Sendable {
  enum Demand: Hashable, Sendable {
    /// Nothing of this is permitted.
    case never
    /// All of this is permitted.
    case always
    /// Where this is permitted, fields are shown in these views or stronger ones.
    case masked(FieldViews)
    /// No copy gets there, by however many steps.
    case unreachable(Reach)
  }

  /// Where a copy must not get.
  enum Reach: Hashable, Sendable {
    /// Any region but the home.
    case anyOther
    /// Any jurisdiction but the home's.
    case abroad
    case jurisdictions(JurisdictionSet)
  }

  let demand: Demand
  /// What it is about, as a rule that applies in the situations that count.
  let scope: Rule

  var id: String { scope.id }
}

extension PolicyReader {
  /// `invariants.yaml`.
  mutating func readInvariants(_ node: ConfigurationNode) {
    guard let fields = node.fields("the file", required: ["invariants"], &diagnostics),
      let items = fields["invariants"]?.items("'invariants'", &diagnostics)
    else { return }
    for item in items {
      guard let invariant = invariant(item) else { continue }
      if let first = invariants.first(where: { $0.id == invariant.id }) {
        report(
          item.location, "there is an invariant '\(invariant.id)' already",
          help: "the other is at \(first.scope.location.fileAndLine)")
      } else {
        invariants.append(invariant)
      }
    }
  }

  private static let demands = ["never", "always", "masked"]

  private mutating func invariant(_ node: ConfigurationNode) -> Invariant? {
    let optional = Self.demands + ["when", "unless", "basis", "note"]
    guard let fields = node.fields("an invariant", required: ["id"], optional: optional, &diagnostics) else { return nil }
    let id = name(fields["id"], "an invariant's id")
    let given = Self.demands.filter { fields[$0] != nil }
    guard given.count == 1, let key = given.first, let demand = fields[key] else {
      report(
        node.location, "invariant '\(id ?? "?")' says \(given.isEmpty ? "nothing" : "more than one thing")",
        help: "an invariant has exactly one of never, always and masked")
      return nil
    }
    if key != "masked", let when = fields["when"] {
      report(when.location, "'when' belongs to 'masked'", help: "write its conditions under '\(key)'")
    }
    guard let clause = key == "masked" ? fields["when"] : demand else {
      report(node.location, "'masked' does not say where", help: "add 'when' with conditions")
      return nil
    }
    guard let pairs = clause.pairs("'\(key)'", &diagnostics) else { return nil }
    func value(_ name: String) -> ConfigurationNode? {
      pairs.first { if case .scalar(name) = $0.key.content { true } else { false } }?.value
    }
    let home = value("home").map { jurisdictions($0, "'home'") }
    let actions = value("action").map { Set(self.actions($0, "'action'")) }
    let reach = value("reaches").map { self.reach($0) }
    let conditions = pairs.filter { pair in
      guard case .scalar(let text) = pair.key.content else { return true }
      return !["home", "action", "reaches"].contains(text)
    }
    if let node = value("reaches"), key != "never" { report(node.location, "'reaches' belongs to 'never'", help: "remove it") }
    if key == "always", actions == nil {
      report(clause.location, "'always' does not say what is to be possible", help: "add action: read, or others")
    }
    let clauses = clauses(conditions, isEverywhere: home == nil)
    let exceptions = self.clauses(fields["unless"], "'unless'", isEverywhere: home == nil)
    if reach != nil {
      for clause in clauses where clause.condition.key != .dataClass && clause.condition.key != .collection {
        report(
          clause.location, "'reaches' knows no \(clause.condition.key.rawValue)",
          help: "copies are followed by home, class and collection, whatever they are made for")
      }
      if let unless = fields["unless"] {
        report(unless.location, "'reaches' knows no 'unless'", help: "name the homes, classes and collections that it is about")
      }
    }
    let views = key == "masked" ? fieldViews(demand, "'masked'", nil) : .clear
    let basis = text(fields["basis"], "'basis'")
    guard let id else { return nil }
    let (kind, checked): (RuleKind, Invariant.Demand) =
      switch key {
      case "always": (.permit, .always)
      case "masked": (.require, .masked(views))
      default: (.forbid, reach.flatMap(\.self).map(Invariant.Demand.unreachable) ?? .never)
      }
    return Invariant(
      demand: checked,
      scope: Rule(
        policy: "invariants", MatchedRule(id: id, kind: kind, location: node.location, basis: basis),
        actions: actions ?? Rule.outward,
        pack: home,
        conditions: clauses.map(\.condition), exceptions: exceptions.map(\.condition), views: views, mechanism: nil,
        period: .always))
  }

  private mutating func reach(_ node: ConfigurationNode) -> Invariant.Reach? {
    if case .scalar(let text) = node.content {
      if text == "any-other" { return .anyOther }
      if text == "abroad" { return .abroad }
      if let near = nearest(text, in: ["any-other", "abroad"]) {
        report(node.location, "'\(text)' is no place that can be reached", help: "did you mean '\(near)'?")
        return nil
      }
    }
    return .jurisdictions(jurisdictions(node, "'reaches'"))
  }
}
