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

  /// A purpose that some principals may claim by one set, and not by the other.
  package struct Claim: Hashable, Sendable {
    package let direction: Direction
    /// One of them.
    package let principal: String
    package let purpose: Purpose
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
  /// In order of principals and purposes.
  package let claims: [Claim]

  package var isEmpty: Bool { widenedCount + narrowedCount + changedCount == 0 && claims.isEmpty }
  /// Whether something is shown that was not, or more of it than before.
  package var widens: Bool { widenedCount + changedCount > 0 || claims.contains { $0.direction == .widened } }

  /// Compares on every day from `day` on.
  package init(from old: PolicySet, to new: PolicySet, since day: CalendarDate) {
    claims = Claim.differences(from: old, to: new)
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

extension PolicyDiff.Claim {
  /// The boxes take for granted that whoever asks may claim the purpose; here is for whom that changes.
  fileprivate static func differences(from old: PolicySet, to new: PolicySet) -> [Self] {
    let patterns = (old.principals + new.principals).map(\.pattern)
    return NamePattern.names(tellingApart: patterns).sorted().flatMap { principal in
      let (before, after) = (old.purposes(allowedFor: principal), new.purposes(allowedFor: principal))
      return before.symmetricDifference(after).sorted().map {
        Self(direction: after.contains($0) ? .widened : .narrowed, principal: principal, purpose: $0)
      }
    }
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
    let subjects = action == .store ? [Subject(cell: 0)] : self.subjects
    let people = slices.reduce(into: [DomainPerson]()) { all, slice in all += slice.people.filter { !all.contains($0) } }
    let cells = slices.first?.cells ?? []
    let purposes = slices.first?.purposes ?? []
    let sizes = [slices.count, domain.hops.count, subjects.count, purposes.count, 3, people.count]
    func index(_ home: Int, _ hop: Int, _ subject: Int, _ place: Domain.SlicePlace, _ person: Int) -> Int {
      ((((home * sizes[1] + hop) * sizes[2] + subject) * sizes[3] + place.purpose) * sizes[4] + place.consent) * sizes[5]
        + person
    }
    var situationCount = 0
    var isSituation = [Bool](repeating: false, count: sizes.reduce(1, *))
    var differing: [Difference: [Int]] = [:]
    let fields = subjects.map { $0.fields(of: cells, old, new) }
    for (home, slice) in slices.enumerated() {
      let personIndex = slice.people.map { people.firstIndex(of: $0) ?? 0 }
      // A subject may be in one cell of the old set and in another of the new one, so effects are gathered by cell first.
      var effects: [Domain.SlicePlace: (before: RuleBits?, after: RuleBits?)] = [:]
      let isMoved = subjects.contains { $0.old != $0.new }
      func compare(_ subject: Int, _ place: Domain.SlicePlace, _ before: RuleBits?, _ after: RuleBits?) {
        let point = index(home, slice.hops[place.hop], subject, place, personIndex[place.person])
        isSituation[point] = true
        situationCount += 1
        let (own, names) = (subjects[subject], fields[subject])
        let old = effect(self.old, before, action, own.old.map { slice.cells[$0] }, names)
        let new = effect(self.new, after, action, own.new.map { slice.cells[$0] }, names)
        guard old != new else { return }
        differing[Difference(before: old, after: new, fields: names), default: []].append(point)
      }
      domain.scan(slice) { place, applying in
        if isMoved { effects[place] = (applying[0], applying[1]) }
        for (subject, own) in subjects.enumerated() where own.old == place.cell && own.new == place.cell {
          compare(subject, place, applying[0], applying[1])
        }
      }
      for (place, _) in effects where place.cell == 0 {
        for (subject, own) in subjects.enumerated() where own.old != own.new {
          func bits(_ cell: Int?) -> (before: RuleBits?, after: RuleBits?)? {
            cell.flatMap { cell in
              var there = place
              there.cell = cell
              return effects[there]
            }
          }
          compare(subject, place, bits(own.old)?.before, bits(own.new)?.after)
        }
      }
    }
    var counts: [PolicyDiff.Direction: Int] = [:]
    var boxes: [PolicyDiff.Box] = []
    for (difference, points) in differing {
      let direction = difference.direction
      counts[direction, default: 0] += points.count
      var grid = isSituation.map { $0 ? BoxCover.Point.outside : .void }
      for point in points { grid[point] = .inside }
      // A home at which nobody's consent is asked is not one of those where it makes a difference.
      for box in BoxCover(sizes: sizes, points: grid, toldAxes: [0]).boxes() {
        boxes.append(self.box(box, difference, direction, action, subjects.map { $0.name(cells) }, purposes, people))
      }
    }
    return (boxes, situationCount, counts)
  }

  /// Of a denial, whatever its reason, the same. A cell or a purpose that the set does not know is refused.
  private func effect(
    _ set: PolicySet, _ applying: RuleBits?, _ action: Action, _ cell: RuleTable.Cell?, _ fields: [String]
  ) -> CellOutcome.Effect {
    guard let applying, let cell else { return .deny(.noMatchingRule) }
    let effect = set.outcome(of: applying, action, cell, fields: fields).effect
    if case .permit = effect { return effect }
    return .deny(.noMatchingRule)
  }

  /// What is compared: the fields of a cell that are of one class in both sets, or one field that is of another class in each.
  private struct Subject {
    /// Places among the domain's cells; `nil` where the set has no such collection.
    var old: Int?
    var new: Int?
    /// One that moves from class to class.
    var field: String?

    init(cell: Int) { (old, new, field) = (cell, cell, nil) }

    /// `profile/contact`, or `profile.diagnosis (health to contact)`.
    func name(_ cells: [RuleTable.Cell]) -> String {
      func dataClass(_ cell: Int?) -> String { cell.flatMap { cells[$0].dataClass?.rawValue } ?? "none" }
      guard let field, let cell = old ?? new else { return old.map { cells[$0].name } ?? "" }
      return "\(cells[cell].collection?.rawValue ?? "").\(field) (\(dataClass(old)) to \(dataClass(new)))"
    }

    init(old: Int?, new: Int?, field: String) { (self.old, self.new, self.field) = (old, new, field) }

    /// The fields whose views are compared.
    func fields(of cells: [RuleTable.Cell], _ before: PolicySet, _ after: PolicySet) -> [String] {
      if let field { return [field] }
      guard let cell = old, cells.indices.contains(cell) else { return [] }
      let both = Set(before.fields(of: cells[cell])).union(after.fields(of: cells[cell]))
      return both.filter { field in
        cells[cell].collection.map { before.dataClass(of: field, in: $0) == after.dataClass(of: field, in: $0) } ?? true
      }.sorted()
    }
  }

  private var subjects: [Subject] {
    let cells = domain.cells
    let stay = cells.indices.filter { cell in
      guard let collection = cells[cell].collection else { return true }
      return old.collection(collection) != nil && new.collection(collection) != nil
        && !Subject(cell: cell).fields(of: cells, old, new).isEmpty
    }.map(Subject.init(cell:))
    let moved = Set(cells.compactMap(\.collection)).sorted().flatMap { collection -> [Subject] in
      let schemas = [old.collection(collection), new.collection(collection)]
      let fields = Set(schemas.compactMap(\.self).flatMap { $0.fields + ["*"] }).sorted()
      return fields.compactMap { field in
        let (before, after) = (old.dataClass(of: field, in: collection), new.dataClass(of: field, in: collection))
        guard before != after else { return nil }
        func cell(_ dataClass: DataClass?) -> Int? {
          dataClass.flatMap { cells.firstIndex(of: RuleTable.Cell(collection: collection, dataClass: $0)) }
        }
        return Subject(old: cell(before), new: cell(after), field: field)
      }
    }
    return stay + moved
  }

  private func box(
    _ box: BoxCover.Box, _ difference: Difference, _ direction: PolicyDiff.Direction, _ action: Action, _ subjects: [String],
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
          domain.places(of: hop, home: home) == nil && box[0].count == 1 ? nil : domain.name(of: hop, homes: box[0])
        },
      cells: action == .store ? nil : some(box[2], of: subjects.count) { subjects[$0] },
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

extension PolicySet {
  /// `nil` where there is no such collection.
  fileprivate func dataClass(of field: String, in collection: CollectionName) -> DataClass? {
    self.collection(collection)?.dataClass(of: field)
  }
}

extension RuleTable.Cell {
  /// `profile/contact`.
  var name: String { [collection?.rawValue, dataClass?.rawValue].compactMap(\.self).joined(separator: "/") }
}

extension Domain {
  /// The name of a hop as seen from several homes.
  func name(of hop: Int, homes: [Int]) -> String {
    if homes.count == 1 { return name(of: hop, home: homes[0]) }
    switch (hops[hop].target, hops[hop].isNear) {
    case (.sameRegion, _): return "same region"
    case (.atom(let atom), let isNear): return isNear ? "\(name(ofAtom: atom)), another region" : name(ofAtom: atom)
    case (.region(let region), let isNear): return isNear ? region.rawValue : "\(region) from abroad"
    }
  }
}
