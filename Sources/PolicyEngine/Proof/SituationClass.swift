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
    var numbers: [Key: Int] = [:]
    for action in actions where set.vocabulary.actions.contains(action) {
      for home in domain.homes.indices {
        let slice = domain.slice(action, home: home)
        let fields = slice.cells.map(set.fields)
        domain.scan(slice) { place, applying in
          count += 1
          guard let bits = applying[0] else { return }
          let key = Key(action: action, cell: place.cell, applying: bits, observed: applying.count > 1 ? applying[1] : nil)
          let number = numbers[key] ?? classes.count
          if number == classes.count {
            numbers[key] = number
            let coordinate = domain.coordinate(place, in: slice)
            let outcome = set.outcome(of: bits, action, coordinate.cell, fields: fields[place.cell])
            classes.append(
              SituationClass(
                action: action, cell: coordinate.cell, applying: bits, observed: key.observed, example: coordinate,
                exampleSize: place.size(in: slice), outcome: outcome))
          }
          classes[number].count += 1
          if place.size(in: slice) < classes[number].exampleSize {
            classes[number].example = domain.coordinate(place, in: slice)
            classes[number].exampleSize = place.size(in: slice)
          }
          if action.takesCopies, classes[number].outcome.isPermitted {
            let edge = Edge(action: action, home: home, hop: slice.hops[place.hop], cell: slice.cells[place.cell])
            if edges[edge] == nil { edges[edge] = domain.coordinate(place, in: slice) }
          }
        }
      }
    }
  }

  private struct Key: Hashable {
    let action: Action
    let cell: Int
    let applying: RuleBits
    let observed: RuleBits?
  }
}

extension Action {
  /// Whether it leaves a copy where it goes.
  var takesCopies: Bool { self == .replicate || self == .move || self == .export }
}

extension Domain.SlicePlace {
  /// How many facts it takes to tell it: a counterexample with few is easier to believe.
  func size(in slice: Domain.Slice) -> Int {
    (hop == 0 ? 0 : 1) + (consent == 0 ? 0 : 1) + slice.people[person].size
  }
}
