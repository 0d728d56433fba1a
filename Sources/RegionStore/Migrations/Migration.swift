import Cryptography

/// One step of a database's schema. Forward only: a step that has run anywhere is never edited, and its ``checksum`` in the
/// database makes sure of it.
package struct Migration: Sendable {
  /// Dense, from 1.
  package let version: Int
  package let name: String
  /// Statements whose time grows with the tables and that keep neither readers nor writers waiting, such as
  /// `CREATE INDEX CONCURRENTLY`. Each runs by itself, outside a transaction, before ``sql``. All of them run again after a failure:
  /// the first ones remove what a broken-off attempt has left.
  package let online: [String]
  /// Runs in one transaction with the note that it ran. Readers wait for the locks that it holds, so it is short however large the
  /// tables are: no rewrite, no scan, no index of a table that has rows; and it locks one existing table, so that readers
  /// do not wait for it while it waits for a second one.
  package let sql: String

  package init(version: Int, name: String, online: [String] = [], sql: String) {
    self.version = version
    self.name = name
    self.online = online
    self.sql = sql
  }

  /// SHA-256 of everything that the step runs.
  package var checksum: [UInt8] { SHA256.hash(Array((online + [sql]).joined(separator: "\0").utf8)) }
}
