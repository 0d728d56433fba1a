import Residency

/// Reads a `*.test.yaml` file: `given` holds what its cases have in common, each case what it adds.
struct PolicyTestReader {
  var diagnostics: [Diagnostic] = []
  let policies: PolicySet

  init(policies: PolicySet) { self.policies = policies }

  private static let requestKeys = [
    "at", "action", "home", "from", "principal_jurisdiction", "collection", "fields", "purpose", "principal", "consent",
    "residence", "first_write", "transferred_this_year",
  ]

  mutating func cases(_ node: ConfigurationNode) -> [PolicyTestCase] {
    guard
      let file = node.fields(
        "a test file", required: ["tests", "cases"], optional: ["regions", "agreements", "principals", "given", "note"],
        &diagnostics)
    else { return [] }
    if let tested = file["tests"], let name = tested.string("'tests'", &diagnostics),
      !policies.packs.contains(where: { $0.name == name })
    {
      let help = nearest(name, in: policies.packs.map(\.name)).map { "did you mean '\($0)'?" } ?? "name the policy that is tested"
      report(tested.location, "there is no policy '\(name)'", help: help)
    }
    let regions = file["regions"].map { self.regions($0) } ?? policies.regions
    let circumstances = circumstances(file, regions)
    let given = file["given"].flatMap { $0.fields("'given'", optional: Self.requestKeys, &diagnostics) } ?? [:]
    let items = file["cases"]?.items("'cases'", &diagnostics) ?? []
    if items.isEmpty, let cases = file["cases"] {
      report(cases.location, "there are no cases", help: "write some, or remove the file")
    }
    return items.compactMap { item in
      let fields = item.fields("a case", required: ["name", "expect"], optional: Self.requestKeys, &diagnostics)
      guard let fields, let name = fields["name"]?.string("a case's name", &diagnostics) else { return nil }
      let request = request(fields.merging(given) { own, _ in own }, regions, at: item.location)
      guard let request, let expectation = fields["expect"].flatMap({ expectation($0) }) else { return nil }
      return PolicyTestCase(
        name: name, location: item.location, circumstances: circumstances, request: request, expectation: expectation)
    }
  }

  /// Read as the files of the policies are, but for reviews that are due.
  private mutating func circumstances(
    _ file: [String: ConfigurationNode], _ regions: [RegionID: Jurisdiction]
  ) -> PolicyTestCase.Circumstances {
    var reader = PolicyReader(regions: regions, today: .distantPast)
    reader.vocabulary = policies.vocabulary
    reader.collections = policies.collections
    reader.lists = policies.lists
    if let node = file["agreements"] { reader.readAgreementList(node) }
    if let node = file["principals"] { reader.readPrincipalList(node) }
    reader.checkAgreements()
    diagnostics += reader.diagnostics.filter { $0.severity == .error }
    return PolicyTestCase.Circumstances(regions: regions, agreements: reader.agreements, principals: reader.principals)
  }

  private mutating func report(_ location: SourceLocation, _ message: String, help: String? = nil) {
    diagnostics.append(Diagnostic(at: location, message, help: help))
  }

  private mutating func regions(_ node: ConfigurationNode) -> [RegionID: Jurisdiction] {
    var regions: [RegionID: Jurisdiction] = [:]
    for (key, value) in node.pairs("'regions'", &diagnostics) ?? [] {
      guard let name = key.string("a region", &diagnostics), let jurisdiction = jurisdiction(value, "a region's jurisdiction")
      else { continue }
      if let region = RegionID(name) {
        regions[region] = jurisdiction
      } else {
        report(key.location, "'\(name)' is not a region's name", help: "write it as eu-west")
      }
    }
    return regions
  }

  private mutating func jurisdiction(_ node: ConfigurationNode, _ what: String) -> Jurisdiction? {
    guard let text = node.string(what, &diagnostics) else { return nil }
    if let jurisdiction = Jurisdiction(text) { return jurisdiction }
    report(node.location, "'\(text)' is not a jurisdiction", help: JurisdictionAdvice.help(for: text))
    return nil
  }

