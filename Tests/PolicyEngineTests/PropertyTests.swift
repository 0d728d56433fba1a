import PolicyEngine
import Residency
import Testing

/// The engine against ``PossibleWorlds`` on random policies, and what adding a rule can do.
@Suite struct PropertyTests {
  private typealias ModelRule = PossibleWorlds.ModelRule

  private static let policyCount = 250
  private static let requestCount = 24
  /// With three seeds, more than 100,000 requests to more than 4,000 sets.
  private static let comparedPolicyCount = 1_400

  private static let conditions: [(key: String, values: [String])] = [
    ("class", ["profile", "contact", "health"]), ("purpose", ["support", "analytics"]), ("collection", ["people", "notes"]),
    ("requester", ["IE", "US", "IN", "CA", "$eea", "$brief"]), ("home", ["IE", "CA-QC", "$eea", "$brief"]),
    ("requester_region", ["eu-west", "eu-mid", "us-east"]), ("consent", ["explicit", "implied"]),
    ("residence", ["IE", "DE", "US", "CA", "CA-QC"]), ("subdivision", ["CA-QC", "CA-ON"]),
    ("citizenship", ["IE", "US", "CA", "$eea"]), ("locality", ["region", "jurisdiction", "bloc"]),
    ("first_write", ["IE", "CA", "CA-QC", "$eea"]), ("certified", ["gold", "silver"]), ("safeguard", ["adequacy", "scc"]),
    ("principal", ["gold:*", "*:x", "desk"]),
    ("transferred_this_year", ["{ below: 100 }", "{ at_least: 50 }", "{ at_least: 50, below: 100 }", "{ below: 100, of: any }"]),
  ]
  /// Conditions about one fact: a rule asks about each fact once.
  private static let sameFact = [["residence", "subdivision"], ["locality", "requester_region"]]

  private func rule(_ id: Int, _ kind: ModelRule.Kind, _ random: inout SeededGenerator) -> ModelRule {
    let hasViews = kind == .require || (kind == .permit && random.chance(1, in: 2))
    // A view may name a field that only one collection has.
    var clauses = Self.conditions.filter { !hasViews || $0.key != "collection" }.shuffled(using: &random).map {
      (key: $0.key, values: $0.key == "transferred_this_year" ? [random.pick($0.values)] : random.some($0.values))
    }
    // Most rules are about what all requests have: otherwise nothing would apply.
    if random.chance(2, in: 3) { clauses.sort { Self.isCommon($0.key) && !Self.isCommon($1.key) } }
    for keys in Self.sameFact {
      guard let first = clauses.firstIndex(where: { keys.contains($0.key) }) else { continue }
      clauses = clauses.enumerated().filter { $0.offset == first || !keys.contains($0.element.key) }.map(\.element)
    }
    // A permit with few conditions and a forbid with more, so that both answers are common.
    let whenCount = Int.random(in: kind == .permit ? 0...2 : 1...3, using: &random)
    let unlessCount = random.chance(1, in: 3) ? Int.random(in: 1...2, using: &random) : 0
    let when = clauses.prefix(whenCount).map { ($0.key, $0.values) }
    let unless = clauses.dropFirst(whenCount).prefix(unlessCount).map { ($0.key, $0.values) }
    var views: [String: View]?
    if hasViews {
      views = Dictionary(
        uniqueKeysWithValues: random.some(["name", "email", "phone", "diagnosis", "*"]).map { ($0, random.pick(View.allCases)) })
    }
    let actions: [Action] = views == nil ? random.some([.read, .write]) : [.read]
    return ModelRule(
      id: "r\(id)", kind: kind, actions: actions, when: Dictionary(uniqueKeysWithValues: when),
      unless: Dictionary(uniqueKeysWithValues: unless), views: views,
      period: random.chance(1, in: 6) ? (random.pick(["from", "until"]), random.pick(PossibleWorlds.days)) : nil)
  }

  private static func isCommon(_ key: String) -> Bool { ["class", "purpose", "requester", "locality", "consent"].contains(key) }

  private func rules(_ random: inout SeededGenerator) -> [ModelRule] {
    (0..<Int.random(in: 1...7, using: &random)).map {
      rule($0, random.pick([.permit, .permit, .permit, .forbid, .require]), &random)
    }
  }

