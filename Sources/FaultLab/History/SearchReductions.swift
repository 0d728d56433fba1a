/// Shortcuts of the search for an order of operations. None changes an answer; `[]` is the plain algorithm, against which they
/// are tested.
///
/// Why they hold: take a shortest order that completes a configuration, "shortest" by the number of operations of unknown outcome
/// in it. Each shortcut leaves one of that length to be found.
struct SearchReductions: OptionSet, Sendable {
  let rawValue: Int

  /// An observation (a read, or a compare-and-set of equal values) that may be next and fits is placed at once, and nothing else is
  /// tried: it changes nothing, so that wherever it stands in an order, it may as well stand here.
  static let observationsFirst = SearchReductions(rawValue: 1)

  /// An operation of unknown outcome is placed only where it changes the register and an operation that needs just its value may
  /// follow. Otherwise a write or nothing follows it in the order, and without it the order would be shorter.
  static let unknownOnlyIfObserved = SearchReductions(rawValue: 2)

  /// Of equal operations of unknown outcome, the one invoked first is placed first: in any order the two can change places.
  static let equalUnknownsInOrder = SearchReductions(rawValue: 4)

  /// A configuration is not searched if one with the same acknowledged operations and value was, which had placed only some of
  /// its operations of unknown outcome: whatever completes the one completes the other. Without this shortcut, only equal
  /// configurations count.
  static let fewerUnknownsSuffice = SearchReductions(rawValue: 8)

  static let all: SearchReductions = [.observationsFirst, .unknownOnlyIfObserved, .equalUnknownsInOrder, .fewerUnknownsSuffice]
}
