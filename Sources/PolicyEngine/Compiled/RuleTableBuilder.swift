import Residency

/// Makes the rows of a ``RuleTable`` for the days of one epoch.
struct RuleTableBuilder {
  let layout: RuleLayout
  let atoms: JurisdictionAtoms
  private(set) var cells: [RuleTable.Cell: Int] = [:]
  private(set) var purposes: [Purpose: Int] = [:]
  private(set) var rare: [[RuleTable.Rare]] = Array(repeating: [], count: Action.allCases.count)
  private(set) var words: [UInt64] = []
  private(set) var rows = RuleTable.Rows()
  private(set) var nearRows: [Int32] = []

  private let day: CalendarDate
  private let memberships: Memberships
  private var rowCount: Int { words.count / max(1, 4 * layout.wordCount) }

  init(
    _ layout: RuleLayout, schemas: some Sequence<CollectionSchema>, purposes: [Purpose], agreements: [Agreement],
    on day: CalendarDate
  ) {
    self.layout = layout
    self.day = day
    let memberships = Memberships(layout.rules, agreements, on: day)
    self.memberships = memberships
    atoms = memberships.atoms
    addPairs(agreements)
    rows.matters = rowCount
    addMatters(schemas, purposes)
    rows.consents = rowCount
    addConsents()
    addActions()
    addRare()
  }

  /// Conditions and exceptions of all rules, one after the other.
  private func forEachClause(_ body: (_ bit: Int, _ rule: Rule, _ condition: Condition, _ isException: Bool) -> Void) {
    for (place, rule) in layout.rules.enumerated() {
      for condition in rule.conditions { body(layout.bits[place], rule, condition, false) }
      for condition in rule.exceptions { body(layout.bits[place], rule, condition, true) }
    }
  }

  /// - Parameter truth: of a condition in the row's value; `nil` where it is about something else.
  private func row(_ truth: (Condition) -> Truth?) -> [UInt64] {
    var row = RowBuilder(wordCount: layout.wordCount)
    forEachClause { bit, _, condition, isException in
      guard let truth = truth(condition) else { return }
      row.add(truth, bit: bit, isPermit: layout.isPermit(bit), isException: isException)
    }
    return row.words
  }

  // MARK: Rows

  private mutating func addPairs(_ agreements: [Agreement]) {
    let homes = (0..<atoms.count).map { homeRow($0) }
    let hops = (0..<atoms.count).map { atom in
      row { if case .requester(let set) = $0 { memberships.truth(of: set, atom) } else { nil } }
    }
    var locality = LocalityRows(layout, memberships)
    var safeguards = SafeguardRows(layout, agreements.filter { $0.period.contains(day) }, memberships)
    func pair(_ home: Int, _ hop: Int, _ nearness: Nearness) -> [UInt64] {
      var row = homes[home]
      Self.join(&row, hops[hop], layout.wordCount)
      if let safeguard = safeguards.row(home, hop) { Self.join(&row, safeguard, layout.wordCount) }
      Self.join(&row, locality.row(home, hop, nearness), layout.wordCount)
      return row
    }
    for home in 0..<atoms.count {
      for hop in 0..<atoms.count { words += pair(home, hop, .apart) }
    }
    rows.near = rowCount
    nearRows = Array(repeating: -1, count: atoms.count * atoms.count)
    for home in 0..<atoms.count {
      for hop in 0..<atoms.count where atoms.mayOverlap(home, hop) {
        nearRows[home * atoms.count + hop] = Int32(rowCount - rows.near)
        for nearness in Nearness.allCases where nearness != .apart { words += pair(home, hop, nearness) }
      }
    }
  }

  /// What is about the home alone: the pack, and `home`.
  private func homeRow(_ atom: Int) -> [UInt64] {
    var row = RowBuilder(wordCount: layout.wordCount)
    for (place, rule) in layout.rules.enumerated() {
      guard let pack = rule.pack else { continue }
      let bit = layout.bits[place]
      row.add(memberships.truth(of: pack, atom), bit: bit, isPermit: layout.isPermit(bit), isException: false)
    }
    var words = row.words
    Self.join(
      &words, self.row { if case .home(let set) = $0 { memberships.truth(of: set, atom) } else { nil } }, layout.wordCount)
    return words
  }

