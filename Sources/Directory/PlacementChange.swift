package import Residency

/// What the rows of one tag must say after a run of entries.
package struct PlacementChange: Hashable, Sendable {
  package let tag: SubjectTag
  /// `nil` where the tag had no row.
  package let before: PlacementSet?
  package let after: PlacementSet

  /// The row to upsert in `placement`.
  package var placement: Placement { after.primary }
  /// The rows that `placement_sibling` must hold for the tag; none clears them.
  package var siblings: [Placement] { after.siblings }
  /// Whether `placement_sibling` must be written at all.
  package var changesSiblings: Bool { (before?.siblings ?? []) != after.siblings }

  /// The changes that `records` make, ascending by tag (the order in which rows are locked). Tags that stay as they are have none.
  /// - Parameter current: what is held for the tags of `records`, read in the transaction that writes the changes.
  package static func changes(
    for records: [LogRecord], current: [SubjectTag: PlacementSet]
  ) -> [PlacementChange] {
    var after: [SubjectTag: PlacementSet] = [:]
    for record in records {
      let placement = record.placement
      if let known = after[placement.tag] ?? current[placement.tag] {
        after[placement.tag] = merge(known, placement)
      } else {
        after[placement.tag] = PlacementSet(placement)
      }
    }
    return after.compactMap { tag, set in
      let before = current[tag]
      return before == set ? nil : PlacementChange(tag: tag, before: before, after: set)
    }.sorted { $0.tag < $1.tag }
  }
}
