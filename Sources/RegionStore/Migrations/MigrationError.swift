/// Why a database could not be brought to the newest schema. Nothing of the step has happened, save that one of its online
/// statements may have left an index that nobody uses; the next attempt removes it.
package enum MigrationError: Error, Sendable, Equatable {
  /// The step has run here with other SQL than this program has for it.
  case edited(version: Int)
  /// Transactions of others held locks on the step's tables during every attempt. Those seen last, the oldest first.
  case blocked(version: Int, holders: [LockHolder])
  /// Another coordinator held the migration's own lock all the time; `nil` where it let go as its name was asked for.
  case underWay(holder: LockHolder?)
  /// A statement took longer than its limit, or was cancelled by hand.
  case tooSlow(version: Int)
}

extension MigrationError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .edited(let version):
      "step \(version) of the schema has run here with other SQL than this program has for it. A step that has run is never edited: "
        + "use the program that made this database, or a newer one"
    case .blocked(let version, let holders):
      "\(Self.step(version)) cannot get its lock. \(Self.list(holders)) Nothing was changed"
    case .underWay(let holder):
      "another coordinator is still migrating. \(Self.list(holder.map { [$0] } ?? [])) Nothing was changed"
    case .tooSlow(let version):
      "a statement of \(Self.step(version)) was stopped because it took too long. Nothing was changed; try when there is less load"
    }
  }

  /// Before the first one comes the table in which they are noted.
  private static func step(_ version: Int) -> String {
    version == 0 ? "the history of the schema" : "step \(version) of the schema"
  }

  private static func list(_ holders: [LockHolder]) -> String {
    guard !holders.isEmpty else { return "Nobody holds it any more: start again." }
    let known = holders.map { "\($0)" }.joined(separator: "; ")
    let remedies = holders.map(\.remedy).joined(separator: ", ")
    return "\(known). Wait until it has ended, or end it (\(remedies)), and start again."
  }
}
