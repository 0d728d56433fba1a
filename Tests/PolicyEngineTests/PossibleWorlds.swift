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

    var yaml: String {
      func clauses(_ key: String, _ clauses: [String: [String]]) -> String {
        let pairs = clauses.sorted { $0.key < $1.key }.map { "\($0.key): [\($0.value.joined(separator: ", "))]" }
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
      return "  - { id: \(id), \(effect)\(clauses("when", when))\(clauses("unless", unless)) }"
    }
  }

  struct World {
    var consent: ConsentKind?
    var residence: String
  }

  let rules: [ModelRule]
  static let classes = ["name": "profile", "email": "contact", "phone": "contact", "diagnosis": "health", "*": "contact"]
  static let bloc: Set<String> = ["IE", "DE"]

  private func holds(
    _ key: String, _ values: [String], _ request: AccessRequest, _ hop: Place, _ dataClass: String, _ world: World
  ) -> Bool {
    switch key {
    case "class": return values.contains(dataClass)
    case "purpose": return values.contains(request.purpose?.rawValue ?? "")
    case "requester":
      return values.contains(hop.jurisdiction.rawValue)
        || (values.contains("$eea") && Self.bloc.contains(hop.jurisdiction.rawValue))
    case "consent": return world.consent.map { values.contains($0.rawValue) } ?? false
    case "residence": return values.contains(world.residence)
    case "locality":
      let isCountry = hop.jurisdiction == request.home.jurisdiction
      let isBloc = Self.bloc.contains(hop.jurisdiction.rawValue) && Self.bloc.contains(request.home.jurisdiction.rawValue)
      return values.contains {
        $0 == "region" ? hop.region == request.home.region : $0 == "jurisdiction" ? isCountry : isBloc || isCountry
      }
    default: return false
    }
  }

  private func applies(_ rule: ModelRule, _ request: AccessRequest, _ hop: Place, _ dataClass: String, _ world: World) -> Bool {
    guard rule.kind == .require || rule.actions.contains(request.action) else { return false }
    guard rule.when.allSatisfy({ holds($0, $1, request, hop, dataClass, world) }) else { return false }
    return rule.unless.isEmpty || !rule.unless.allSatisfy { holds($0, $1, request, hop, dataClass, world) }
  }

  private func worlds(_ request: AccessRequest) -> [World] {
    let consents: [ConsentKind?] =
      switch request.consent {
      case .known(let kind): [kind]
      case .unknown: [.explicit, .implied, nil]
      }
    let residences: [String] =
      switch request.residence {
      case .known(let residence): [residence.country.rawValue]
      case .unknown: ["IE", "DE", "US", "IN", "BR"]
      }
    return consents.flatMap { consent in residences.map { World(consent: consent, residence: $0) } }
  }

  /// The views of a read (all `drop`: denied), or whether a write is permitted.
  func outcome(_ request: AccessRequest) -> (isPermitted: Bool, views: [String: View]) {
    let fields = request.fields ?? Array(Self.classes.keys)
    let worlds = worlds(request)
    var views: [String: View] = [:]
    var isWritable = true
    for field in fields {
      let dataClass = Self.classes[field] ?? "contact"
      var view = View.clear
      for hop in request.hops {
        func isPossible(_ rule: ModelRule) -> Bool { worlds.contains { applies(rule, request, hop, dataClass, $0) } }
        func isCertain(_ rule: ModelRule) -> Bool { worlds.allSatisfy { applies(rule, request, hop, dataClass, $0) } }
        if rules.contains(where: { $0.kind == .forbid && isPossible($0) }) { return (false, [:]) }
        let permits = rules.filter { $0.kind == .permit && isCertain($0) }
        if permits.isEmpty { isWritable = false }
        let granted = permits.map { $0.views.map { $0[field] ?? $0["*"] ?? .drop } ?? .clear }.min() ?? .drop
        let demanded = rules.filter { $0.kind == .require && isPossible($0) }.map { $0.views?[field] ?? $0.views?["*"] ?? .clear }
          .max()
        view = max(view, granted, demanded ?? .clear)
      }
      views[field] = view
    }
    if request.action == .write { return (isWritable, [:]) }
    return (views.values.contains { $0 != .drop }, views)
  }
}
