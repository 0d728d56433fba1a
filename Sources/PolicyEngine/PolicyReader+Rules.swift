import Residency

extension PolicyReader {
  /// A pack: rules for the homes that it names.
  mutating func readPack(_ node: ConfigurationNode) {
    guard let fields = node.fields("a policy", required: ["policy", "home", "rules"], optional: ["mode", "note"], &diagnostics)
    else {
      return
    }
    let name = self.name(fields["policy"], "a policy's name")
    if let name {
      if packs.contains(where: { $0.name == name }) {
        report(node.location, "there is a policy '\(name)' already", help: "give each its own name")
      }
      let mode = choice(fields["mode"], "mode", PolicyPack.Mode.self)
      packs.append(PolicyPack(name: name, mode: mode ?? .enforce, location: fields["mode"]?.location ?? node.location))
    }
    guard let home = fields["home"] else { return }
    let isEverywhere = if case .scalar("*") = home.content { true } else { false }
    let pack = isEverywhere ? nil : jurisdictions(home, "'home'")
    for item in fields["rules"]?.items("'rules'", &diagnostics) ?? [] {
      guard let rule = rule(item, of: name ?? "", pack: pack) else { continue }
      if let first = rules.first(where: { $0.id == rule.id }) {
        report(item.location, "there is a rule '\(rule.id)' already", help: "the other is at \(first.location.fileAndLine)")
      } else {
        rules.append(rule)
      }
    }
  }

  private mutating func rule(_ node: ConfigurationNode, of policy: String, pack: JurisdictionSet?) -> Rule? {
    let optional = ["basis", "permit", "forbid", "require", "when", "unless", "view", "mechanism", "from", "until", "note"]
    guard let fields = node.fields("a rule", required: ["id"], optional: optional, &diagnostics) else { return nil }
    let id = name(fields["id"], "a rule's id")
    let kinds = RuleKind.allCases.filter { fields[$0.rawValue] != nil }
    guard let kind = kinds.first, kinds.count == 1, let effect = fields[kind.rawValue] else {
      let problem = kinds.isEmpty ? "says neither permit, forbid nor require" : "says more than one of permit, forbid and require"
      report(node.location, "rule '\(id ?? "?")' \(problem)", help: "a rule does exactly one of them")
      return nil
    }
    let actions = kind == .require ? Rule.outward : Set(self.actions(effect, "'\(kind.rawValue)'"))
    let conditions = clauses(fields["when"], "'when'", isEverywhere: pack == nil)
    let exceptions = clauses(fields["unless"], "'unless'", isEverywhere: pack == nil)
    let names = collectionNames(conditions)
    let views = kind == .require ? fieldViews(effect, "'require'", names) : fields["view"].map { fieldViews($0, "'view'", names) }
    check(fields, kind: kind, actions: actions, clauses: conditions + exceptions)
    let mechanism = text(fields["mechanism"], "'mechanism'").flatMap {
      safeguard($0, at: fields["mechanism"]?.location ?? node.location)
    }
    let basis = text(fields["basis"], "'basis'")
    let period = period(fields)
    if exceptions.count == 1, let exception = exceptions.first,
      conditions.contains(where: { $0.condition.isWithin(exception.condition) })
    {
      report(
        exception.location, "rule '\(id ?? "?")' never applies: 'unless' takes away all of '\(exception.condition.key.rawValue)'",
        help: "remove the condition from 'when' or from 'unless'")
    }
    if kind == .permit || kind == .forbid, conditions.isApart {
      report(
        node.location, "rule '\(id ?? "?")' never applies: it wants a residence and a subdivision of different countries",
        help: "a subdivision lies in its country: name that, or leave 'residence' out")
    }
    guard let id else { return nil }
    if let until = period.until, until <= today {
      warn(node.location, "rule '\(id)' ended on \(until)", help: "renew it, or remove it")
    }
    return Rule(
      policy: policy, MatchedRule(id: id, kind: kind, location: node.location, basis: basis), actions: actions, pack: pack,
      conditions: conditions.map(\.condition),
      exceptions: exceptions.map(\.condition), views: views ?? .clear, mechanism: mechanism, period: period)
  }

  /// A condition and where it is written.
  typealias Clause = (condition: Condition, location: SourceLocation)

