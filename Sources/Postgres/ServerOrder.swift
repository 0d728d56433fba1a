import Synchronization

/// With which of the servers that a connection string lists a new connection begins to look. Shared by those that belong together.
///
/// `target_session_attrs` takes the first that will do; a primary that was deposed and does not know it will do as well as the real one.
package final class ServerOrder: Sendable {
  private let turns = Atomic(0)

  package init() {}

  /// How often ``next()`` was called. A connection that was opened under another number is not lent again.
  var current: Int { turns.load(ordering: .relaxed) }

  /// From now on connections begin with the server after the one that they began with before.
  package func next() { turns.add(1, ordering: .relaxed) }
}
