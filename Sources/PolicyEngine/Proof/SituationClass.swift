import Residency

/// Situations that the same rules apply in: a decision is the same in all of them.
struct SituationClass: Sendable {
  let action: Action
  let cell: RuleTable.Cell
  let applying: RuleBits
  /// Of the observing set.
  let observed: RuleBits?
  /// The first one found, with the fewest facts to tell.
  var example: Domain.Coordinate
  var exampleSize: Int
  /// How many situations there are.
  var count = 0
  let outcome: CellOutcome
}

/// All situations of one policy set on the days of one epoch, by what applies in them.
struct Situations: Sendable {
  let domain: Domain
  private(set) var classes: [SituationClass] = []
  private(set) var count = 0
  /// From home to hop, in the domain's order: where an action that takes data away is permitted for somebody.
  private(set) var edges: [Edge: Domain.Coordinate] = [:]

  /// A step that a copy can take.
  struct Edge: Hashable, Sendable {
    let action: Action
    let home: Int
    let hop: Int
    let cell: RuleTable.Cell
  }

  /// - Parameter observer: a further set (the invariants), whose rules tell situations apart as well: what applies of it is the same in
  ///   all situations of a class.
  init(_ set: PolicySet, observer: PolicySet?, on day: CalendarDate, actions: [Action] = Action.allCases) {
    domain = Domain([set] + (observer.map { [$0] } ?? []), on: day)
    for action in actions where set.vocabulary.actions.contains(action) {
      var numbers = ClassNumbers(count: domain.cells.count + 1)
      for home in domain.homes.indices { look(at: domain.slice(action, home: home), of: set, &numbers) }
    }
  }

  private mutating func look(at slice: Domain.Slice, of set: PolicySet, _ numbers: inout ClassNumbers) {
    let fields = slice.cells.map(set.fields)
    let sizes = slice.people.map(\.size)
    let takesCopies = slice.action.takesCopies
    domain.scan(slice) { place, applying in
      count += 1
      guard let bits = applying[0] else { return }
      let observed = applying.count > 1 ? applying[1] : nil
      // How many facts it takes to tell it: a counterexample with few is easier to believe.
      let size = (place.hop == 0 ? 0 : 1) + (place.consent == 0 ? 0 : 1) + sizes[place.person]
      let number = numbers.number(of: bits, observed, cell: place.cell, next: classes.count) {
        classes[$0].applies(bits, observed)
      }
      if number == classes.count {
        let coordinate = domain.coordinate(place, in: slice)
        classes.append(
          SituationClass(
            action: slice.action, cell: coordinate.cell, applying: bits, observed: observed, example: coordinate,
            exampleSize: size,
            outcome: set.outcome(of: bits, slice.action, coordinate.cell, fields: fields[place.cell])))
      }
      classes[number].count += 1
      if size < classes[number].exampleSize {
        classes[number].example = domain.coordinate(place, in: slice)
        classes[number].exampleSize = size
      }
      if takesCopies, classes[number].outcome.isPermitted {
        let edge = Edge(action: slice.action, home: slice.home, hop: slice.hops[place.hop], cell: slice.cells[place.cell])
        if edges[edge] == nil { edges[edge] = domain.coordinate(place, in: slice) }
      }
    }
  }
}

/// Which class a situation is of, by what applies in it: asked for every situation.
private struct ClassNumbers {
  /// For each cell the classes by a digest of what applies; of several with one digest, all.
  private var byCell: [[UInt64: [Int]]]

  init(count: Int) { byCell = Array(repeating: [:], count: count) }

  /// - Parameter isClass: whether the class with that number is the one.
  /// - Returns: `next` where there is none yet.
  mutating func number(
    of bits: RuleBits, _ observed: RuleBits?, cell: Int, next: Int, isClass: (Int) -> Bool
  ) -> Int {
    var digest = bits.digest
    if let observed { digest = digest &* 0x9e37_79b9_7f4a_7c15 ^ observed.digest }
    if let known = byCell[cell][digest]?.first(where: isClass) { return known }
    byCell[cell][digest, default: []].append(next)
    return next
  }
}

extension SituationClass {
  fileprivate func applies(_ bits: RuleBits, _ observed: RuleBits?) -> Bool { applying == bits && self.observed == observed }
}

extension Action {
  /// Whether it leaves a copy where it goes.
  var takesCopies: Bool { self == .replicate || self == .move || self == .export }
}
