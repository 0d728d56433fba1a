import Residency

/// One set's rows for a slice of a domain, looked up once.
struct SliceScanner {
  private let table: RuleTable
  private let action: Int
  private let pairs: [Int?]
  private let matters: [[Int?]]
  private let consents: [Int]
  /// By hop, cell and person; `nil` where no rule asks for what only the situation itself tells.
  private let rare: [[[[UInt64]]]]?

  init(_ domain: Domain, _ slice: Domain.Slice, set: PolicySet, table: RuleTable) {
    self.table = table
    action = RuleTable.index(of: slice.action)
    let home = domain.place(ofHome: slice.home)
    let places = slice.hops.map { domain.places(of: $0, home: slice.home) ?? (home: home, hop: home) }
    let hops = places.map(\.hop)
    pairs = places.map { table.pair(home: $0.home, hop: $0.hop) }
    matters = slice.cells.map { cell in slice.purposes.map { table.matter(cell, $0) } }
    consents = slice.consents.map { table.consent(RuleTable.index(of: .known($0))) }
    guard !table.rare[action].isEmpty else {
      rare = nil
      return
    }
    let action = action
    rare = zip(slice.hops, hops).map { index, hop in
      slice.cells.map { cell in
        slice.people.map { person in
          let coordinate = Domain.Coordinate(
            action: slice.action, home: slice.home, hop: index, cell: cell, purpose: nil, consent: nil, person: person)
          let situation = Situation(
            request: domain.request(coordinate), hop: hop, collection: cell.collection, dataClass: cell.dataClass,
            agreements: set.agreements, principals: set.principals)
          return table.rareRow(situation, action: action) ?? []
        }
      }
    }
  }

  func apply(_ place: Domain.SlicePlace, into bits: inout RuleBits?) {
    guard let pair = pairs[place.hop], let matter = matters[place.cell][place.purpose] else {
      bits = nil
      return
    }
    var found = bits.take() ?? RuleBits(count: table.wordCount)
    let facts = RuleTable.Facts(action: action, pair: pair, matter: matter, consent: consents[place.consent])
    table.apply(facts, rare: rare?[place.hop][place.cell][place.person], into: &found)
    bits = consume found
  }
}
