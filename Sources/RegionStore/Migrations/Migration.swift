/// One step of a database's schema. Forward only: a step that has run anywhere is never edited.
package struct Migration: Sendable {
  /// Dense, from 1.
  package let version: Int
  package let name: String
  package let sql: String
}
