package import Residency

/// What one policy set decides otherwise than another, in every situation that one of the two can tell apart.
package struct PolicyDiff: Sendable {
  package enum Direction: String, Hashable, Sendable, CaseIterable {
    /// The new set shows more.
    case widened
    /// The new set shows less.
    case narrowed
    /// Some field is shown in a weaker view, another in a stronger one.
    case changed
  }

  /// Situations that differ alike: every combination of these values, but for those that are no situation.
  package struct Box: Hashable, Sendable {
    package let direction: Direction
    package let action: Action
    /// Each is `nil` where it is every value that there is.
    package let homes: [String]?
    package let hops: [String]?
    package let cells: [String]?
    package let purposes: [Purpose]?
    package let consents: [String]?
    package let people: [String]?
    package let before: String
    package let after: String
    /// From when on, in the days compared.
    package let days: [CalendarDate]
  }

  package let oldRevision: String
  package let newRevision: String
  /// The first day of each epoch that was looked at.
  package let days: [CalendarDate]
  package let situationCount: Int
  package let widenedCount: Int
  package let narrowedCount: Int
  package let changedCount: Int
  /// Widened first.
  package let boxes: [Box]

  package var isEmpty: Bool { widenedCount + narrowedCount + changedCount == 0 }
  /// Whether something is shown that was not, or more of it than before.
  package var widens: Bool { widenedCount + changedCount > 0 }

  /// Compares on every day from `day` on.
  package init(from old: PolicySet, to new: PolicySet, since day: CalendarDate) {
    oldRevision = old.revision
    newRevision = new.revision
    days = [day] + Set(old.compiled.epochs.starts + new.compiled.epochs.starts).filter { $0 > day }.sorted()
    var situations = 0
    var counts: [Direction: Int] = [:]
    var boxes: [Box: [CalendarDate]] = [:]
    for day in days {
      let comparison = Comparison(Domain([old, new], on: day), old, new)
      for action in Action.allCases {
        let (found, count, differing) = comparison.boxes(action)
        situations += count
        counts.merge(differing, uniquingKeysWith: +)
        for box in found { boxes[box, default: []].append(day) }
      }
    }
    situationCount = situations
    widenedCount = counts[.widened] ?? 0
    narrowedCount = counts[.narrowed] ?? 0
    changedCount = counts[.changed] ?? 0
    self.boxes = boxes.map { box, days in box.on(days.sorted()) }.sorted(by: Box.comesFirst)
  }
}

extension PolicyDiff.Box {
  fileprivate func on(_ days: [CalendarDate]) -> Self {
    Self(
      direction: direction, action: action, homes: homes, hops: hops, cells: cells, purposes: purposes, consents: consents,
      people: people, before: before, after: after, days: days)
  }

  fileprivate static func comesFirst(_ left: Self, _ right: Self) -> Bool {
    func rank(_ box: Self) -> (Int, String, String, String) {
      let direction = PolicyDiff.Direction.allCases.firstIndex(of: box.direction) ?? 0
      return (direction, box.action.rawValue, (box.homes ?? []).joined(), (box.cells ?? []).joined() + box.after)
    }
    return rank(left) < rank(right)
  }
}

/// Two sets in one epoch.
private struct Comparison {
  private let domain: Domain
  private let old: PolicySet
  private let new: PolicySet

  init(_ domain: Domain, _ old: PolicySet, _ new: PolicySet) {
    self.domain = domain
    self.old = old
    self.new = new
  }

  /// Situations that differ in the same way: from the one outcome to the other.
  struct Difference: Hashable {
    let before: CellOutcome.Effect
    let after: CellOutcome.Effect
    let fields: [String]
  }

  func boxes(_ action: Action) -> (boxes: [PolicyDiff.Box], situationCount: Int, counts: [PolicyDiff.Direction: Int]) {
    let slices = domain.homes.indices.map { domain.slice(action, home: $0) }
    let people = slices.reduce(into: [DomainPerson]()) { all, slice in all += slice.people.filter { !all.contains($0) } }
    let cells = slices.first?.cells ?? []
    let purposes = slices.first?.purposes ?? []
    let sizes = [slices.count, domain.hops.count, cells.count, purposes.count, 3, people.count]
    func index(_ home: Int, _ hop: Int, _ place: Domain.SlicePlace, _ person: Int) -> Int {
      ((((home * sizes[1] + hop) * sizes[2] + place.cell) * sizes[3] + place.purpose) * sizes[4] + place.consent) * sizes[5]
        + person
    }
    var situationCount = 0
    var isSituation = [Bool](repeating: false, count: sizes.reduce(1, *))
    var differing: [Difference: [Int]] = [:]
    let oldFields = cells.map(old.fields)
    let newFields = cells.map(new.fields)
    for (home, slice) in slices.enumerated() {
      let personIndex = slice.people.map { people.firstIndex(of: $0) ?? 0 }
      domain.scan(slice) { place, applying in
        situationCount += 1
        let point = index(home, slice.hops[place.hop], place, personIndex[place.person])
        isSituation[point] = true
        let cell = slice.cells[place.cell]
        let before = effect(old, applying[0], action, cell, oldFields[place.cell])
        let after = effect(new, applying[1], action, cell, newFields[place.cell])
        let fields = Set(oldFields[place.cell] + newFields[place.cell]).sorted()
        let views = (views(before, oldFields[place.cell], fields), self.views(after, newFields[place.cell], fields))
        guard views.0 != views.1 else { return }
        differing[Difference(before: views.0, after: views.1, fields: fields), default: []].append(point)
      }
    }
    var counts: [PolicyDiff.Direction: Int] = [:]
    var boxes: [PolicyDiff.Box] = []
    for (difference, points) in differing {
      let direction = difference.direction
      counts[direction, default: 0] += points.count
      var grid = isSituation.map { $0 ? BoxCover.Point.outside : .void }
      for point in points { grid[point] = .inside }
      for box in BoxCover(sizes: sizes, points: grid).boxes() {
        boxes.append(self.box(box, difference, direction, action, cells, purposes, people))
      }
    }
    return (boxes, situationCount, counts)
  }

