import PolicyEngine
import Residency

/// An evaluator that shares nothing with the engine's: it knows only complete worlds and plain truth. A fact that is not known
/// stands for every value it could have: a forbid or requirement counts if it applies in some world, a permit if in all.
///
/// It agrees with three-valued logic where a rule asks about each fact once, and so do the rules made here.
struct PossibleWorlds {
  struct ModelRule {
    enum Kind { case permit, forbid, require }
    var id: String
    var kind: Kind
    var actions: [Action]
    var when: [String: [String]]
    var unless: [String: [String]]
    var views: [String: View]?
    /// `from` or `until`, and the day.
    var period: (word: String, day: String)?

    var yaml: String {
      func clauses(_ key: String, _ clauses: [String: [String]]) -> String {
        let pairs = clauses.sorted { $0.key < $1.key }.map { key, values in
          let words = values.map { $0.contains("*") ? "\"\($0)\"" : $0 }
          return "\(key): \(key == "transferred_this_year" ? values[0] : "[\(words.joined(separator: ", "))]")"
        }
        return pairs.isEmpty ? "" : ", \(key): { \(pairs.joined(separator: ", ")) }"
      }
      let map = (views ?? [:]).sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value.name)" }.joined(separator: ", ")
      let names = actions.map(\.rawValue).joined(separator: ", ")
      let effect =
        switch kind {
        case .permit: "permit: [\(names)]" + (views == nil ? "" : ", view: { \(map) }")
        case .forbid: "forbid: [\(names)]"
        case .require: "require: { \(map) }"
        }
      let dated = period.map { ", \($0.word): \($0.day)" } ?? ""
      return "  - { id: \(id), \(effect)\(clauses("when", when))\(clauses("unless", unless))\(dated) }"
    }
  }

  /// Everything that can be unknown, known.
  struct World {
    var consent: ConsentKind?
    /// The country, or its part where it has some.
    var residence = ""
    var citizenship: [String] = []
    var hopRegion = ""
    var firstWrite = ""
    var transferred = 0
    var transferredOfAny = 0
  }

  let rules: [ModelRule]

  /// What the rules are about. What the files say is told once more below, in plain words.
  static let files = RandomPolicies.surroundings.merging(
    ["lists/brief.yaml": Fixture.list("brief", "[US, { member: IN, until: 2026-11-23 }]")]
  ) { _, own in own }
  static let home = "[IE, DE, CA-QC]"
  static let bloc = ["IE", "DE", "CA-QC"]
  static let regions = [
    "eu-west": "IE", "eu-isle": "IE", "eu-mid": "DE", "us-east": "US", "ap-south": "IN", "ca-quebec": "CA-QC",
  ]
  static let days = ["2026-06-01", "2026-11-22", "2026-11-23", "2027-02-01"]
  static let classes = [
    "people": ["name": "profile", "email": "contact", "phone": "contact", "diagnosis": "health", "*": "contact"],
    "notes": ["*": "profile"],
  ]
  private static let countriesAndParts = ["IE", "DE", "US", "IN", "BR", "CA-QC", "CA-ON", "CA-BC"]
  private static let citizenships = [[], ["IE"], ["US"], ["BR"], ["IE", "US"], ["DE", "CA", "IN"]]

  private func isIn(_ place: String, _ values: [String], on day: String) -> Bool {
    values.contains { value in
      switch value {
      case "$eea": place == "IE" || place == "DE"
      case "$brief": place == "US" || (place == "IN" && day < "2026-11-23")
      default: place == value || place.hasPrefix(value + "-")
      }
    }
  }

  private func isCertified(_ principal: String, _ values: [String], on day: String) -> Bool {
    (principal.hasPrefix("gold:") && values.contains("gold"))
      || (principal.hasPrefix("silver:") && values.contains("silver") && day >= "2026-11-01" && day < "2026-11-23")
  }

  private func isSafeguarded(_ values: [String], from home: String, to hop: String, on day: String) -> Bool {
    let isClauses = ["IE", "DE"].contains(home) && hop == "US" && day >= "2026-01-01" && day < "2026-11-23"
    let isAdequate = ["IE", "CA-QC"].contains(home) && ["IN", "CA-QC"].contains(hop) && day >= "2026-11-22"
    return (values.contains("scc") && isClauses) || (values.contains("adequacy") && isAdequate)
  }

  private func holds(
    _ key: String, _ values: [String], _ request: AccessRequest, _ hop: Place, _ dataClass: String, _ world: World
  ) -> Bool {
    let day = request.now.description
    let (home, there) = (request.home.jurisdiction.rawValue, hop.jurisdiction.rawValue)
    switch key {
    case "class": return values.contains(dataClass)
    case "collection": return values.contains(request.collection?.rawValue ?? "")
    case "purpose": return values.contains(request.purpose?.rawValue ?? "")
    case "requester": return isIn(there, values, on: day)
    case "home": return isIn(home, values, on: day)
    case "requester_region": return values.contains(world.hopRegion)
    case "consent": return world.consent.map { values.contains($0.rawValue) } ?? false
    case "residence", "subdivision": return isIn(world.residence, values, on: day)
    case "citizenship": return world.citizenship.contains { isIn($0, values, on: day) }
    case "first_write": return isIn(world.firstWrite, values, on: day)
    case "certified": return isCertified(request.principal, values, on: day)
    case "safeguard": return isSafeguarded(values, from: home, to: there, on: day)
    case "principal":
      return values.contains {
        switch $0 {
        case "gold:*": request.principal.hasPrefix("gold:")
        case "*:x": request.principal.hasSuffix(":x")
        default: request.principal == $0
        }
      }
    case "transferred_this_year":
      switch values[0] {
      case "{ below: 100 }": return world.transferred < 100
      case "{ at_least: 50 }": return world.transferred >= 50
      case "{ below: 100, of: any }": return world.transferredOfAny < 100
      default: return (50..<100).contains(world.transferred)
      }
    case "locality":
      let isCountry = there == home
      let isHere = isCountry && world.hopRegion == request.home.region?.rawValue
      let isBloc = Self.bloc.contains(there) && Self.bloc.contains(home)
      return values.contains { $0 == "region" ? isHere : $0 == "jurisdiction" ? isCountry : isBloc || isCountry }
    default: return false
    }
  }

  private func applies(_ rule: ModelRule, _ request: AccessRequest, _ hop: Place, _ dataClass: String, _ world: World) -> Bool {
    guard rule.when.allSatisfy({ holds($0, $1, request, hop, dataClass, world) }) else { return false }
    return rule.unless.isEmpty || !rule.unless.allSatisfy { holds($0, $1, request, hop, dataClass, world) }
  }

  /// What a fact may be, each as a change of a world. Of facts that the rule does not ask about, one value is as good as another.
  private func choices(_ rule: ModelRule, _ request: AccessRequest, _ hop: Place, _ dataClass: String) -> [[(inout World) ->
    Void]]
  {
    let asked = Set(rule.when.keys).union(rule.unless.keys)
    var choices: [[(inout World) -> Void]] = []
    func vary<Value>(_ keys: Set<String>, _ values: [Value], _ fact: WritableKeyPath<World, Value>) {
      guard !asked.isDisjoint(with: keys) else { return }
      choices.append(values.map { value in { $0[keyPath: fact] = value } })
    }
    var consents: [ConsentKind?] = [.explicit, .implied, nil]
    if case .known(let kind) = request.consent { consents = [kind] }
    vary(["consent"], consents, \.consent)
    var residences = Self.countriesAndParts
    var citizenships = Self.citizenships
    if case .known(let residence) = request.residence {
      residences = Self.parts(of: residence.subdivision ?? residence.country)
      if let held = residence.citizenship { citizenships = [held.map(\.rawValue)] }
    }
    vary(["residence", "subdivision"], residences, \.residence)
    vary(["citizenship"], citizenships, \.citizenship)
    vary(
      ["requester_region", "locality"], hop.region.map { [$0.rawValue] } ?? Self.regions.keys + ["elsewhere"], \.hopRegion)
    var firstWrites = Self.countriesAndParts
    if case .known(let place) = request.firstWrite { firstWrites = Self.parts(of: place) }
    vary(["first_write"], firstWrites, \.firstWrite)
    vary(
      ["transferred_this_year"], request.transferredThisYear[DataClass(dataClass)].map { [$0] } ?? [1, 50, 99, 100, 1_000],
      \.transferred)
    vary(["transferred_this_year"], request.transferredThisYear[.any].map { [$0] } ?? [1, 100], \.transferredOfAny)
    return choices
  }

  /// Every world, one after the other, until `isEnough`.
  private func anyWorld(_ choices: ArraySlice<[(inout World) -> Void]>, from world: World, _ isEnough: (World) -> Bool) -> Bool {
    guard let first = choices.first else { return isEnough(world) }
    return first.contains { change in
      var world = world
      change(&world)
      return anyWorld(choices.dropFirst(), from: world, isEnough)
    }
  }

  private static func parts(of place: Jurisdiction) -> [String] {
    place.rawValue == "CA" ? ["CA-QC", "CA-ON", "CA-BC"] : [place.rawValue]
  }

  /// Whether it applies in some world, and whether in all.
  private func standing(
    _ rule: ModelRule, _ request: AccessRequest, _ hop: Place, _ dataClass: String
  ) -> (isPossible: Bool, isCertain: Bool) {
    let day = request.now.description
    let isInPeriod = rule.period.map { $0.word == "from" ? day >= $0.day : day < $0.day } ?? true
    let isAbout = Self.bloc.contains(request.home.jurisdiction.rawValue)
    guard isInPeriod, isAbout, rule.kind == .require || rule.actions.contains(request.action) else { return (false, false) }
    var (isPossible, isCertain) = (false, true)
    _ = anyWorld(choices(rule, request, hop, dataClass)[...], from: World()) { world in
      if applies(rule, request, hop, dataClass, world) { isPossible = true } else { isCertain = false }
      return isPossible && !isCertain
    }
    return (isPossible, isCertain)
  }

  /// The views of a read (all `drop`: denied), or whether a write is permitted.
  func outcome(_ request: AccessRequest) -> (isPermitted: Bool, views: [String: View]) {
    let classes = Self.classes[request.collection?.rawValue ?? ""] ?? [:]
    let fields = request.fields ?? Array(classes.keys)
    var views: [String: View] = [:]
    var isWritable = true
    for (dataClass, fields) in Dictionary(grouping: fields, by: { classes[$0] ?? classes["*"] ?? "" }) {
      for hop in request.hops {
        let standings = rules.map { (rule: $0, standing: standing($0, request, hop, dataClass)) }
        if standings.contains(where: { $0.rule.kind == .forbid && $0.standing.isPossible }) { return (false, [:]) }
        let permits = standings.filter { $0.rule.kind == .permit && $0.standing.isCertain }.map(\.rule)
        let demands = standings.filter { $0.rule.kind == .require && $0.standing.isPossible }.map(\.rule)
        if permits.isEmpty { isWritable = false }
        for field in fields {
          let granted = permits.map { $0.views.map { $0[field] ?? $0["*"] ?? .drop } ?? .clear }.min() ?? .drop
          let demanded = demands.map { $0.views?[field] ?? $0.views?["*"] ?? .clear }.max()
          views[field] = max(views[field] ?? .clear, granted, demanded ?? .clear)
        }
      }
    }
    if request.action == .write { return (isWritable, [:]) }
    return (views.values.contains { $0 != .drop }, views)
  }
}
