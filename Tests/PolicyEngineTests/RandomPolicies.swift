import Residency

@testable import PolicyEngine

/// Policy files that use everything that the language has, at random.
enum RandomPolicies {
  private static let regions = Fixture.regions.map(\.0)
  private static let places = ["IE", "DE", "US", "IN", "CA", "CA-QC", "CA-ON", "$eea", "$soon", "$mixed"]
  private static let days = ["2026-06-01", "2026-11-22", "2026-11-23", "2027-02-01"]

  static func policies(_ random: inout SeededGenerator) throws -> PolicySet {
    try Fixture.policies(rules(&random).joined(separator: "\n"), home: home(&random), replacing: surroundings)
  }

  /// One rule a line.
  static func rules(_ random: inout SeededGenerator) -> [String] {
    (0..<Int.random(in: 1...9, using: &random)).map { rule($0, &random) }
  }

  static func home(_ random: inout SeededGenerator) -> String {
    random.pick(["$eea", "\"*\"", "[CA, $soon]", "[CA-QC, IE]"])
  }

  /// What the rules speak of: lists, agreements, principals.
  static var surroundings: [String: String] {
    [
      "vocabulary.yaml": Fixture.vocabulary + "\ncertifications: [gold, silver]\n",
      "principals.yaml": """
      principals:
        - { match: "*", purposes: [support, analytics] }
        - { match: "gold:*", purposes: [support], certifications: [gold] }
        - match: "silver:*"
          purposes: [support]
          certifications: [{ certification: silver, reference: r, from: 2026-11-01, until: 2026-11-23 }]
      """,
      "agreements.yaml": """
      agreements:
        - { id: a, exporter: $eea, importer: US, mechanism: scc, reference: r, from: 2026-01-01, until: 2026-11-23, review_by: 2027-01-01, status: in-force }
        - { id: b, exporter: [CA, IE], importer: [IN, CA-QC], mechanism: adequacy, reference: r, from: 2026-11-22, review_by: 2027-01-01, status: in-force }
      """,
      "lists/soon.yaml": Fixture.list("soon", "[US, CA-QC]", effectiveFrom: "2026-11-23"),
      "lists/mixed.yaml": Fixture.list("mixed", "[$soon, IN, { member: DE, until: 2026-11-22 }]"),
    ]
  }

  private static func rule(_ id: Int, _ random: inout SeededGenerator) -> String {
    let isStore = random.chance(1, in: 5)
    let kind = random.pick(isStore ? [RuleKind.permit, .forbid] : [.permit, .permit, .permit, .forbid, .require])
    // A requirement may name a field that only one collection has.
    var keys = ConditionKey.allCases.filter { (!isStore || $0.appliesToStore) && (kind != .require || $0 != .collection) }
    keys.shuffle(using: &random)
    let whenCount = random.chance(1, in: 4) ? 0 : Int.random(in: 1...3, using: &random)
    let unlessCount = random.chance(1, in: 2) ? 0 : Int.random(in: 1...3, using: &random)
    func clauses(_ name: String, _ keys: some Sequence<ConditionKey>) -> String {
      let clauses = keys.map { "\($0.rawValue): \(value($0, &random))" }
      return clauses.isEmpty ? "" : ", \(name): { \(clauses.joined(separator: ", ")) }"
    }
    // What is asked of a residence and of its part may contradict each other, and does not load.
    let conditions = keys.prefix(whenCount)
    let when = clauses("when", conditions.filter { $0 != .subdivision || !conditions.contains(.residence) })
    let unless = clauses("unless", keys.dropFirst(whenCount).prefix(unlessCount))
    let actions =
      isStore ? "[store]" : "[\(random.some(["read", "write", "export", "replicate", "move"]).joined(separator: ", "))]"
    let effect =
      switch kind {
      case .permit: "permit: \(actions)"
      case .forbid: "forbid: \(actions)"
      case .require: "require: { \(random.pick(["email", "name", "\"*\""])): \(random.pick(["hash", "last4", "drop"])) }"
      }
    let period = random.chance(1, in: 4) ? ", \(random.pick(["from", "until"])): \(random.pick(days))" : ""
    return "  - { id: r\(id), \(effect)\(when)\(unless)\(period) }"
  }

  private static func value(_ key: ConditionKey, _ random: inout SeededGenerator) -> String {
    func list(_ words: [String]) -> String { "[\(random.some(words).joined(separator: ", "))]" }
    switch key {
    case .locality: return list(["region", "jurisdiction"])
    case .requester, .home, .residence, .citizenship, .subdivision, .firstWrite: return list(places)
    case .requesterRegion: return list(regions)
    case .dataClass: return list(["profile", "contact", "health"])
    case .purpose: return list(["support", "analytics"])
    case .collection: return list(["people", "notes"])
    case .consent: return list(["explicit", "implied"])
    case .safeguard: return list(["adequacy", "scc"])
    case .principal: return list(["\"gold:*\"", "desk", "\"*:x\""])
    case .certified: return list(["gold", "silver"])
    case .transferredThisYear:
      return random.pick(["{ below: 100 }", "{ at_least: 50 }", "{ at_least: 50, below: 100 }", "{ below: 100, of: any }"])
    }
  }

  static func request(_ random: inout SeededGenerator) -> AccessRequest {
    func place() -> Place { Fixture.place(random.pick(regions + ["IE", "DE", "US", "CA", "CA-QC", "CA-ON", "BR"])) }
    let action = random.pick(Action.allCases)
    var request = Fixture.request(action, now: random.pick(days))
    request.home = place()
    request.hops = action == .store ? [request.home] : random.chance(1, in: 4) ? [place(), place()] : [place()]
    if action != .store {
      request.collection = CollectionName(random.pick(["people", "notes"]))
      request.purpose = Purpose(random.pick(["support", "analytics"]))
      if random.chance(1, in: 3) { request.fields = random.some(["name", "email", "diagnosis", "*"]) }
    }
    request.consent = random.pick([.unknown, .known(nil), .known(.explicit), .known(.implied)])
    request.principal = random.pick(["desk", "gold:x", "silver:y", "nobody"])
    if random.chance(2, in: 3) {
      request.residence = .known(
        Residence(
          country: Fixture.jurisdiction(random.pick(["IE", "DE", "US", "CA"])),
          subdivision: random.pick([nil, Fixture.jurisdiction("CA-QC"), Fixture.jurisdiction("CA-ON")]),
          citizenship: random.pick([nil, [Fixture.jurisdiction("IE"), Fixture.jurisdiction("US")], []])))
    }
    if random.chance(2, in: 3) { request.firstWrite = .known(Fixture.jurisdiction(random.pick(["IE", "CA", "CA-QC", "US"]))) }
    if random.chance(2, in: 3) {
      request.transferredThisYear = [
        DataClass("profile"): random.pick([1, 50, 99, 100]), DataClass("contact"): random.pick([1, 50, 100]),
        .any: random.pick([50, 99, 100]),
      ]
    }
    return request
  }
}
