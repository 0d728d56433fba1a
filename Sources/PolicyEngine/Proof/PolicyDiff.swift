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
  /// Collections whose records live elsewhere by the new set: where they become global, they are copied to every region and belong to
  /// nobody's move any more.
  package let relocations: [Relocation]

  package struct Relocation: Hashable, Sendable {
    package let collection: CollectionName
    package let from: CollectionSchema.Locality
    package let to: CollectionSchema.Locality
  }

  package var isEmpty: Bool { widenedCount + narrowedCount + changedCount == 0 && claims.isEmpty && relocations.isEmpty }
  /// Whether something is shown that was not, or more of it than before.
  package var widens: Bool {
    widenedCount + changedCount > 0 || claims.contains { $0.direction == .widened } || relocations.contains { $0.to == .global }
  }

  /// Compares on every day from `day` on.
  package init(from old: PolicySet, to new: PolicySet, since day: CalendarDate) {
    relocations = new.collectionNames.compactMap { name in
      guard let before = old.collection(name)?.locality, let after = new.collection(name)?.locality, before != after else {
        return nil
      }
      return Relocation(collection: name, from: before, to: after)
    }
    claims = Claim.differences(from: old, to: new)
    oldRevision = old.revision
    newRevision = new.revision
    days = [day] + Set(old.compiled.epochs.starts + new.compiled.epochs.starts).filter { $0 > day }.sorted()
    var situations = 0
    var counts: [Direction: Int] = [:]
    var boxes: [Box: [CalendarDate]] = [:]
    for day in days {
      let comparison = PolicyComparison(Domain([old, new], on: day), old, new)
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
    // Each set has few enough to be told apart; of two together that are not, every pattern itself is still looked at.
    let names = NamePattern.names(tellingApart: patterns) ?? patterns.map { $0.text.replacing("*", with: "x") }
    return Set(names).sorted().flatMap { principal in
      let (before, after) = (old.purposes(allowedFor: principal), new.purposes(allowedFor: principal))
      return before.symmetricDifference(after).sorted().map {
        Self(direction: after.contains($0) ? .widened : .narrowed, principal: principal, purpose: $0)
      }
    }
  }
}
