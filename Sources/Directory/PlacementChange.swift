package import Residency

/// What the rows of one tag must say after a run of entries.
package struct PlacementChange: Hashable, Sendable {
  package let tag: SubjectTag
  /// `nil` where the tag had no row.
  package let before: PlacementSet?
  /// `nil` where nothing is kept of the tag any more.
  package let after: PlacementSet?

  package init(tag: SubjectTag, before: PlacementSet?, after: PlacementSet?) {
    self.tag = tag
    self.before = before
    self.after = after
  }

  /// The row to upsert in `placement`; `nil` to delete it.
  package var placement: Placement? { after?.primary }
  /// The rows that `placement_sibling` must hold for the tag; none clears them.
  package var siblings: [Placement] { after?.siblings ?? [] }
  /// Whether `placement_sibling` must be written at all.
  package var changesSiblings: Bool { (before?.siblings ?? []) != siblings }

  /// The changes that `facts` make, ascending by tag (the order in which rows are locked). Tags that stay as they are have none.
  /// - Parameter current: what is held for the tags of `facts`, read in the transaction that writes the changes.
  package static func changes(
    for facts: some Sequence<Placement>, current: [SubjectTag: PlacementSet]
  ) -> [PlacementChange] {
    var after: [SubjectTag: PlacementSet] = [:]
    for placement in facts {
      if let known = after[placement.tag] ?? current[placement.tag] {
        after[placement.tag] = merge(known, placement)
      } else {
        after[placement.tag] = PlacementSet(placement)
      }
    }
    return changes(from: current, to: after)
  }

  /// - Parameter after: the new facts of some tags; `nil` for none any more.
  package static func changes(
    from current: [SubjectTag: PlacementSet], to after: [SubjectTag: PlacementSet?]
  ) -> [PlacementChange] {
    after.compactMap { tag, set in
      let before = current[tag]
      return before == set ? nil : PlacementChange(tag: tag, before: before, after: set)
    }.sorted { $0.tag < $1.tag }
  }

  /// The changes that `records` make.
  package static func changes(for records: [LogRecord], current: [SubjectTag: PlacementSet]) -> [PlacementChange] {
    changes(for: records.lazy.compactMap(\.placement), current: current)
  }
}