  private mutating func place(_ node: ConfigurationNode, _ regions: [RegionID: Jurisdiction], _ what: String) -> Place? {
    guard let text = node.string(what, &diagnostics) else { return nil }
    if let region = RegionID(text), let jurisdiction = regions[region] {
      return Place(region: region, jurisdiction: jurisdiction)
    }
    if let jurisdiction = Jurisdiction(text) { return Place(region: nil, jurisdiction: jurisdiction) }
    let help = nearest(text, in: regions.keys.map(\.rawValue)).map { "did you mean '\($0)'?" }
    report(node.location, "'\(text)' is neither a region nor a jurisdiction", help: help ?? "declare it under 'regions'")
    return nil
  }

  private mutating func word<Value>(_ node: ConfigurationNode, _ what: String, among known: [String: Value]) -> Value? {
    guard let text = node.string(what, &diagnostics) else { return nil }
    if let value = known[text] { return value }
    let words = known.keys.sorted()
    let help = nearest(text, in: words).map { "did you mean '\($0)'?" } ?? "one of: \(words.joined(separator: ", "))"
    report(node.location, "there is no \(what) '\(text)'", help: help)
    return nil
  }

  private mutating func texts(_ node: ConfigurationNode, _ what: String) -> [String]? {
    node.items(what, &diagnostics)?.compactMap { $0.string("a value of \(what)", &diagnostics) }
  }
}

extension PolicyTestReader {
  private mutating func request(
    _ fields: [String: ConfigurationNode], _ regions: [RegionID: Jurisdiction], at location: SourceLocation
  ) -> AccessRequest? {
    for key in ["at", "action", "home"] where fields[key] == nil {
      report(location, "a case lacks '\(key)'", help: "add it here or under 'given'")
    }
    let actions = Dictionary(uniqueKeysWithValues: Action.allCases.map { ($0.rawValue, $0) })
    let action = fields["action"].flatMap { word($0, "action", among: actions) }
    let home = fields["home"].flatMap { place($0, regions, "'home'") }
    let from = fields["from"].map { place($0, regions, "'from'") } ?? home
    let principalJurisdiction = fields["principal_jurisdiction"].map { jurisdiction($0, "'principal_jurisdiction'") }
    let now = fields["at"].flatMap { day($0) }
    let asked = fields["fields"].map { texts($0, "'fields'") }
    let collection = fields["collection"].map { $0.string("'collection'", &diagnostics) }
    let purpose = fields["purpose"].map { $0.string("'purpose'", &diagnostics) }
    let principal = fields["principal"].map { $0.string("'principal'", &diagnostics) }
    let consent = fields["consent"].map { self.consent($0) } ?? .known(nil)
    let residence = fields["residence"].map { self.residence($0) } ?? .unknown
    let firstWrite = fields["first_write"].flatMap { jurisdiction($0, "'first_write'") }
    let transferred = fields["transferred_this_year"].map { transferredThisYear($0) } ?? [:]
    guard let action, let home, let from, let now else { return nil }
    return AccessRequest(
      action: action, home: home,
      hops: AccessRequest.recipients(asking: from, principalJurisdiction: principalJurisdiction.flatMap(\.self)),
      collection: collection.flatMap(\.self).map(CollectionName.init), fields: asked.flatMap(\.self),
      purpose: purpose.flatMap(\.self).map(Purpose.init), principal: principal.flatMap(\.self) ?? "app:test", consent: consent,
      residence: residence, firstWrite: firstWrite.map(Fact.known) ?? .unknown, transferredThisYear: transferred, now: now,
      wantsNearestPermit: true)
  }

  private mutating func day(_ node: ConfigurationNode) -> CalendarDate? {
    guard let text = node.string("'at'", &diagnostics) else { return nil }
    if let date = CalendarDate(text) { return date }
    report(node.location, "'at' is not a day: '\(text)'", help: "write it as 2026-11-22")
    return nil
  }

  private mutating func consent(_ node: ConfigurationNode) -> Fact<ConsentKind?> {
    let known: [String: Fact<ConsentKind?>] = [
      "explicit": .known(.explicit), "implied": .known(.implied), "none": .known(nil), "unknown": .unknown,
    ]
    return word(node, "kind of consent", among: known) ?? .unknown
  }

  private mutating func residence(_ node: ConfigurationNode) -> Fact<Residence> {
    if case .scalar(let text) = node.content {
      if text == "unknown" { return .unknown }
      return jurisdiction(node, "'residence'").map { .known(Residence(country: $0)) } ?? .unknown
    }
    let fields = node.fields("'residence'", required: ["country"], optional: ["subdivision", "citizenship"], &diagnostics)
    guard let fields, let country = fields["country"].flatMap({ jurisdiction($0, "'country'") }) else { return .unknown }
    let subdivision = fields["subdivision"].flatMap { jurisdiction($0, "'subdivision'") }
    let citizenship = fields["citizenship"].flatMap { $0.items("'citizenship'", &diagnostics) }.map { items in
      Set(items.compactMap { jurisdiction($0, "a citizenship") })
    }
    return .known(Residence(country: country, subdivision: subdivision, citizenship: citizenship))
  }