  private func effect(
    _ set: PolicySet, _ applying: RuleBits?, _ action: Action, _ cell: RuleTable.Cell, _ fields: [String]
  ) -> CellOutcome.Effect {
    // A cell or a purpose that the set does not know is refused.
    applying.map { set.outcome(of: $0, action, cell, fields: fields).effect } ?? .deny(.unknownCollection)
  }

  /// The views of the fields of both sets; of a denial, whatever its reason, the same.
  private func views(_ effect: CellOutcome.Effect, _ own: [String], _ all: [String]) -> CellOutcome.Effect {
    guard case .permit(let views) = effect else { return .deny(.noMatchingRule) }
    guard !views.isEmpty, own != all else { return effect }
    let byField = Dictionary(zip(own, views), uniquingKeysWith: { first, _ in first })
    return .permit(all.map { byField[$0] ?? byField["*"] ?? .drop })
  }

  private func box(
    _ box: BoxCover.Box, _ difference: Difference, _ direction: PolicyDiff.Direction, _ action: Action, _ cells: [RuleTable.Cell],
    _ purposes: [Purpose?], _ people: [DomainPerson]
  ) -> PolicyDiff.Box {
    func some(_ values: [Int], of count: Int, _ name: (Int) -> String?) -> [String]? {
      values.count == count ? nil : values.compactMap(name)
    }
    let home = box[0].first ?? 0
    return PolicyDiff.Box(
      direction: direction, action: action, homes: some(box[0], of: domain.homes.count, domain.name(ofHome:)),
      hops: action == .store
        ? nil
        : some(box[1], of: domain.hops.count) { hop in
          domain.place(of: domain.hops[hop], home: home) == nil && box[0].count == 1
            ? nil : domain.name(of: domain.hops[hop], homes: box[0])
        },
      cells: action == .store ? nil : some(box[2], of: cells.count) { cells[$0].name },
      purposes: action == .store || box[3].count == purposes.count ? nil : box[3].compactMap { purposes[$0] },
      consents: some(box[4], of: 3) { ["none", "implied", "explicit"][$0] },
      people: some(box[5], of: people.count) { people[$0].description },
      before: difference.text(difference.before), after: difference.text(difference.after), days: [])
  }
}

extension Comparison.Difference {
  fileprivate var direction: PolicyDiff.Direction {
    guard case .permit(let after) = after else { return .narrowed }
    guard case .permit(let before) = before else { return .widened }
    let isWeaker = zip(before, after).contains { $1 < $0 }
    let isStronger = zip(before, after).contains { $1 > $0 }
    return isWeaker && isStronger ? .changed : isWeaker ? .widened : .narrowed
  }

  /// `denied`, `permitted`, or the views: `email hash, name clear`.
  fileprivate func text(_ effect: CellOutcome.Effect) -> String {
    guard case .permit(let views) = effect else { return "denied" }
    let shown = zip(fields, views).filter { $1 != .drop }.map { "\($0) \($1.name)" }
    return views.isEmpty ? "permitted" : shown.joined(separator: ", ")
  }
}

extension RuleTable.Cell {
  /// `profile/contact`.
  var name: String { [collection?.rawValue, dataClass?.rawValue].compactMap(\.self).joined(separator: "/") }
}

extension Domain {
  /// The name of a hop as seen from several homes.
  func name(of hop: DomainHop, homes: [Int]) -> String {
    guard homes.count > 1 else { return homes.first.map { name(of: hop, home: $0) } ?? "" }
    switch hop {
    case .sameRegion, .atom, .region: return name(of: hop, home: homes[0])
    case .otherRegion: return "another region there"
    case .sibling: return "another of them"
    }
  }
}
