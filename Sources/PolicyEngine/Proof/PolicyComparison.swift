import Residency

/// Two policy sets in one epoch: where they decide otherwise.
struct PolicyComparison {
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

  /// All situations of one action as points of a grid.
  private struct Survey {
    let slices: [Domain.Slice]
    let subjects: [Subject]
    /// The fields of each subject.
    let fields: [[String]]
    let people: [DomainPerson]
    /// Homes, hops, subjects, purposes, consents, people.
    let sizes: [Int]
    private(set) var isSituation: [Bool]
    private(set) var differing: [Difference: [Int]] = [:]
    private(set) var situationCount = 0

    init(_ slices: [Domain.Slice], _ subjects: [Subject], fields: [[String]], hopCount: Int) {
      self.slices = slices
      self.subjects = subjects
      self.fields = fields
      people = slices.reduce(into: []) { all, slice in all += slice.people.filter { !all.contains($0) } }
      sizes = [slices.count, hopCount, subjects.count, slices.first?.purposes.count ?? 0, 3, people.count]
      isSituation = [Bool](repeating: false, count: sizes.reduce(1, *))
    }

    mutating func note(
      home: Int, subject: Int, _ place: Domain.SlicePlace, person: Int, from before: CellOutcome.Effect,
      to after: CellOutcome.Effect
    ) {
      let places = [home, slices[home].hops[place.hop], subject, place.purpose, place.consent, person]
      let point = zip(places, sizes).reduce(0) { $0 * $1.1 + $1.0 }
      isSituation[point] = true
      situationCount += 1
      if before != after {
        differing[Difference(before: before, after: after, fields: fields[subject]), default: []].append(point)
      }
    }
  }

  func boxes(_ action: Action) -> (boxes: [PolicyDiff.Box], situationCount: Int, counts: [PolicyDiff.Direction: Int]) {
    let slices = domain.homes.indices.map { domain.slice(action, home: $0) }
    let cells = slices.first?.cells ?? []
    let subjects = action == .store ? [Subject(cell: 0)] : self.subjects
    var survey = Survey(
      slices, subjects, fields: subjects.map { $0.fields(of: cells, old, new) }, hopCount: domain.hops.count)
    for home in slices.indices { look(at: home, action, &survey) }
    var counts: [PolicyDiff.Direction: Int] = [:]
    var boxes: [PolicyDiff.Box] = []
    for (difference, points) in survey.differing {
      counts[difference.direction, default: 0] += points.count
      var grid = survey.isSituation.map { $0 ? BoxCover.Point.outside : .void }
      for point in points { grid[point] = .inside }
      // A home at which nobody's consent is asked is not one of those where it makes a difference.
      for box in BoxCover(sizes: survey.sizes, points: grid, toldAxes: [0]).boxes() {
        boxes.append(
          self.box(
            box, difference, difference.direction, action, subjects.map { $0.name(cells) }, slices.first?.purposes ?? [],
            survey.people))
      }
    }
    return (boxes, survey.situationCount, counts)
  }

  private func look(at home: Int, _ action: Action, _ survey: inout Survey) {
    let slice = survey.slices[home]
    let personIndex = slice.people.map { survey.people.firstIndex(of: $0) ?? 0 }
    let (subjects, fields) = (survey.subjects, survey.fields)
    func compare(_ subject: Int, _ place: Domain.SlicePlace, _ before: RuleBits?, _ after: RuleBits?) {
      let (own, names) = (subjects[subject], fields[subject])
      survey.note(
        home: home, subject: subject, place, person: personIndex[place.person],
        from: effect(old, before, action, own.old.map { slice.cells[$0] }, names),
        to: effect(new, after, action, own.new.map { slice.cells[$0] }, names))
    }
    // A field may be in one cell of the old set and in another of the new one: then both have to be known first.
    let moved = subjects.indices.filter { subjects[$0].old != subjects[$0].new }
    var seen: [Domain.SlicePlace: [RuleBits?]] = [:]
    domain.scan(slice) { place, applying in
      if !moved.isEmpty { seen[place] = applying }
      for (subject, own) in subjects.enumerated() where own.old == place.cell && own.new == place.cell {
        compare(subject, place, applying[0], applying[1])
      }
    }
    for place in seen.keys where place.cell == 0 {
      func bits(_ cell: Int?, _ set: Int) -> RuleBits? {
        guard let cell else { return nil }
        var there = place
        there.cell = cell
        return seen[there]?[set]
      }
      for subject in moved { compare(subject, place, bits(subjects[subject].old, 0), bits(subjects[subject].new, 1)) }
    }
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

extension PolicyComparison {
  /// What is compared: the fields of a cell that are of one class in both sets, or one field that is of another class in each.
  fileprivate struct Subject {
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

  fileprivate var subjects: [Subject] {
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
}

extension PolicyComparison.Difference {
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
    case (.atom(let atom), .yes): return "\(name(ofAtom: atom)), another region"
    case (.atom(let atom), .unknown): return "\(name(ofAtom: atom)), perhaps there"
    case (.atom(let atom), .no): return name(ofAtom: atom)
    case (.region(let region), .yes): return region.rawValue
    case (.region(let region), .unknown): return "\(region), perhaps there"
    case (.region(let region), .no): return "\(region) from abroad"
    }
  }
}