  /// `{ contact: 250000 }`: of how many people, by class.
  private mutating func transferredThisYear(_ node: ConfigurationNode) -> [DataClass: Int] {
    var known = Dictionary(uniqueKeysWithValues: policies.vocabulary.classes.map { ($0.rawValue, $0) })
    known["any"] = known["any"] ?? .any
    var counts: [DataClass: Int] = [:]
    for (key, value) in node.pairs("'transferred_this_year'", &diagnostics) ?? [] {
      guard let dataClass = word(key, "class", among: known), let count = value.integer("a number of people", &diagnostics) else {
        continue
      }
      counts[dataClass] = count
    }
    return counts
  }

  private mutating func expectation(_ node: ConfigurationNode) -> PolicyExpectation? {
    let optional = ["rule", "reason", "matched", "unknown", "nearest_permit", "legal_basis", "safeguard", "views", "monitored"]
    guard let fields = node.fields("'expect'", required: ["decision"], optional: optional, &diagnostics) else { return nil }
    let effects: [String: Decision.Effect] = ["permit": .permit, "deny": .deny]
    let reasons = Dictionary(uniqueKeysWithValues: DenyReason.allCases.map { ($0.rawValue, $0) })
    let known = Dictionary(uniqueKeysWithValues: View.allCases.map { ($0.name, $0) })
    guard let effect = fields["decision"].flatMap({ word($0, "decision", among: effects) }) else { return nil }
    var expectation = PolicyExpectation(effect: effect)
    expectation.rule = fields["rule"].flatMap { ruleID($0, "'rule'") }
    expectation.reason = fields["reason"].flatMap { word($0, "reason", among: reasons) }
    expectation.matched = fields["matched"].flatMap { $0.items("'matched'", &diagnostics) }?.compactMap { ruleID($0, "a rule") }
    expectation.unknown = fields["unknown"].flatMap { texts($0, "'unknown'") }
    expectation.nearestPermit = fields["nearest_permit"].flatMap { ruleID($0, "'nearest_permit'") }
    expectation.legalBasis = fields["legal_basis"]?.string("'legal_basis'", &diagnostics)
    expectation.safeguard = fields["safeguard"]?.string("'safeguard'", &diagnostics)
    expectation.views = fields["views"].map { views($0) } ?? [:]
    expectation.monitored = fields["monitored"].flatMap { node in
      guard let fields = node.fields("'monitored'", required: ["decision"], optional: ["rule", "views"], &diagnostics),
        let effect = fields["decision"].flatMap({ word($0, "decision", among: effects) })
      else { return nil }
      return PolicyExpectation.Monitored(
        effect: effect, rule: fields["rule"].flatMap { ruleID($0, "'rule'") }, views: fields["views"].map { views($0) } ?? [:])
    }
    return expectation
  }

  private mutating func ruleID(_ node: ConfigurationNode, _ what: String) -> String? {
    guard let text = node.string(what, &diagnostics) else { return nil }
    let known = policies.asEnforced.rules.map(\.id)
    if !known.contains(text) {
      report(node.location, "there is no rule '\(text)'", help: nearest(text, in: known).map { "did you mean '\($0)'?" })
    }
    return text
  }

  private mutating func views(_ node: ConfigurationNode) -> [String: View] {
    let known = Dictionary(uniqueKeysWithValues: View.allCases.map { ($0.name, $0) })
    let fields = Set(policies.collections.values.flatMap(\.fields)).sorted()
    var views: [String: View] = [:]
    for (key, value) in node.pairs("'views'", &diagnostics) ?? [] {
      guard let field = key.string("a field", &diagnostics), let view = word(value, "view", among: known) else { continue }
      let isKnown = field == "*" || policies.collections.values.contains { $0.isNamed(field) }
      // A case may well be about a field that no schema names.
      if !isKnown, let near = nearest(field, in: fields) {
        report(key.location, "there is no field '\(field)'", help: "did you mean '\(near)'?")
      }
      views[field] = view
    }
    return views
  }
}
