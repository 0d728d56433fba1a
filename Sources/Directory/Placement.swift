package import Residency

/// Where a subject stands with its home. `active → frozen → active`, either `→ erased`; nothing leads out of `erased`.
///
/// A subject that has moved is `active` at its new home; that its old home calls its own copy "moved" is that store's affair.
package enum PlacementState: UInt8, Hashable, Sendable, CaseIterable {
  case active = 1
  /// The home accepts no writes: a move is under way.
  case frozen = 2
  /// A tombstone. The home has erased the subject.
  case erased = 3

  /// The word for it in answers and on pages.
  package var name: String {
    switch self {
    case .active: "active"
    case .frozen: "frozen"
    case .erased: "erased"
    }
  }
}

/// One fact of the directory: which region is the home of a subject, in which epoch, by whose word.
///
/// Every write of a placement raises its epoch, and only the home of the epoch before writes it, so two different facts with
/// one birth and one epoch come from a history that was lost.
package struct Placement: Hashable, Sendable {
  package let tag: SubjectTag
  /// The position of the entry that registered the subject.
  package let birth: LogPosition
  package let epoch: Epoch
  package let home: RegionOrdinal
  package let state: PlacementState
  /// The position of the entry that wrote this fact.
  package let position: LogPosition
  /// Other registrations of this tag that a resolution has settled. Empty for a subject that was never contested.
  package let covers: Coverage

  package init(
    tag: SubjectTag, birth: LogPosition, epoch: Epoch, home: RegionOrdinal, state: PlacementState, position: LogPosition,
    covers: Coverage = .none
  ) {
    self.tag = tag
    self.birth = birth
    self.epoch = epoch
    self.home = home
    self.state = state
    self.position = position
    self.covers = covers
  }
}