  private mutating func addMatters(_ schemas: some Sequence<CollectionSchema>, _ purposes: [Purpose]) {
    // What is stored is a person, not a record.
    var all = [RuleTable.Cell(collection: nil, dataClass: nil)]
    for schema in schemas.sorted(by: { $0.name < $1.name }) {
      for dataClass in Set(schema.classes.values).union([schema.defaultClass]).sorted() {
        all.append(RuleTable.Cell(collection: schema.name, dataClass: dataClass))
      }
    }
    self.purposes = Dictionary(uniqueKeysWithValues: purposes.enumerated().map { ($1, $0) })
    cells = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1, $0) })
    let purposeRows = (purposes.map(Optional.some) + [nil]).map { purpose in
      row { if case .purpose(let wanted) = $0 { purpose.map { Truth(wanted.contains($0)) } ?? .unknown } else { nil } }
    }
    for cell in all {
      let cellRow = row {
        switch $0 {
        case .dataClass(let wanted): cell.dataClass.map { Truth(wanted.contains($0)) } ?? .unknown
        case .collection(let wanted): cell.collection.map { Truth(wanted.contains($0)) } ?? .unknown
        default: nil
        }
      }
      for purposeRow in purposeRows {
        var row = cellRow
        Self.join(&row, purposeRow, layout.wordCount)
        words += row
      }
    }
  }

  private mutating func addConsents() {
    let values: [Fact<ConsentKind?>] = [.known(nil), .known(.implied), .known(.explicit), .unknown]
    for value in values.sorted(by: { RuleTable.index(of: $0) < RuleTable.index(of: $1) }) {
      words += row { condition in
        guard case .consent(let wanted) = condition else { return nil }
        guard case .known(let given) = value else { return .unknown }
        return Truth(given.map(wanted.contains) ?? false)
      }
    }
  }

  /// One plane for each action, of the rules that are about it and in force; and the rules without exceptions.
  private mutating func addActions() {
    rows.actions = words.count
    for action in Action.allCases.sorted(by: { RuleTable.index(of: $0) < RuleTable.index(of: $1) }) {
      var bits = RuleBits(count: layout.wordCount)
      for (place, rule) in layout.rules.enumerated() where rule.actions.contains(action) && rule.period.contains(day) {
        bits.insert(layout.bits[place])
      }
      words += bits.words
    }
    rows.plain = words.count
    var plain = RuleBits(count: layout.wordCount)
    for (place, rule) in layout.rules.enumerated() where rule.exceptions.isEmpty { plain.insert(layout.bits[place]) }
    words += plain.words
  }

  private mutating func addRare() {
    var rare = self.rare
    forEachClause { bit, rule, condition, isException in
      guard condition.key.isRare, rule.period.contains(day) else { return }
      for action in rule.actions {
        rare[RuleTable.index(of: action)].append(.init(bit: bit, rule: rule, condition: condition, isException: isException))
      }
    }
    self.rare = rare
  }

  /// Conditions of both have to hold; of the exceptions one has to fail.
  static func join(_ row: inout [UInt64], _ other: [UInt64], _ wordCount: Int) {
    for plane in 0..<4 {
      for word in plane * wordCount..<(plane + 1) * wordCount {
        if plane.isMultiple(of: 2) { row[word] &= other[word] } else { row[word] |= other[word] }
      }
    }
  }
}

extension ConditionKey {
  /// Whether its values are too many for rows: people's own facts, and names.
  var isRare: Bool {
    switch self {
    case .requesterRegion, .principal, .residence, .citizenship, .subdivision, .certified, .firstWrite, .transferredThisYear: true
    case .locality, .requester, .home, .dataClass, .purpose, .collection, .consent, .safeguard: false
    }
  }
}
