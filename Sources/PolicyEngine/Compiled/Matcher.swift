import Residency

/// Asks the compiled rules about one request, hop by hop and cell by cell.
struct Matcher {
  private let policies: PolicySet
  private let request: AccessRequest
  private let table: RuleTable
  private let action: Int

  init(policies: PolicySet, request: AccessRequest) {
    self.policies = policies
    self.request = request
    table = policies.compiled.table(on: request.now)
    action = RuleTable.index(of: request.action)
  }

  /// Every rule that applies, or that cannot be ruled out, in no order.
  /// - Parameter body: gets the rule's place among the set's rules.
  func forEachMatch(of cell: RuleTable.Cell, from hop: Place, _ body: (_ place: Int, _ truth: Truth) -> Void) {
    guard let facts = facts(of: cell, from: hop) else { return forEachForbid { body($0, .unknown) } }
    let rare = rareRow(of: cell, from: hop)
    var applying = RuleBits(count: table.wordCount)
    var otherwise = applying
    table.apply(facts, rare: rare, into: &applying)
    table.applyOtherwise(facts, rare: rare, into: &otherwise)
    let layout = table.layout
    for (word, (first, second)) in zip(applying.words, otherwise.words).enumerated() {
      var rest = first | second
      while rest != 0 {
        let bit = word * 64 + rest.trailingZeroBitCount
        rest &= rest - 1
        let certain = layout.isPermit(bit) ? applying : otherwise
        if let place = layout.place(ofBit: bit) { body(place, certain.contains(bit) ? .yes : .unknown) }
      }
    }
  }

  /// The rules that apply: permits that certainly do, others that may. `nil` where the table has no row for the situation.
  func applying(in cell: RuleTable.Cell, from hop: Place) -> RuleBits? {
    guard let facts = facts(of: cell, from: hop) else { return nil }
    var bits = RuleBits(count: table.wordCount)
    table.apply(facts, rare: rareRow(of: cell, from: hop), into: &bits)
    return bits
  }

  private func facts(of cell: RuleTable.Cell, from hop: Place) -> RuleTable.Facts? {
    guard let pair = table.pair(home: request.home, hop: hop), let matter = table.matter(cell, request.purpose) else {
      return nil
    }
    return RuleTable.Facts(
      action: action, pair: pair, matter: matter, consent: table.consent(RuleTable.index(of: request.consent)))
  }

  private func rareRow(of cell: RuleTable.Cell, from hop: Place) -> [UInt64]? {
    guard !table.rare[action].isEmpty else { return nil }
    let situation = Situation(
      request: request, hop: hop, collection: cell.collection, dataClass: cell.dataClass, agreements: policies.agreements,
      principals: policies.principals)
    return table.rareRow(situation, action: action)
  }

  /// What the table has no row for was refused before; should it come here all the same, no forbid is ruled out.
  private func forEachForbid(_ body: (Int) -> Void) {
    for (place, rule) in policies.rules.enumerated() where rule.kind == .forbid { body(place) }
  }
}
