import Cryptography
import FaultLab
import PolicyEngine
import Residency

/// Random policies for the benchmark, in two languages: the same rules as files of Domicile's and as Cedar's text.
struct PolicyBenchSet {
  static let jurisdictions = ["IE", "DE", "FR", "US", "IN", "BR", "GB", "CH", "CN", "RU", "AU", "CA", "SA", "JP", "KR", "NZ"]
  static let classes = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]
  static let purposes = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"]
  static let actions: [Action] = [.read, .write, .export, .replicate, .move]
  static let collection = "people"
  static let day = CalendarDate("2026-11-22")

  private struct Rule {
    let effect: RuleKind
    let actions: [Action]
    let clauses: [(key: String, values: [String])]
  }

  private let rules: [Rule]

  /// - Parameter count: of rules. Two of ten forbid, one masks, seven permit.
  init(ruleCount count: Int, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    rules = (0..<count).map { number in
      let effect: RuleKind = number % 10 < 2 ? .forbid : number % 10 == 2 ? .require : .permit
      // Forbids are narrow, as written ones are: otherwise everything is denied.
      let most = effect == .forbid ? 2 : 4
      var clauses = [
        ("home", random.some(Self.jurisdictions, most: most)), ("requester", random.some(Self.jurisdictions, most: most)),
        ("class", random.some(Self.classes, most: most)), ("purpose", random.some(Self.purposes, most: most)),
      ]
      if random.below(8) == 0 { clauses.append(("consent", ["explicit"])) }
      return Rule(
        effect: effect, actions: random.some(Self.actions.map(\.rawValue), most: 3).compactMap(Action.init(rawValue:)),
        clauses: clauses.map { (key: $0.0, values: $0.1) })
    }
  }

  static func region(_ jurisdiction: String) -> String { "\(jurisdiction.lowercased())-1" }

  /// - Throws: ``ConfigurationError``, which would be a fault of this file.
  func policies() throws -> PolicySet {
    let places = Self.jurisdictions.compactMap { code in
      Jurisdiction(code).map { Place(region: RegionID(Self.region(code)), jurisdiction: $0) }
    }
    return try PolicySet.load(files, regions: places, today: Self.day ?? PolicyInputs.today(), digest: SHA256.hash)
  }

  var files: [PolicyFile] {
    func list(_ words: [String]) -> String { "[\(words.joined(separator: ", "))]" }
    let fields = Self.classes.map { "\"f\($0)\": \($0)" }.joined(separator: ", ")
    let pack = rules.enumerated().map { number, rule -> String in
      let clauses = rule.clauses.map { "\($0.key): \(list($0.values.map { "\"\($0)\"" }))" }.joined(separator: ", ")
      let effect =
        rule.effect == .require ? "require: { fc0: hash }" : "\(rule.effect.rawValue): \(list(rule.actions.map(\.rawValue)))"
      return "  - { id: \"r\(number)\", \(effect), when: { \(clauses) } }"
    }
    return [
      (
        "vocabulary.yaml",
        """
        actions: [read, write, store, replicate, move, export]
        classes: \(list(Self.classes))
        purposes: \(list(Self.purposes))
        safeguards: [scc]
        views: [clear, last4, hash, pseudonym, drop]
        """
      ),
      (
        "collections.yaml",
        """
        collections:
          \(Self.collection): { locality: home, audit: strict, default_class: c0, fields: { \(fields) } }
        """
      ),
      ("principals.yaml", "principals: [{ match: \"*\", purposes: \(list(Self.purposes)) }]"),
      ("bench.yaml", "policy: bench\nhome: \"*\"\nrules:\n\(pack.joined(separator: "\n"))\n"),
    ].map { PolicyFile(path: "bench/\($0.0)", text: $0.1) }
  }

  /// Requirements have no like there, and are left out.
  var cedar: String {
    rules.filter { $0.effect != .require }.map { rule in
      let actions = rule.actions.map { "Action::\"\($0.rawValue)\"" }.joined(separator: ", ")
      let clauses = rule.clauses.map { clause in
        "[\(clause.values.map { "\"\($0)\"" }.joined(separator: ", "))].contains(context.\(clause.key == "class" ? "data_class" : clause.key))"
      }
      return "\(rule.effect.rawValue)(principal, action in [\(actions)], resource) when { \(clauses.joined(separator: " && ")) };"
    }.joined(separator: "\n")
  }

  /// The same request as a call makes it.
  static func accessRequest(_ words: DecisionTable.Words, on day: CalendarDate) -> AccessRequest? {
    func place(_ region: String) -> Place? {
      Jurisdiction(region.prefix(2).uppercased()).map { Place(region: RegionID(region), jurisdiction: $0) }
    }
    guard let home = place(words.home), let requester = place(words.requester) else { return nil }
    return AccessRequest(
      action: words.action, home: home, hops: [requester], collection: CollectionName(words.collection),
      purpose: Purpose(words.purpose), principal: "app:bench", consent: .known(words.consent), now: day)
  }

  static func requests(_ count: Int, seed: UInt64) -> [DecisionTable.Words] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      DecisionTable.Words(
        action: actions[random.below(actions.count)], home: region(random.one(jurisdictions)),
        requester: region(random.one(jurisdictions)), collection: collection, dataClass: random.one(classes),
        purpose: random.one(purposes), consent: random.below(2) == 0 ? nil : .explicit)
    }
  }
}

extension SeededGenerator {
  fileprivate mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

  fileprivate mutating func one(_ words: [String]) -> String { words[below(words.count)] }

  /// One to `most` different ones.
  fileprivate mutating func some(_ words: [String], most: Int) -> [String] {
    Array(words.shuffled(using: &self).prefix(below(most) + 1))
  }
}