  private mutating func check(_ fields: [String: ConfigurationNode], kind: RuleKind, actions: Set<Action>, clauses: [Clause]) {
    if actions.contains(.store), kind != .require {
      for clause in clauses where !clause.condition.key.appliesToStore {
        report(
          clause.location, "'store' knows no \(clause.condition.key.rawValue)",
          help: "'store' places a person: write a rule of its own, on home, principal, residence, citizenship or subdivision")
      }
    }
    if let view = fields["view"] {
      if kind != .permit {
        report(
          view.location, "'view' belongs to a permit", help: kind == .forbid ? "remove it" : "name the fields under 'require'")
      } else if let action = actions.sorted().first(where: { !$0.givesViews }) {
        report(view.location, "'\(action.rawValue)' takes whole records: it has no views", help: "permit it in a rule of its own")
      }
    }
    if kind != .permit, let mechanism = fields["mechanism"] {
      report(mechanism.location, "'mechanism' belongs to a permit", help: "remove it")
    }
  }

  mutating func actions(_ node: ConfigurationNode, _ what: String) -> [Action] {
    let known = (vocabulary?.actions ?? Action.allCases).map(\.rawValue)
    return words(node, what) { reader, text, location in
      reader.member(of: known, text, "action", at: location).flatMap(Action.init(rawValue:))
    }
  }

  private func collectionNames(_ clauses: [Clause]) -> Set<CollectionName>? {
    for case (.collection(let names), _) in clauses { return names }
    return nil
  }

  /// A map of fields to views. Only fields that a schema names can be named, and `*` for all others.
  mutating func fieldViews(_ node: ConfigurationNode, _ what: String, _ names: Set<CollectionName>?) -> FieldViews {
    var views = FieldViews(named: [:], others: nil)
    let schemas = collections?.values.filter { names?.contains($0.name) ?? true }
    let known = schemas.map { Set($0.flatMap(\.classes.keys)).sorted() }
    let pairs = node.pairs(what, &diagnostics) ?? []
    for (key, value) in pairs {
      guard let field = key.string("a field's name", &diagnostics), let name = value.string("a view", &diagnostics),
        let view = view(name, at: value.location)
      else { continue }
      if field == "*" {
        views.others = view
      } else if known == nil || member(of: known ?? [], field, "field", at: key.location) != nil {
        if !views.add(view, of: field) {
          report(key.location, "\(what) names '\(field)' twice", help: "with and without '[]' it is one field")
        }
      }
    }
    if pairs.isEmpty, case .mapping = node.content { report(node.location, "\(what) names no field") }
    return views
  }

  mutating func clauses(_ node: ConfigurationNode?, _ what: String, isEverywhere: Bool) -> [Clause] {
    guard let node, let pairs = node.pairs(what, &diagnostics) else { return [] }
    if pairs.isEmpty { report(node.location, "\(what) says nothing", help: "name a condition, or remove it") }
    return clauses(pairs, isEverywhere: isEverywhere)
  }

  mutating func clauses(_ pairs: [(key: ConfigurationNode, value: ConfigurationNode)], isEverywhere: Bool) -> [Clause] {
    var clauses: [Clause] = []
    for (key, value) in pairs {
      guard let text = key.string("a condition", &diagnostics),
        let name = member(of: ConditionKey.allCases.map(\.rawValue), text, "condition", at: key.location),
        let conditionKey = ConditionKey(rawValue: name),
        let condition = condition(conditionKey, value, isEverywhere: isEverywhere)
      else { continue }
      clauses.append((condition, key.location))
    }
    return clauses
  }

  private mutating func condition(_ key: ConditionKey, _ node: ConfigurationNode, isEverywhere: Bool) -> Condition? {
    let what = "'\(key.rawValue)'"
    switch key {
    case .locality: return .locality(Set(localities(node, what, isEverywhere: isEverywhere)))
    case .requester: return .requester(jurisdictions(node, what))
    case .requesterRegion: return .requesterRegion(Set(regionIDs(node, what)))
    case .home: return .home(jurisdictions(node, what))
    case .dataClass: return .dataClass(Set(words(node, what) { $0.dataClass($1, at: $2) }))
    case .purpose: return .purpose(Set(words(node, what) { $0.purpose($1, at: $2) }))
    case .collection: return .collection(Set(words(node, what) { $0.collectionName($1, at: $2) }))
    case .consent:
      return .consent(
        Set(
          words(node, what) { reader, text, location in
            reader.member(of: ConsentKind.allCases.map(\.rawValue), text, "kind of consent", at: location).flatMap(
              ConsentKind.init(rawValue:))
          }))
    case .safeguard: return .safeguard(Set(words(node, what) { $0.safeguard($1, at: $2) }))
    case .principal: return .principal(words(node, what) { _, text, _ in NamePattern(text: text) })
    case .residence: return .residence(jurisdictions(node, what))
    case .citizenship: return .citizenship(jurisdictions(node, what))
    case .subdivision: return .subdivision(jurisdictions(node, what))
    case .certified: return .certified(Set(words(node, what) { $0.certification($1, at: $2) }))
    case .firstWrite: return .firstWrite(jurisdictions(node, what))
    case .transferredThisYear: return countRange(node, what).map(Condition.transferredThisYear)
    }
  }

