package import Residency

/// The decisions of one day, asked many at a time and without a word of explanation: of one step of one request, about data of one class.
///
/// What ``PolicySet/decide(_:)`` explains comes from the same rows.
package struct DecisionTable: Sendable {
  /// A situation in words, as a request has it.
  package struct Words: Hashable, Sendable {
    package var action: Action
    /// Regions of the catalog.
    package var home: String
    package var requester: String
    package var collection: String
    package var dataClass: String
    package var purpose: String
    package var consent: ConsentKind?

    package init(
      action: Action, home: String, requester: String, collection: String, dataClass: String, purpose: String,
      consent: ConsentKind?
    ) {
      self.action = action
      self.home = home
      self.requester = requester
      self.collection = collection
      self.dataClass = dataClass
      self.purpose = purpose
      self.consent = consent
    }
  }

  /// The same as numbers.
  package struct Facts: Hashable, Sendable {
    let rows: RuleTable.Facts
  }

  /// The rules that apply: which, is in order of their bits.
  package struct MatchedRules: Sendable {
    var bits: RuleBits
    package var count: Int { bits.count(in: bits.words.indices) }
  }

  package struct Verdict: Hashable, Sendable {
    package let effect: Decision.Effect
    /// The bit of the rule that settles it; `nil` where none applies.
    let bit: Int?
  }

  private let policies: PolicySet
  private let table: RuleTable
  private let regionCount: Int
  private let regions: WordTable
  /// The row of each pair of regions, the home first.
  private let pairs: [Int]
  private let collections: WordTable
  private let classes: WordTable
  private let classCount: Int
  /// By collection and class; -1 where a collection has nothing of a class.
  private let cells: [Int]
  private let purposes: WordTable

  /// - Returns: `nil` where rules ask for what these words do not tell (a person's residence, a name), or a pair of regions has no row.
  package init?(_ policies: PolicySet, on day: CalendarDate) {
    let table = policies.compiled.table(on: day)
    guard table.rare.allSatisfy(\.isEmpty) else { return nil }
    self.policies = policies
    self.table = table
    let places = policies.regions.sorted { $0.key < $1.key }.map { Place(region: $0.key, jurisdiction: $0.value) }
    regionCount = places.count
    regions = WordTable(Self.numbered(places.compactMap(\.region?.rawValue)))
    let rows = places.flatMap { home in places.map { table.pair(home: home, hop: $0) } }
    pairs = rows.compactMap(\.self)
    guard pairs.count == rows.count else { return nil }
    let collectionNames = policies.collectionNames
    let classes = policies.vocabulary.classes
    collections = WordTable(Self.numbered(collectionNames.map(\.rawValue)))
    self.classes = WordTable(Self.numbered(classes.map(\.rawValue)))
    classCount = classes.count
    cells = collectionNames.flatMap { name in
      classes.map { table.cells[RuleTable.Cell(collection: name, dataClass: $0)] ?? -1 }
    }
    purposes = WordTable(Dictionary(uniqueKeysWithValues: table.purposes.map { ($0.key.rawValue, $0.value) }))
  }

  private static func numbered(_ words: [String]) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: words.enumerated().map { ($1, $0) })
  }

  package var empty: MatchedRules { MatchedRules(bits: RuleBits(count: table.wordCount)) }

  /// - Returns: `nil` for a word that is in no vocabulary: such a request is denied.
  package func facts(_ words: Words) -> Facts? {
    guard let home = regions.number(of: words.home), let requester = regions.number(of: words.requester),
      let collection = collections.number(of: words.collection), let dataClass = classes.number(of: words.dataClass),
      let purpose = purposes.number(of: words.purpose)
    else { return nil }
    let cell = cells[collection * classCount + dataClass]
    guard cell >= 0 else { return nil }
    let consent =
      switch words.consent {
      case nil: 0
      case .implied: 1
      case .explicit: 2
      }
    return Facts(
      rows: RuleTable.Facts(
        action: RuleTable.index(of: words.action), pair: pairs[home * regionCount + requester],
        matter: table.matter(cell, purpose), consent: table.consent(consent)))
  }

  /// - Parameter matched: gets every rule that applies; one of ``empty``, used again and again.
  package func decide(_ facts: Facts, matched: inout MatchedRules) -> Verdict {
    table.apply(facts.rows, rare: nil, into: &matched.bits)
    if let forbid = matched.bits.first(in: table.layout.forbids) { return Verdict(effect: .deny, bit: forbid) }
    guard let permit = matched.bits.first(in: table.layout.permits) else { return Verdict(effect: .deny, bit: nil) }
    return Verdict(effect: .permit, bit: permit)
  }

  /// - Returns: a denial for a word that is in no vocabulary.
  package func decide(_ words: Words, matched: inout MatchedRules) -> Verdict {
    guard let facts = facts(words) else { return Verdict(effect: .deny, bit: nil) }
    return decide(facts, matched: &matched)
  }

  /// The rule that settled it.
  package func rule(_ verdict: Verdict) -> MatchedRule? {
    verdict.bit.flatMap(table.layout.place(ofBit:)).map { policies.rules[$0].matched }
  }

  /// In order of id.
  package func rules(_ matched: MatchedRules) -> [MatchedRule] {
    var places: [Int] = []
    matched.bits.forEach(in: 0..<table.wordCount) { bit in if let place = table.layout.place(ofBit: bit) { places.append(place) }
    }
    return places.sorted().map { policies.rules[$0].matched }
  }
}