  private func request(_ random: inout SeededGenerator) -> AccessRequest {
    let regions = PossibleWorlds.regions.keys.sorted()
    var request = Fixture.request(random.chance(3, in: 4) ? .read : .write, now: random.pick(PossibleWorlds.days))
    request.home = Fixture.place(random.chance(1, in: 12) ? "us-east" : random.pick(["eu-west", "eu-mid", "ca-quebec"]))
    request.hops = [Fixture.place(random.pick(regions))]
    if random.chance(1, in: 4) { request.hops.append(Fixture.place(random.pick(["IE", "US", "BR", "CA-ON"]))) }
    request.collection = CollectionName(random.chance(4, in: 5) ? "people" : "notes")
    request.purpose = Purpose(random.pick(["support", "analytics"]))
    request.principal = random.pick(["desk", "gold:x", "silver:y", "nobody"])
    request.consent = random.pick([.unknown, .known(nil), .known(.explicit), .known(.implied)])
    if random.chance(2, in: 3) {
      let place = random.pick(["IE", "DE", "US", "IN", "CA", "CA-QC", "CA-ON"])
      request.residence = .known(
        Residence(
          country: Fixture.jurisdiction(String(place.prefix(2))),
          subdivision: place.count > 2 ? Fixture.jurisdiction(place) : nil,
          citizenship: random.pick([
            nil, [], [Fixture.jurisdiction("IE")], [Fixture.jurisdiction("US"), Fixture.jurisdiction("CA")],
          ])
        ))
    }
    if random.chance(2, in: 3) { request.firstWrite = .known(Fixture.jurisdiction(random.pick(["IE", "CA", "CA-QC", "US"]))) }
    if random.chance(2, in: 3) {
      request.transferredThisYear = [
        DataClass("profile"): random.pick([1, 50, 99, 100]), DataClass("contact"): random.pick([1, 50, 100]),
        .any: random.pick([99, 100]),
      ]
    }
    if random.chance(1, in: 3) {
      request.fields =
        request.collection?.rawValue == "notes" ? ["*"] : random.some(["name", "email", "phone", "diagnosis", "*"])
    }
    return request
  }

  private func policies(_ rules: [ModelRule]) throws -> PolicySet {
    try Fixture.policies(rules.map(\.yaml).joined(separator: "\n"), home: PossibleWorlds.home, replacing: PossibleWorlds.files)
  }

  private func views(_ decision: Decision) -> [String: View] {
    Dictionary(uniqueKeysWithValues: ["name", "email", "phone", "diagnosis", "*"].map { ($0, decision.view(of: $0)) })
  }

  @Test(arguments: [1, 20_261_122, 0xd0_1c11e] as [UInt64])
  func `the engine agrees with an evaluator of possible worlds`(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var permits = 0
    var denials = 0
    for _ in 0..<Self.comparedPolicyCount {
      let rules = rules(&random)
      let policies = try policies(rules)
      let oracle = PossibleWorlds(rules: rules)
      for _ in 0..<Self.requestCount {
        let request = request(&random)
        let decision = policies.decide(request)
        let expected = oracle.outcome(request)
        let story: Comment = "seed \(seed)\n\(rules.map(\.yaml).joined(separator: "\n"))\n\(request)"
        #expect((decision.effect == .permit) == expected.isPermitted, story)
        if request.action == .read, expected.isPermitted {
          for (field, view) in expected.views { #expect(decision.view(of: field) == view, story) }
        }
        if expected.isPermitted { permits += 1 } else { denials += 1 }
      }
    }
    #expect(min(permits, denials) * 5 > max(permits, denials), "\(permits) permits and \(denials) denials test too little")
  }

  @Test(arguments: [2, 3] as [UInt64])
  func `adding a permit only widens`(seed: UInt64) throws {
    try compare(seed: seed, adding: [.permit]) { before, after, story in
      if before.effect == .permit { #expect(after.effect == .permit, story) }
      for (field, view) in self.views(before) { #expect(after.view(of: field) <= view, story) }
    }
  }

  @Test(arguments: [4, 5] as [UInt64])
  func `adding a forbid or a requirement only narrows`(seed: UInt64) throws {
    try compare(seed: seed, adding: [.forbid, .require]) { before, after, story in
      if before.effect == .deny { #expect(after.effect == .deny, story) }
      for (field, view) in self.views(before) { #expect(after.view(of: field) >= view, story) }
    }
  }

  @Test(arguments: [6, 7] as [UInt64])
  func `learning a fact never takes a permit back`(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<Self.policyCount {
      let rules = rules(&random)
      let policies = try policies(rules)
      for _ in 0..<Self.requestCount {
        var request = request(&random)
        let informed = policies.decide(request)
        request.consent = .unknown
        request.residence = .unknown
        request.firstWrite = .unknown
        request.transferredThisYear = [:]
        let ignorant = policies.decide(request)
        let story: Comment = "seed \(seed)\n\(rules.map(\.yaml).joined(separator: "\n"))\n\(request)"
        if ignorant.effect == .permit { #expect(informed.effect == .permit, story) }
        for (field, view) in views(ignorant) { #expect(informed.view(of: field) <= view, story) }
      }
    }
  }

  private func compare(
    seed: UInt64, adding kinds: [ModelRule.Kind], _ check: (_ before: Decision, _ after: Decision, Comment) -> Void
  ) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var changes = 0
    for _ in 0..<Self.policyCount {
      let rules = rules(&random)
      let added = rule(rules.count, random.pick(kinds), &random)
      let before = try policies(rules)
      let after = try policies(rules + [added])
      for _ in 0..<Self.requestCount {
        let request = request(&random)
        let (old, new) = (before.decide(request), after.decide(request))
        check(old, new, "seed \(seed)\n\(rules.map(\.yaml).joined(separator: "\n"))\nadded\n\(added.yaml)\n\(request)")
        if old.effect != new.effect || views(old) != views(new) { changes += 1 }
      }
    }
    #expect(changes > Self.policyCount, "only \(changes) decisions changed")
  }
}