  private mutating func countRange(_ node: ConfigurationNode, _ what: String) -> CountRange? {
    guard let fields = node.fields(what, optional: ["at_least", "below", "of"], &diagnostics) else { return nil }
    if fields["at_least"] == nil, fields["below"] == nil {
      report(node.location, "\(what) says nothing", help: "write { below: 100000 }, { at_least: 1000000 } or both")
    }
    let range = CountRange(
      atLeast: fields["at_least"].flatMap { $0.integer("'at_least'", &diagnostics) },
      below: fields["below"].flatMap { $0.integer("'below'", &diagnostics) },
      of: choice(fields["of"], "'of'", CountRange.Counted.self) ?? .sameClass)
    for (key, number) in [("at_least", range.atLeast), ("below", range.below)] {
      guard let number, number < 1 else { continue }
      report(fields[key]?.location ?? node.location, "'\(key)' counts people: it is at least 1, not \(number)")
    }
    if let low = range.atLeast, let high = range.below, low >= high {
      report(node.location, "no number is at least \(low) and below \(high)", help: "'below' is the greater one")
    }
    return range
  }

  private mutating func localities(_ node: ConfigurationNode, _ what: String, isEverywhere: Bool) -> [LocalityWord] {
    words(node, what) { reader, text, location in
      let word = reader.member(of: LocalityWord.allCases.map(\.rawValue), text, "locality", at: location).flatMap(
        LocalityWord.init)
      if word == .bloc, isEverywhere {
        reader.report(
          location, "a policy with home: \"*\" has no bloc", help: "name the home jurisdictions, or use region and jurisdiction")
        return nil
      }
      return word
    }
  }

  private mutating func regionIDs(_ node: ConfigurationNode, _ what: String) -> [RegionID] {
    words(node, what) { reader, text, location in
      reader.member(of: reader.regions.keys.map(\.rawValue).sorted(), text, "region", at: location).flatMap(RegionID.init)
    }
  }

  private mutating func collectionName(_ text: String, at location: SourceLocation) -> CollectionName? {
    guard let collections else { return CollectionName(text) }
    return member(of: collections.keys.map(\.rawValue).sorted(), text, "collection", at: location).map(CollectionName.init)
  }

}

extension Rule {
  /// The actions that take data out of its home: what a requirement is about.
  static let outward: Set<Action> = [.read, .export, .replicate, .move]
}

extension Condition {
  /// Whether this holds only where `other` does, as far as their words tell.
  fileprivate func isWithin(_ other: Condition) -> Bool {
    switch (self, other) {
    case (.locality(let left), .locality(let right)):
      // Each word includes the ones before it.
      let order = LocalityWord.allCases
      return (left.compactMap(order.firstIndex).max() ?? 0) <= (right.compactMap(order.firstIndex).max() ?? -1)
    case (.requesterRegion(let left), .requesterRegion(let right)): return left.isSubset(of: right)
    case (.dataClass(let left), .dataClass(let right)): return left.isSubset(of: right)
    case (.purpose(let left), .purpose(let right)): return left.isSubset(of: right)
    case (.collection(let left), .collection(let right)): return left.isSubset(of: right)
    case (.consent(let left), .consent(let right)): return left.isSubset(of: right)
    case (.safeguard(let left), .safeguard(let right)): return left.isSubset(of: right)
    case (.certified(let left), .certified(let right)): return left.isSubset(of: right)
    default: return self == other
    }
  }
}

extension [PolicyReader.Clause] {
  /// Whether no place is both in the residences and in the subdivisions that are asked for.
  fileprivate var isApart: Bool {
    func places(_ key: ConditionKey) -> [Jurisdiction]? {
      for clause in self where clause.condition.key == key {
        switch clause.condition {
        case .residence(let set), .subdivision(let set): return set.groups.flatMap { $0.members.map(\.jurisdiction) }
        default: return nil
        }
      }
      return nil
    }
    guard let residences = places(.residence), let parts = places(.subdivision) else { return false }
    return !residences.contains { residence in parts.contains { residence.isWithin($0) != .no || $0.isWithin(residence) != .no } }
  }
}
