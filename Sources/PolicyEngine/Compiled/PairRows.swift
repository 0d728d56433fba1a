import Residency

/// The sets of jurisdictions by which rules tell places apart, and what they hold on one day.
struct Memberships: Sendable {
  let atoms: JurisdictionAtoms
  private let numbers: [JurisdictionSet: Int]

  init(_ rules: [Rule], _ agreements: [Agreement], on day: CalendarDate) {
    let sets = Set(Self.sets(rules, agreements)).map { $0 }
    numbers = Dictionary(uniqueKeysWithValues: sets.enumerated().map { ($1, $0) })
    atoms = JurisdictionAtoms(of: sets, on: day)
  }

  /// Those that are about the places of a request.
  static func sets(_ rules: [Rule], _ agreements: [Agreement]) -> [JurisdictionSet] {
    var sets = rules.compactMap(\.pack)
    for condition in rules.flatMap({ $0.conditions + $0.exceptions }) {
      switch condition {
      case .requester(let set), .home(let set): sets.append(set)
      default: break
      }
    }
    return sets + agreements.flatMap { [$0.exporter, $0.importer] }
  }

  func truth(of set: JurisdictionSet, _ atom: Int) -> Truth { numbers[set].map { atoms.truths[atom][$0] } ?? .unknown }
}

/// `locality`: the rows of pairs. `bloc` includes `jurisdiction`, and that `region`, so that of several words the widest is meant.
struct LocalityRows: Sendable {
  private struct Entry {
    let bit: Int
    let isPermit: Bool
    let isException: Bool
    let word: LocalityWord
    /// What the pack says of each atom.
    let bloc: [Truth]
  }

  private struct Key: Hashable {
    let home: Int
    let hop: Int
    let nearness: Nearness
  }

  private let wordCount: Int
  private let entries: [Entry]
  /// Atoms that are in the same blocs have the same number.
  private let blocs: [Int]
  private var made: [Key: [UInt64]] = [:]

  init(_ layout: RuleLayout, _ memberships: Memberships) {
    wordCount = layout.wordCount
    var entries: [Entry] = []
    for (place, rule) in layout.rules.enumerated() {
      let bit = layout.bits[place]
      let bloc = rule.pack.map { pack in (0..<memberships.atoms.count).map { memberships.truth(of: pack, $0) } }
      for (conditions, isException) in [(rule.conditions, false), (rule.exceptions, true)] {
        for case .locality(let words) in conditions {
          guard let word = LocalityWord.allCases.last(where: words.contains) else { continue }
          entries.append(
            Entry(
              bit: bit, isPermit: layout.isPermit(bit), isException: isException, word: word,
              bloc: bloc ?? Array(repeating: .no, count: memberships.atoms.count)))
        }
      }
    }
    self.entries = entries
    var numbers: [[Truth]: Int] = [:]
    blocs = (0..<memberships.atoms.count).map { atom in
      let signature = entries.map { $0.bloc[atom] }
      let number = numbers[signature] ?? numbers.count
      numbers[signature] = number
      return number
    }
  }

  mutating func row(_ home: Int, _ hop: Int, _ nearness: Nearness) -> [UInt64] {
    let key = Key(home: blocs[home], hop: blocs[hop], nearness: nearness)
    if let row = made[key] { return row }
    let row = makeRow(home, hop, nearness)
    made[key] = row
    return row
  }

  private func makeRow(_ home: Int, _ hop: Int, _ nearness: Nearness) -> [UInt64] {
    var row = RowBuilder(wordCount: wordCount)
    for entry in entries {
      let truth: Truth =
        switch entry.word {
        case .region: nearness.region
        case .jurisdiction: nearness.jurisdiction
        case .bloc: (entry.bloc[home] && entry.bloc[hop]) || nearness.jurisdiction
        }
      row.add(truth, bit: entry.bit, isPermit: entry.isPermit, isException: entry.isException)
    }
    return row.words
  }
}

/// `safeguard`: which rules an agreement on file carries, from each home to each recipient.
struct SafeguardRows: Sendable {
  private let layout: RuleLayout
  private let entries: [(bit: Int, mechanisms: Set<Safeguard>, isException: Bool)]
  private let crossings: [(mechanism: Safeguard, exporter: [Truth], importer: [Truth])]
  /// By what each crossing says of the pair.
  private var made: [[Truth]: [UInt64]] = [:]

  /// - Parameter agreements: those that are in force.
  init(_ layout: RuleLayout, _ agreements: [Agreement], _ memberships: Memberships) {
    self.layout = layout
    var entries: [(bit: Int, mechanisms: Set<Safeguard>, isException: Bool)] = []
    for (place, rule) in layout.rules.enumerated() {
      for (conditions, isException) in [(rule.conditions, false), (rule.exceptions, true)] {
        for case .safeguard(let mechanisms) in conditions { entries.append((layout.bits[place], mechanisms, isException)) }
      }
    }
    self.entries = entries
    crossings = agreements.map { agreement in
      func truths(_ set: JurisdictionSet) -> [Truth] { (0..<memberships.atoms.count).map { memberships.truth(of: set, $0) } }
      return (agreement.mechanism, truths(agreement.exporter), truths(agreement.importer))
    }
  }

  /// `nil` where no rule asks.
  mutating func row(_ home: Int, _ hop: Int) -> [UInt64]? {
    guard !entries.isEmpty else { return nil }
    let open = crossings.map { $0.exporter[home] && $0.importer[hop] }
    if let row = made[open] { return row }
    var row = RowBuilder(wordCount: layout.wordCount)
    for entry in entries {
      let truth = zip(crossings, open).some { entry.mechanisms.contains($0.mechanism) ? $1 : .no }
      row.add(truth, bit: entry.bit, isPermit: layout.isPermit(entry.bit), isException: entry.isException)
    }
    made[open] = row.words
    return row.words
  }
}
