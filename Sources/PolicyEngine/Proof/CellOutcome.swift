package import Residency

/// What rules make of one situation.
package struct CellOutcome: Hashable, Sendable {
  package enum Effect: Hashable, Sendable {
    /// The view of each field of the cell, in order of ``fields``; empty for an action that takes whole records.
    case permit([View])
    case deny(DenyReason)
  }

  package let effect: Effect
  /// The place of the rule that settles it among the set's rules.
  let rule: Int?

  package var isPermitted: Bool { if case .permit = effect { true } else { false } }

  /// Whether it shows more than `other`: permitted where that is not, or some field in a weaker view.
  func isWider(than other: CellOutcome) -> Bool {
    guard case .permit(let views) = effect else { return false }
    guard case .permit(let others) = other.effect else { return true }
    return zip(views, others).contains { $0 < $1 }
  }
}

extension PolicySet {
  /// The fields that a cell is about: those of its class, in order of names, and `*` where fields that no schema names have it.
  func fields(of cell: RuleTable.Cell) -> [String] {
    guard let schema = cell.collection.flatMap(collection) else { return [] }
    let named = schema.fields.filter { schema.classes[$0] == cell.dataClass }
    return schema.defaultClass == cell.dataClass ? named + ["*"] : named
  }

  /// What the rules in `applying` make of a situation in `cell`.
  /// - Parameter fields: of the cell.
  func outcome(of applying: RuleBits, _ action: Action, _ cell: RuleTable.Cell, fields: [String]) -> CellOutcome {
    let layout = compiled.layout
    func place(_ bit: Int?) -> Int? { bit.flatMap(layout.place(ofBit:)) }
    if let forbid = applying.first(in: layout.forbids) {
      return CellOutcome(effect: .deny(.forbidden), rule: place(forbid))
    }
    guard let permit = applying.first(in: layout.permits) else { return CellOutcome(effect: .deny(.noMatchingRule), rule: nil) }
    var scope = FieldAccess.Scope()
    applying.forEach(in: layout.permits) { bit in if let place = place(bit) { scope.grants.append(rules[place].views) } }
    applying.forEach(in: layout.requires) { bit in if let place = place(bit) { scope.demands.append(rules[place].views) } }
    guard action.givesViews else {
      let schema = cell.collection.flatMap(collection)
      let masks = scope.demands.contains { schema?.isMasked(by: $0, in: cell.dataClass) ?? true }
      return masks
        ? CellOutcome(effect: .deny(.redactionRequired), rule: place(applying.first(in: layout.requires)))
        : CellOutcome(effect: .permit([]), rule: place(permit))
    }
    // As a record is judged: what is not named goes with what it lies in.
    let schema = cell.collection.flatMap(collection)
    let views = fields.map { scope.view(of: schema?.named($0) ?? $0) }
    guard views.contains(where: { $0 != .drop }) else {
      return CellOutcome(effect: .deny(.everythingDropped), rule: place(applying.first(in: layout.requires)))
    }
    return CellOutcome(effect: .permit(views), rule: place(permit))
  }
}
