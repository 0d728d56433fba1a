/// How long a migration keeps others waiting, and how long it waits for them.
package struct MigrationLimits: Sendable {
  /// How long a step stands in line for a lock. Whoever comes behind it waits as long, a reader too.
  package var lockWait = Duration.seconds(1)
  /// The first pause after a wait in vain, in which those who stood in line behind are served. Each pause is twice the one before.
  package var pause = Duration.seconds(1)
  package var pauseMax = Duration.seconds(8)
  /// How long a step tries in all, and how long another coordinator's migration is waited for.
  package var patience = Duration.seconds(120)
  /// For one statement of a step's transaction: it may hold a lock that readers wait for.
  package var statementMax = Duration.seconds(5)
  /// For one statement outside of a transaction: nobody waits for it but who starts.
  package var onlineStatementMax = Duration.seconds(3_600)

  package init() {}
}

extension Duration {
  var wholeMilliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }

  /// As PostgreSQL takes a time in a setting. At least 1 ms, since 0 switches a limit off.
  var setting: String { "'\(max(1, wholeMilliseconds))ms'" }
}
